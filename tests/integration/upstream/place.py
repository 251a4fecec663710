"""What the tests of the upstream adapter share: a request, its replies, and what is seen of an exchange."""

from __future__ import annotations

import socket
import ssl
import threading

import trustme

from reelay.connection import Address
from reelay.errors import (
    UpstreamError,
)
from reelay.exchange import Limits
from reelay.model import Data, Failed, Head, Outgoing, Seen
from reelay.ports import Exchange
from reelay.upstream import HttpsUpstream
from tests.fakes import FakeClock
from tests.integration.fault_server import FaultServer, Peer, http

BODY = b'{"model":"sora-2","stream":true,"messages":[{"role":"user","content":"ein Hund"}]}'
POST = Outgoing(BODY, {"Content-Type": "application/json", "Authorization": "Bearer secret-1"})
FRAME = b'data: {"id":"chatcmpl-1","choices":[]}\n\n'
OK = http("200 OK", FRAME, Content_Type="text/event-stream")
SSE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
SOON = 0.5
"""Seconds until the deadline in tests that wait for it: long enough to connect on a machine that is busy."""
BUSY = http("429 Too Many Requests", Retry_After="2")


def envelope(message: str = "出错了", code: str = "") -> bytes:
    return f'{{"error":{{"message":"{message}","type":"new_api_error","param":"","code":"{code}"}}}}'.encode()


def no_jitter() -> float:
    return 0.0


def upstream_at(server: FaultServer, clock: FakeClock, limits: Limits | None = None) -> HttpsUpstream:
    return HttpsUpstream(server.url, clock=clock, plain_http=True, limits=limits or Limits(), jitter=no_jitter)


def everything(exchange: Exchange) -> list[Seen]:
    """All that is seen, in order. Checks the promises of the port on the way."""
    seen: list[Seen] = []
    while not seen or isinstance(seen[-1], Head | Data):
        thing = exchange.wait(10)
        assert thing is not None, f"nothing was seen for ten seconds after {seen}"
        assert isinstance(thing, Head | Failed) if not seen else not isinstance(thing, Head)
        seen.append(thing)
    assert exchange.wait(0) == seen[-1]
    return seen


def failure(exchange: Exchange) -> UpstreamError:
    """The error that the exchange ends with."""
    last = everything(exchange)[-1]
    assert isinstance(last, Failed), last
    assert isinstance(last.error, UpstreamError)
    assert "secret-1" not in last.error.message
    return last.error


def body_of(seen: list[Seen]) -> bytes:
    return b"".join(thing.data for thing in seen if isinstance(thing, Data))


def drips_body(peer: Peer) -> None:
    peer.request()
    peer.send(SSE_HEAD + b"\r\n")
    peer.drip(b": ping\n\n")


def refusing_port() -> socket.socket:
    """A port that nobody listens on and nobody else can take."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    return taken


def ipv4(port: int) -> Address:
    return (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port))


def server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def secured_at(
    server: FaultServer, clock: FakeClock, trust: ssl.SSLContext, limits: Limits | None = None
) -> HttpsUpstream:
    return HttpsUpstream(server.url, clock=clock, tls=trust, limits=limits or Limits(), jitter=no_jitter)


def join_readers() -> None:
    """Waits for the threads that read."""
    join("upstream-reader")


def join(*names: str) -> None:
    """Waits for the threads that have one of these names; none may live on."""
    threads = [thread for thread in threading.enumerate() if thread.name in names]
    for thread in threads:
        thread.join(3)
    assert not [thread.name for thread in threads if thread.is_alive()]
