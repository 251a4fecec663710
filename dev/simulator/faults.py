"""Media addresses that answer badly: `/faults/<name>/<anything>.mp4`."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from dev.simulator import cdn
from dev.simulator.steps import Abort, Bytes, Framing, Head, Pause, Steps

DRIP_SECONDS = 0.05
_HTML = b"<!DOCTYPE html><html><body><h1>Sign in to watch</h1></body></html>\n"
_BOMB_MEMBER_BYTES = 16 * 2**20
_BOMB_MEMBERS = 64
PRIVATE = "http://169.254.169.254/latest/meta-data/iam/security-credentials/clip.mp4"
"""The instance metadata service: where a server-side request forgery goes first."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`says` is a line for the catalogue; `play` answers for the path, which it may redirect to, on `origin`."""

    says: str
    play: Callable[[str, str], Steps]


def _redirect(to: str) -> Steps:
    yield Head(302, (("Location", quote(to, safe=":/?=&")), ("Content-Length", "0")), Framing.LENGTH)


def _hop(left: int) -> Callable[[str, str], Steps]:
    """The next address with one hop less; the last one is a good file."""

    def play(path: str, origin: str) -> Steps:
        name = path.rpartition("/")[2]
        return _redirect(f"{origin}/faults/{f'hops-{left - 1}' if left > 1 else 'none'}/{name}")

    return play


def _no_moov(_: str, __: str) -> Steps:
    kept = [cdn.VIDEO[at : at + size] for at, name, size in cdn.boxes(cdn.VIDEO) if name != b"moov"]
    return cdn.file(b"".join(kept), "video/mp4")


def _drip(_: str, __: str) -> Steps:
    yield Head(200, (("Content-Type", "video/mp4"),), Framing.CHUNKED)
    yield Bytes(cdn.VIDEO)
    for _zero in itertools.repeat(0):
        yield Pause(DRIP_SECONDS)
        yield Bytes(b"\0")


def _short(_: str, __: str) -> Steps:
    yield Head(200, (("Content-Type", "video/mp4"), ("Content-Length", str(2 * len(cdn.VIDEO)))), Framing.LENGTH)
    yield Bytes(cdn.VIDEO)
    yield Abort()


def _cut(_: str, __: str) -> Steps:
    yield Head(200, (("Content-Type", "video/mp4"),), Framing.CHUNKED)
    yield Bytes(cdn.VIDEO[: len(cdn.VIDEO) // 2])
    yield Abort()


def _gzip(_: str, __: str) -> Steps:
    yield Head(200, (("Content-Type", "video/mp4"), ("Content-Encoding", "gzip")), Framing.CHUNKED)
    yield Bytes(gzip.compress(cdn.VIDEO))
    yield from itertools.repeat(Bytes(gzip.compress(bytes(_BOMB_MEMBER_BYTES))), _BOMB_MEMBERS)


def _file(body: bytes, kind: str) -> Callable[[str, str], Steps]:
    return lambda _path, _origin: cdn.file(body, kind)


def _status(status: int, words: str) -> Callable[[str, str], Steps]:
    return lambda _path, _origin: cdn.plain(status, words)


FAULTS = {
    "none": Fault("the good video", _file(cdn.VIDEO, "video/mp4")),
    "octets": Fault("the good video, labelled application/octet-stream", _file(cdn.VIDEO, "application/octet-stream")),
    "html": Fault("HTML labelled video/mp4", _file(_HTML, "video/mp4")),
    "zero": Fault("a video of 0 bytes", _file(b"", "video/mp4")),
    "no-moov": Fault("an mp4 without a moov box", _no_moov),
    "loop": Fault("a redirect to itself", lambda path, origin: _redirect(origin + path)),
    "private": Fault("a redirect to the metadata service", lambda _path, _origin: _redirect(PRIVATE)),
    **{f"hops-{left}": Fault(f"{left} redirects, then the good video", _hop(left)) for left in (1, 2, 3, 4)},
    "drip": Fault("the good video, then a byte now and then, for ever", _drip),
    "short": Fault("a Content-Length twice what comes", _short),
    "cut": Fault("cut in the middle of a chunked body", _cut),
    "gzip": Fault("the good video and 1 GiB of zeros behind it, as gzip", _gzip),
    "403": Fault("403", _status(403, "forbidden")),
    "404": Fault("404", _status(404, "gone")),
    "500": Fault("500", _status(500, "broken")),
}


def serve(path: str, origin: str) -> Steps:
    """The fault that the path names, 404 if there is none."""
    fault = FAULTS.get(path.split("/")[2])
    return fault.play(path, origin) if fault else cdn.plain(404, "no such fault")
