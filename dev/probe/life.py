"""How long a media link lives: what it says of itself, and whether it answers now, asked as Reelay itself would."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from reelay.addresses import Refused, parse
from reelay.clock import SystemClock
from reelay.download import GuardedDownload, Unavailable
from reelay.mediatype import SNIFF_BYTES, content_type
from reelay.model import Link

LOOK_SECONDS = 20.0
"""For a look at a link, from the name to its first bytes; as long as Reelay waits for one byte of a copy."""

_AMZ_DATE = "%Y%m%dT%H%M%SZ"
_SIGNED_FOR = (("x-amz-date", "x-amz-expires"), ("x-goog-date", "x-goog-expires"))
"""Signed at, and for how many seconds: AWS Signature Version 4 for queries, and Google's V4 signed URLs."""

_DIES_AT = ("expires", "exp", "expire")
"""Unix seconds: S3 Signature Version 2, CloudFront, and the habit of many CDNs."""

_SAS_DIES_AT = "se"
"""ISO 8601: a shared access signature of Azure Storage (V8)."""


@dataclass(frozen=True, slots=True)
class Look:
    """One link: the kind of media, the host, when it says that it dies (Unix seconds), and what answers there now."""

    kind: str
    host: str
    dies_at: float | None
    now: str


def look(link: Link, trusted_origins: frozenset[str]) -> Look:
    """A look at one link, guarded as a copy would be; only its first bytes are read."""
    try:
        host = parse(link.url, trusted_origins).authority
    except Refused as refused:
        return Look(link.kind, "a host that is not asked", dies_at(link.url), f"Reelay would not copy it: {refused}")
    return Look(link.kind, host, dies_at(link.url), _answers(link.url, trusted_origins))


def dies_at(url: str) -> float | None:
    """When the link's own query says that it dies, in Unix seconds; None when it does not say."""
    asked = {name.lower(): values[-1] for name, values in parse_qs(urlsplit(url).query).items()}
    for signed, seconds in _SIGNED_FOR:
        if signed in asked and seconds in asked:
            start = _moment(asked[signed], _AMZ_DATE)
            return start + int(asked[seconds]) if start is not None and asked[seconds].isdecimal() else None
    if _SAS_DIES_AT in asked:
        return _moment(asked[_SAS_DIES_AT])
    return next((float(asked[name]) for name in _DIES_AT if asked.get(name, "").isdecimal()), None)


def _moment(text: str, form: str | None = None) -> float | None:
    try:
        moment = datetime.strptime(text, form) if form else datetime.fromisoformat(text)  # noqa: DTZ007 - UTC follows
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()


def _answers(url: str, trusted_origins: frozenset[str]) -> str:
    """A GET whose rest is not read: a link that is signed for GET answers no HEAD."""
    clock = SystemClock()
    download = GuardedDownload(clock=clock, trusted_origins=trusted_origins)
    head = b""
    try:
        with download.open(url, clock.monotonic() + LOOK_SECONDS) as file:
            while len(head) < SNIFF_BYTES and (data := file.read(SNIFF_BYTES - len(head))):
                head += data
            length = "of unknown length" if file.length is None else f"of {file.length:,} bytes"
    except Unavailable as unavailable:
        return f"it does not answer now: {unavailable.reason}"
    return f"it answers now, with {content_type(head) or 'what is no media'} {length}"
