"""boto3's part of the archive: a file of unknown length into the bucket by multipart upload."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, cast

from boto3.s3.transfer import TransferConfig, create_transfer_manager
from s3transfer.subscribers import BaseSubscriber

from reelay.archive import PART_BYTES
from reelay.s3 import failures

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_s3 import S3Client
    from s3transfer.futures import TransferFuture

    from reelay.archive import Inspected

_READ_AHEAD = TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES, max_concurrency=2)
# s3transfer's own default is ten, and boto3's configuration has no argument for it.
_READ_AHEAD.max_in_memory_upload_chunks = 2
_PARAMETERS = {"Content-Type": "ContentType", "Content-Disposition": "ContentDisposition"}


class S3Upload:
    """Keeps the promises of `archive.Upload` in one bucket."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self.client = client
        self._bucket = bucket

    def send(self, source: Inspected, key: str, headers: Mapping[str, str]) -> None:
        """As `upload_fileobj` does, which cannot tell its reader that a part was refused. Raises StoreFailed, and what
        the reader raises; nothing stays then but what S3 did without its answer being heard."""
        extra = {_PARAMETERS[name]: value for name, value in headers.items()}
        with failures(), create_transfer_manager(self.client, _READ_AHEAD) as manager:
            # boto3 reads what has a `read`; its types ask for a whole file
            file = cast("IO[bytes]", source)
            manager.upload(file, self._bucket, key, extra_args=extra, subscribers=[_Watch(source)]).result()


class _Watch(BaseSubscriber):
    def __init__(self, source: Inspected) -> None:
        self._source = source

    def on_queued(self, future: TransferFuture, **_: Any) -> None:
        """Called by s3transfer before it reads anything."""
        self._source.ended = future.done
