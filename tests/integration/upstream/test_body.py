"""How the body of an answer is read from a real socket, whatever is done to it."""

from __future__ import annotations

import gzip
import threading
import time

import pytest

from reelay.errors import (
    UpstreamBroken,
    UpstreamSilent,
)
from reelay.exchange import Limits
from reelay.model import Data, End, Failed, Head
from tests.fakes import FakeClock
from tests.integration.fault_server import FaultServer, Peer, Script, replies
from tests.integration.upstream.place import (
    FRAME,
    OK,
    POST,
    SOON,
    SSE_HEAD,
    body_of,
    drips_body,
    everything,
    upstream_at,
)


def test_before_the_status_line_only_the_deadline_limits_the_silence(clock: FakeClock) -> None:
    def thinks_first(peer: Peer) -> None:
        peer.request()
        peer.think(0.6)
        peer.send(OK)

    brief = Limits(send_seconds=0.3, idle_seconds=0.3, error_body_seconds=0.3)
    with FaultServer(thinks_first) as server:
        seen = everything(upstream_at(server, clock, brief).dial(10).post(POST))
    assert (body_of(seen), seen[-1], server.connections) == (FRAME, End(), 1)


def test_a_frame_is_seen_before_the_next_one_is_sent(clock: FakeClock) -> None:
    seen_one = threading.Event()

    def frame_by_frame(peer: Peer) -> None:
        peer.request()
        peer.send(SSE_HEAD + b"\r\n")
        for _ in range(3):
            peer.send(FRAME)
            assert seen_one.wait(5)
            seen_one.clear()

    with FaultServer(frame_by_frame) as server:
        exchange = upstream_at(server, clock).dial(10).post(POST)
        assert isinstance(exchange.wait(5), Head)
        for _ in range(3):
            assert exchange.wait(5) == Data(FRAME)
            seen_one.set()
        assert exchange.wait(5) == End()


def test_repeated_headers_are_joined_and_lower_case(clock: FakeClock) -> None:
    with FaultServer(replies(b"HTTP/1.1 200 OK\r\nX-Oneapi-Request-Id: A1\r\nVia: a\r\nVIA: b\r\n\r\n")) as server:
        head = everything(upstream_at(server, clock).dial(10).post(POST))[0]
    assert head == Head(200, {"x-oneapi-request-id": "A1", "via": "a, b"})


@pytest.mark.parametrize(
    "reply",
    [
        SSE_HEAD + b"Content-Length: 1000\r\n\r\n" + FRAME,
        SSE_HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(FRAME), FRAME),
        SSE_HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n1" % (len(FRAME), FRAME),
        SSE_HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\nzz\r\n" % (len(FRAME), FRAME),
        SSE_HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n-5\r\n" % (len(FRAME), FRAME),
        SSE_HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s" % (len(FRAME) + 9, FRAME),
    ],
    ids=["short of its length", "no last chunk", "cut in a size line", "no size", "negative size", "cut in a chunk"],
)
def test_a_body_that_is_cut_ends_in_doubt_with_what_came(clock: FakeClock, reply: bytes) -> None:
    with FaultServer(replies(reply)) as server:
        seen = everything(upstream_at(server, clock).dial(10).post(POST))
    last = seen[-1]
    assert isinstance(last, Failed)
    assert isinstance(last.error, UpstreamBroken)
    assert (last.error.status, last.error.charged) == (502, True)
    assert (body_of(seen), server.connections) == (FRAME, 1)


def test_a_chunked_body_that_ends_well_ends_well(clock: FakeClock) -> None:
    reply = SSE_HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x;x=y\r\n%s\r\n0\r\nT: x\r\n\r\n" % (len(FRAME), FRAME)
    with FaultServer(replies(reply)) as server:
        seen = everything(upstream_at(server, clock).dial(10).post(POST))
    assert (body_of(seen), seen[-1]) == (FRAME, End())


@pytest.mark.case("gzip-bomb")
@pytest.mark.parametrize(
    "header",
    [b"Content-Encoding: gzip", b"Content-Encoding: identity, br", b"Transfer-Encoding: gzip, chunked"],
)
def test_a_packed_body_is_never_inflated(clock: FakeClock, header: bytes) -> None:
    bomb = gzip.compress(b"\0" * 10_000_000)
    with FaultServer(replies(b"HTTP/1.1 200 OK\r\n%s\r\n\r\n%s" % (header, bomb))) as server:
        seen = everything(upstream_at(server, clock).dial(10).post(POST))
    assert len(seen) == 1
    assert isinstance(seen[0], Failed)
    assert isinstance(seen[0].error, UpstreamBroken)
    assert seen[0].error.charged
    assert server.connections == 1


def test_silence_in_the_middle_of_an_answer_is_not_waited_out(clock: FakeClock) -> None:
    def falls_silent(peer: Peer) -> None:
        peer.request()
        peer.send(SSE_HEAD + b"\r\n" + FRAME)
        peer.hold()

    with FaultServer(falls_silent) as server:
        seen = everything(upstream_at(server, clock, Limits(idle_seconds=0.3)).dial(10).post(POST))
    last = seen[-1]
    assert isinstance(last, Failed)
    assert isinstance(last.error, UpstreamSilent)
    assert "fell silent" in last.error.message
    assert (last.error.charged, body_of(seen), server.connections) == (True, FRAME, 1)


def drips_headers(peer: Peer) -> None:
    peer.request()
    peer.send(SSE_HEAD)
    peer.drip(b"X-Drip: 1\r\n", 0.02)


def drips_chunk_size(peer: Peer) -> None:
    peer.request()
    peer.send(SSE_HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    peer.drip(b"0")


def continues_for_ever(peer: Peer) -> None:
    peer.request()
    peer.drip(b"HTTP/1.1 100 Continue\r\n\r\n", 0.001)


@pytest.mark.case("endless-stream")
@pytest.mark.parametrize("script", [drips_headers, drips_body, drips_chunk_size, continues_for_ever])
def test_an_upstream_that_drips_for_ever_is_stopped_at_the_deadline(clock: FakeClock, script: Script) -> None:
    with FaultServer(script) as server:
        began = time.monotonic()
        seen = everything(upstream_at(server, clock, Limits(idle_seconds=5)).dial(SOON).post(POST))
        assert time.monotonic() - began < 2
        assert server.left.wait(5)
    last = seen[-1]
    assert isinstance(last, Failed)
    assert isinstance(last.error, UpstreamSilent)
    assert (last.error.status, last.error.charged, server.connections) == (504, True, 1)
    assert bool(body_of(seen)) is (script is drips_body)


@pytest.mark.case("endless-stream")
def test_a_stream_without_end_is_cut_at_the_byte_limit(clock: FakeClock) -> None:
    def endless(peer: Peer) -> None:
        peer.request()
        peer.send(SSE_HEAD + b"\r\n")
        peer.flood(b"x" * 10_000)

    with FaultServer(endless) as server:
        seen = everything(upstream_at(server, clock, Limits(reply_bytes=1_000_000)).dial(10).post(POST))
        assert server.left.wait(5)
    last = seen[-1]
    assert isinstance(last, Failed)
    assert isinstance(last.error, UpstreamBroken)
    assert "longer than" in last.error.message
    assert last.error.charged
    assert 900_000 < len(body_of(seen)) <= 1_000_000
