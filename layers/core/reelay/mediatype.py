"""What a file is, told by its bytes and never by its label. Pure: bytes in, facts out."""

from __future__ import annotations

from reelay.model import MediaKind

SNIFF_BYTES = 12
"""The longest signature below: a WebP names itself in bytes 8 to 11 (RFC 9649 section 2.4), a brand ends there too."""

MAX_BOXES = 100_000
"""Top-level boxes that are counted before a file is given up: a fragmented hour has under 10,000, while 2 GiB of
8-byte boxes would cost minutes of CPU."""

SUFFIXES = {
    "video/mp4": ".mp4",
    "image/webp": ".webp",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
}
"""Every content type that is archived, with the suffix of its key. SVG is none of them: it runs scripts."""

_IMAGES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),  # RFC 2083 section 3.1
    (b"\xff\xd8\xff", "image/jpeg"),  # ITU-T T.81 annex B: SOI, then a marker
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_NOT_MP4 = frozenset(
    {b"avif", b"avis", b"heic", b"heix", b"hevc", b"hevx", b"mif1", b"msf1", b"qt  ", b"M4A ", b"M4B "}
)
"""Major brands (ISO/IEC 14496-12 section 4.3) of stills, sound and QuickTime, which no browser plays as video/mp4."""

_KINDS = {MediaKind.VIDEO: "video/", MediaKind.THUMBNAIL: "image/"}
_HEADER = 8
_LARGE_HEADER = 16
_KEPT_WHOLE = frozenset({b"moov", b"mdat"})


def content_type(head: bytes) -> str | None:
    """The content type of a file that begins with `head` (SNIFF_BYTES of it suffice), or None when it is no media."""
    # A ftyp box is tens of bytes long: sizes that would be letters belong to text that wants to pass for a video
    if head[:2] == b"\0\0" and head[4:8] == b"ftyp" and len(head) >= SNIFF_BYTES:
        return None if head[8:12] in _NOT_MP4 else "video/mp4"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((name for signature, name in _IMAGES if head.startswith(signature)), None)


def fits(content_type: str, kind: MediaKind) -> bool:
    """Whether a file of `content_type` can stand for `kind`."""
    return content_type.startswith(_KINDS[kind])


class Mp4Scan:
    """Walks the top-level boxes of an mp4 (ISO/IEC 14496-12 section 4.2) while its bytes go by, keeping none."""

    def __init__(self) -> None:
        self._header = bytearray()
        self._box = b""
        self._left = 0
        self._boxes = 0
        self._lost = False
        self._moov = False

    def feed(self, data: bytes) -> None:
        """Look at the next bytes of the file, cut anywhere."""
        at = 0
        while at < len(data) and not self._lost:
            if self._left:
                step = min(self._left, len(data) - at)
                self._left -= step
            else:
                step = self._take(data, at)
            at += step

    @property
    def fault(self) -> str | None:
        """Why the file, which has ended now, cannot be played, in words; None when nothing speaks against it.

        Unknown bytes after the last box are no fault (players pass over them), and neither is a box that runs to the
        end of the file by its own word.
        """
        if not self._moov:
            return "the video has no moov box, so no player can open it"
        if self._left and self._box in _KEPT_WHOLE and not self._lost:
            return "the video ends in the middle"
        return None

    def _take(self, data: bytes, at: int) -> int:
        """Add to the header under way; returns how many bytes it took."""
        wanted = _LARGE_HEADER if self._header[:4] == b"\0\0\0\1" and len(self._header) >= _HEADER else _HEADER
        piece = data[at : at + wanted - len(self._header)]
        self._header += piece
        if len(self._header) == wanted and (wanted == _LARGE_HEADER or self._header[:4] != b"\0\0\0\1"):
            self._begin(wanted)
        return len(piece)

    def _begin(self, length: int) -> None:
        size = int.from_bytes(self._header[:4], "big") if length == _HEADER else int.from_bytes(self._header[8:], "big")
        self._box = bytes(self._header[4:8])
        self._header.clear()
        self._boxes += 1
        self._moov = self._moov or self._box == b"moov"
        self._left = size - length
        self._lost = size < length or self._boxes >= MAX_BOXES
