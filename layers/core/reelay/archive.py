"""Media in the bucket: copied by multipart upload in the memory of few parts, given out by links that live minutes."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Protocol

from reelay.documents import media_prefix
from reelay.download import Unavailable
from reelay.errors import NotFound, ReelayError
from reelay.mediatype import SNIFF_BYTES, SUFFIXES, Mp4Scan, content_type, fits
from reelay.model import Link, Media, MediaKind, Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reelay.bucket import Bucket
    from reelay.download import Download, GuardedDownload
    from reelay.ports import Clock

PRESIGNED_SECONDS = 300
"""A few minutes: a player starts at once and keeps its connection; a copied link is worthless soon after."""

PART_BYTES = 8 * 1024**2
"""One of them is read and hashed while the two before it are sent: that much is held in memory up to four times. S3
takes parts from 5 MiB and at most 10,000 of them (Amazon S3 multipart upload limits), so that this carries 78 GiB."""

_STORE_REFUSED = "the store did not take it"
_EXPECTED = {MediaKind.VIDEO: "mp4 video", MediaKind.THUMBNAIL: "WebP, PNG, JPEG or GIF picture"}
_NAME_BYTES = 8


class Upload(Protocol):
    """What sends a file into the bucket, part by part."""

    def send(self, source: Inspected, key: str, headers: Mapping[str, str]) -> None:
        """All that `source` gives, as the object `key`. Raises StoreFailed, and what `source` raises."""


class S3Archive:
    """Keeps the promises of `ports.Archive` with one bucket. `upload` is made with the first copy."""

    def __init__(
        self,
        bucket: Bucket,
        upload: Callable[[], Upload],
        download: GuardedDownload,
        clock: Clock,
        new_name: Callable[[], str] = lambda: secrets.token_hex(_NAME_BYTES),
    ) -> None:
        self._bucket = bucket
        self._upload = upload
        self._download = download
        self._clock = clock
        self._new_name = new_name

    def keep(self, record: Record, link: Link, deadline: float) -> Media:
        """Copy what `link` points to, under a new key each time; `deadline` is on the scale of `Clock.monotonic`.

        Never raises, and leaves nothing in the bucket when it fails: the media then say why. (Where S3 does not even
        take the clean-up, the bucket's lifecycle rule ends the upload.) What the host labels the file is ignored: the
        first bytes decide, and a video is only kept when it is whole enough to be played.
        """
        try:
            with self._download.open(link.url, deadline) as download:
                return self._copy(record, link, download)
        except Unavailable as unavailable:
            reason, again = unavailable.reason, unavailable.passes
        except ReelayError:
            reason, again = _STORE_REFUSED, True
        except Exception:  # noqa: BLE001 - the port promises that a link never turns a completed record into a failed one
            reason, again = "the copy failed in a way that Reelay did not foresee", False
        return Media(link.kind, link.url, reason=reason, at=int(self._clock.now()), again=again)

    def address(self, media: Media) -> str:
        """A presigned URL of PRESIGNED_SECONDS, that is answered as an attachment and with the type of the bytes.

        Raises NotFound when there is no copy.
        """
        if media.key is None:
            raise NotFound(f"There is no archived copy of this {media.kind}: {media.reason}.")
        query = {
            "response-content-type": media.content_type or "application/octet-stream",
            "response-content-disposition": _attachment(media.key),
        }
        return self._bucket.link(media.key, query, PRESIGNED_SECONDS)

    def _copy(self, record: Record, link: Link, download: Download) -> Media:
        source = Inspected(download, link.kind)
        name = f"{link.kind}-{self._new_name()}{SUFFIXES[source.content_type]}"
        key = media_prefix(record.tenant, record.id) + name
        headers = {"Content-Type": source.content_type, "Content-Disposition": _attachment(key)}
        try:
            self._upload().send(source, key, headers)
        except ReelayError:
            self._bucket.delete(key)  # the object may be there, and only the answer have got lost
            raise
        return Media(
            kind=link.kind,
            source=link.url,
            key=key,
            size=source.size,
            sha256=source.sha256,
            content_type=source.content_type,
            at=int(self._clock.now()),
        )


def _attachment(key: str) -> str:
    """Content-Disposition for the object `key`, with the record's id as the file name (RFC 6266)."""
    *_, core, name = key.split("/")
    return f'attachment; filename="{core}{name[name.rindex(".") :]}"'


class Inspected:
    """A download as the file that an upload reads: hashed, counted and judged while it goes by.

    Raises Unavailable, here or out of `read` and then before the last part is given out, when the file turns out to
    be none that may be kept: the upload aborts itself. `ended` says whether the upload has given up already.
    """

    def __init__(self, download: Download, kind: MediaKind) -> None:
        self.size = 0
        self.ended: Callable[[], bool] = lambda: False
        self._download = download
        self._hash = hashlib.sha256()
        self._scan = Mp4Scan() if kind is MediaKind.VIDEO else None
        self._head = self._gather(SNIFF_BYTES)
        self.content_type = _checked(self._head, kind)

    @property
    def sha256(self) -> str:
        """Of all that was read, in hex."""
        return self._hash.hexdigest()

    def read(self, n: int = PART_BYTES) -> bytes:
        """`n` bytes, fewer only at the end; an upload leaves `n` out only when it has seen the end already."""
        data = self._gather(n, self._head)
        self._head = b""
        fault = self._scan.fault if self._scan and len(data) < n else None
        if fault is not None:
            raise Unavailable(fault)
        return data

    def _gather(self, n: int, head: bytes = b"") -> bytes:
        gathered = BytesIO()  # grows in place and hands its bytes over: joined pieces would take the memory twice
        gathered.write(head)
        while gathered.tell() < n and (piece := self._download.read(n - gathered.tell())):
            if self.ended():
                raise Unavailable(_STORE_REFUSED, passes=True)  # without threads, s3transfer reads on after that
            self.size += len(piece)
            self._hash.update(piece)
            if self._scan is not None:
                self._scan.feed(piece)
            gathered.write(piece)
        return gathered.getvalue()


def _checked(head: bytes, kind: MediaKind) -> str:
    """The content type of a file of `kind` that begins with `head`; raises Unavailable when it is none."""
    if not head:
        raise Unavailable("the file is empty")
    found = content_type(head)
    if found is None or not fits(found, kind):
        raise Unavailable(f"the file is no {_EXPECTED[kind]}: its bytes tell, whatever its label says")
    return found
