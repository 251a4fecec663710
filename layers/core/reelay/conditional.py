"""The objects of one bucket: read whole, written whole, and written on the condition of what was read.

PutObject's conditions carry the promise (Amazon S3 user guide, "How to prevent object overwrites with conditional
writes"): `If-None-Match: *` lets one creator win, `If-Match` one writer per revision. 412 means that somebody was
first, unless an answer of our own got lost and botocore's repeat met our own write: so 412 is believed only after
reading back. 409 means that nothing is decided, and the write is tried again. Equal bytes have equal tags, so each
revision of what can be replaced holds a random `write_id`: no two of them are mistaken for one another.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import IO, TYPE_CHECKING, TypedDict, TypeVar

from reelay.s3 import Undecided, failures, store_failed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

WRITES = 5
"""Of one revision, while S3 answers 409; each 409 means that a rival is about to be done."""

WRITE_ID_BYTES = 8
"""Of randomness in a `write_id`: two writes of one object never share one."""

JSON = "application/json"
BYTES = "application/octet-stream"
_T = TypeVar("_T")


class Condition(TypedDict, total=False):
    """What must hold for a write to happen, as PutObject names it: `IfMatch` a tag, or `IfNoneMatch` anything."""

    IfMatch: str
    IfNoneMatch: str


NEW: Condition = {"IfNoneMatch": "*"}
"""Nothing lies there yet."""


class Objects:
    """Whole objects by their key. Every method raises StoreFailed when S3 fails."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def get(self, key: str) -> tuple[bytes, str]:
        """The object and its tag. Raises NotFound."""
        with failures():
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
            return answer["Body"].read(), _tag(answer.get("ETag"))

    def put(self, key: str, body: bytes | IO[bytes], kind: str, condition: Condition | None = None) -> str:
        """Write once; returns the new tag.

        With a condition, raises Conflict when it is not met, NotFound when the object to replace is gone, and
        Undecided when S3 met a rival and decided for neither.
        """
        with failures():
            answer = self._client.put_object(
                Bucket=self._bucket, Key=key, Body=body, ContentType=kind, **(condition or {})
            )
        return _tag(answer.get("ETag"))

    def settle(self, key: str, body: bytes, condition: Condition) -> str:
        """Write JSON until S3 has decided, WRITES times at most; returns the new tag. Raises Conflict or NotFound.

        Conflict may mean that this very write was done and its answer lost: read back before believing it.
        """
        for _ in range(WRITES - 1):
            with suppress(Undecided):
                return self.put(key, body, JSON, condition)
        return self.put(key, body, JSON, condition)


def _tag(etag: str | None) -> str:
    if not etag:
        raise store_failed("NoETag")
    return etag


def decoded(decoder: Callable[[bytes], _T], raw: bytes) -> _T:
    """What `decoder` makes of an object of ours. Raises StoreFailed for what it refuses."""
    try:
        return decoder(raw)
    except (ValueError, RecursionError):
        raise store_failed("UnreadableRecord") from None
