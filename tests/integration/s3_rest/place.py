"""What the tests of the way to S3 share: what is asked, servers that answer or do not, and what a failure may tell."""

from __future__ import annotations

import ssl
import traceback

import pytest

from reelay.errors import ReelayError
from reelay.s3_failures import READ_SECONDS
from reelay.s3_place import place_of
from reelay.s3_rest import Asked, S3Rest
from reelay.sigv4 import Credentials
from tests.integration.fault_server import FaultServer, Peer, Script, http

KEY, BODY, SECRET, TOKEN = "kept/records/key-1", b"body-1", "secret-1", "token-1"
WHO = Credentials("AKIA-1", SECRET, TOKEN)
OK = http("200 OK", BODY, ETag='"tag-1"')
GET = Asked("GetObject", "GET", KEY)
PUT = Asked("PutObject", "PUT", KEY, headers={"Content-Type": "text/plain"}, body=BODY)
ENDLESS = b"Content-Length: 1000000000000\r\n\r\n"


class Paused(list[float]):
    """Takes the pauses down and makes none."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def no_tls() -> ssl.SSLContext:
    raise AssertionError("plain http was asked for")


def rest_at(
    server: FaultServer, tls: ssl.SSLContext | None = None, read_seconds: float = READ_SECONDS
) -> tuple[S3Rest, Paused]:
    place = place_of("bucket", "eu-central-1", f"{'https' if tls else 'http'}://localhost:{server.port}")
    paused = Paused()
    return S3Rest(place, lambda: WHO, lambda: tls or no_tls(), paused, read_seconds), paused


def failure(rest: S3Rest, asked: Asked = PUT) -> ReelayError:
    """What the call raises, which shows nothing of what was asked, of whom, or by whom."""
    with pytest.raises(ReelayError) as caught:
        rest.call(asked)
    shown = "".join(traceback.format_exception(caught.value)) + caught.value.message
    for hidden in (KEY, BODY.decode(), SECRET, TOKEN, WHO.key_id, str(rest.place.port), "Signature"):
        assert hidden not in shown
    return caught.value


def error(status: str, code: str) -> bytes:
    return http(status, f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message></Error>".encode())


def answering(*answers: bytes) -> Script:
    """One request after the other on one connection; then the end."""

    def play(peer: Peer) -> None:
        for answer in answers:
            peer.request()
            peer.send(answer)

    return play


def always(peer: Peer) -> None:
    while True:
        peer.request()
        peer.send(OK)


def reset_after(*pieces: bytes) -> Script:
    def play(peer: Peer) -> None:
        peer.request()
        for piece in pieces:
            peer.send(piece)
        peer.reset()

    return play


def never(peer: Peer) -> None:
    peer.request()
    peer.hold()


HEAD = b'HTTP/1.1 200 OK\r\nETag: "tag-1"\r\n'
