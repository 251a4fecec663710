"""The media hosts: a real video and its poster under links that expire, and a video of any size."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from dev.simulator import names
from dev.simulator.steps import Bytes, Framing, Head, Steps

_MEDIA = Path(__file__).with_name("media")
VIDEO = (_MEDIA / "sample.mp4").read_bytes()
POSTER = (_MEDIA / "sample.webp").read_bytes()
_FILES = {"mp4": (VIDEO, "video/mp4"), "webp": (POSTER, "image/webp")}

_RANGE = re.compile(r"bytes=(\d*)-(\d*)\Z", re.ASCII)
_BIG = re.compile(r"/big/(\d{1,15})\.mp4\Z", re.ASCII)
_FILLER = bytes(256 * 1024)
_LARGEST_BOX = 2**32 - 1
"""What a box's 32-bit size field holds; 0 there means up to the file's end (ISO/IEC 14496-12 section 4.2)."""


def plain(status: int, words: str) -> Steps:
    """A short answer in plain text."""
    return file(words.encode(), "text/plain; charset=utf-8", status=status)


def file(body: bytes, kind: str, *, status: int = 200, more: Mapping[str, str] | None = None) -> Steps:
    """A body of a known length."""
    fields = {"Content-Type": kind, "Content-Length": str(len(body)), **(more or {})}
    yield Head(status, tuple(fields.items()), Framing.LENGTH)
    yield Bytes(body)


def serve(path: str, query: str, headers: Mapping[str, str], now: float, link_seconds: float) -> Steps:
    """A file under `/cdn/`: 404 if no answer ever held the link, 403 when it has expired or its signature is wrong."""
    made = names.made_at(path)
    if made is None:
        return plain(404, "no such file")
    signed = "sig=" in query
    if signed and not names.query_is_signed(path, query, now):
        return plain(403, "the signature is wrong or has expired")
    if not signed and now >= made + link_seconds:
        return plain(403, "the link has expired")
    body, kind = _FILES[path.rpartition(".")[2]]
    return _ranged(body, kind, headers.get("range"))


def _ranged(body: bytes, kind: str, wanted: str | None) -> Steps:
    """The whole, or the one range that was asked for (RFC 9110 section 14)."""
    accepts = {"Accept-Ranges": "bytes"}
    found = _RANGE.match(wanted) if wanted else None
    if not found or not (found[1] or found[2]):
        return file(body, kind, more=accepts)
    size = len(body)
    first = int(found[1]) if found[1] else max(0, size - int(found[2]))
    last = min(int(found[2]), size - 1) if found[1] and found[2] else size - 1
    if first > last:
        return file(b"", kind, status=416, more={"Content-Range": f"bytes */{size}"})
    more = accepts | {"Content-Range": f"bytes {first}-{last}/{size}"}
    return file(body[first : last + 1], kind, status=206, more=more)


def big(path: str, *, with_length: bool) -> Steps:
    """`/big/<bytes>.mp4`: so many bytes, the sample video with zeros behind its samples; it still plays."""
    found = _BIG.match(path)
    size = int(found[1]) if found else 0
    if size < len(VIDEO):
        return plain(404, f"there is no video of fewer than {len(VIDEO)} bytes")
    return _padded(size, with_length=with_length)


def _padded(size: int, *, with_length: bool) -> Steps:
    length = (("Content-Length", str(size)),) if with_length else ()
    framing = Framing.LENGTH if with_length else Framing.CHUNKED
    yield Head(200, (("Content-Type", "video/mp4"), *length), framing)
    at = next(at for at, name, _ in boxes(VIDEO) if name == b"mdat")
    box = size - at if size - at <= _LARGEST_BOX else 0
    yield Bytes(VIDEO[:at] + box.to_bytes(4, "big") + VIDEO[at + 4 :])
    left = size - len(VIDEO)
    while left > 0:
        yield Bytes(_FILLER[:left])
        left -= len(_FILLER)


def boxes(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Offset, name and size of the boxes at the top of an MP4 whose sizes are all 32-bit."""
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        yield at, data[at + 4 : at + 8], size
        at += size
