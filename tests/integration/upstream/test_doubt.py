"""What may have been charged is posted once, over real sockets."""

from __future__ import annotations

import pytest

from reelay.errors import (
    UpstreamBroken,
    UpstreamError,
    UpstreamRefused,
    UpstreamSilent,
)
from reelay.exchange import RAW_BYTES
from reelay.model import Failed, Outgoing
from tests.fakes import FakeClock
from tests.integration.fault_server import FaultServer, Peer, Script, http, replies
from tests.integration.upstream.place import (
    OK,
    POST,
    SOON,
    envelope,
    everything,
    failure,
    upstream_at,
)


def _reset(peer: Peer) -> None:
    peer.request()
    peer.reset()


@pytest.mark.parametrize(
    "script",
    [
        replies(),
        _reset,
        replies(b"garbage\r\n\r\n"),
        replies(b"HTTP/1.1 abc\r\n\r\n"),
        replies(b"HTTP/2.0 200 OK\r\n\r\n"),
        replies(b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\nx"),
        replies(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 101 + b"\r\n"),
        replies(b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70_000 + b"\r\n\r\n"),
    ],
    ids=["closed", "reset", "garbage", "no status", "http 2", "two lengths", "many headers", "long header"],
)
def test_no_http_answer_after_the_request_was_sent_is_of_unknown_charge(clock: FakeClock, script: Script) -> None:
    with FaultServer(script) as server:
        error = failure(upstream_at(server, clock).dial(10).post(POST))
    assert isinstance(error, UpstreamBroken)
    assert (error.status, error.charged, server.connections) == (502, True, 1)


def test_silence_after_the_request_was_sent_ends_at_the_deadline(clock: FakeClock) -> None:
    def silent(peer: Peer) -> None:
        peer.request()
        peer.hold()

    with FaultServer(silent) as server:
        exchange = upstream_at(server, clock).dial(SOON).post(POST)
        assert exchange.wait(0) is None
        error = failure(exchange)
    assert isinstance(error, UpstreamSilent)
    assert (error.status, error.charged, len(server.posts)) == (504, True, 1)


@pytest.mark.parametrize(
    ("reply", "status", "code"),
    [
        (http("500 x", envelope(code="do_request_failed")), 500, "do_request_failed"),
        (http("502 x", b"<html>bad gateway</html>"), 502, "upstream_broken"),
        (http("503 x", b""), 502, "upstream_broken"),
        (http("504 x", envelope()), 504, "upstream_timeout"),
        (http("524 x", b"<html>timeout</html>"), 502, "upstream_broken"),
        (http("408 x", envelope()), 408, "upstream_error"),
        (http("103 Early Hints"), 502, "upstream_broken"),
    ],
)
def test_an_error_that_may_have_been_charged_is_never_posted_again(
    clock: FakeClock, reply: bytes, status: int, code: str
) -> None:
    with FaultServer(replies(reply)) as server:
        seen = everything(upstream_at(server, clock).dial(60).post(POST))
    assert len(seen) == 1
    assert isinstance(seen[0], Failed)
    assert isinstance(seen[0].error, UpstreamError)
    assert (seen[0].error.status, seen[0].error.code, seen[0].error.charged) == (status, code, True)
    assert seen[0].raw == reply.partition(b"\r\n\r\n")[2]
    assert server.connections == 1


def test_8_kb_of_a_long_error_page_are_kept(clock: FakeClock) -> None:
    with FaultServer(replies(http("502 x", b"<html>" + b"x" * 1_000_000))) as server:
        last = everything(upstream_at(server, clock).dial(60).post(POST))[-1]
    assert isinstance(last, Failed)
    assert last.raw == b"<html>" + b"x" * (RAW_BYTES - 6)


@pytest.mark.parametrize(
    ("reply", "status", "code"),
    [
        (http("400 x", envelope(code="invalid_request")), 400, "invalid_request"),
        (http("401 x", envelope("无效的令牌")), 401, "invalid_api_key"),
        (http("404 x", envelope(code="model_not_found")), 404, "model_not_found"),
        (http("503 x", envelope(code="model_not_found"), Retry_After="1"), 503, "model_not_found"),
    ],
)
def test_what_the_upstream_refuses_is_posted_once_and_free(
    clock: FakeClock, reply: bytes, status: int, code: str
) -> None:
    with FaultServer(replies(reply)) as server:
        error = failure(upstream_at(server, clock).dial(60).post(POST))
    assert isinstance(error, UpstreamRefused)
    assert (error.status, error.code, error.charged, server.connections) == (status, code, False, 1)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_never_followed(clock: FakeClock, status: str) -> None:
    with FaultServer(replies(OK)) as elsewhere:
        moved = http(status, Location=elsewhere.url)
        with FaultServer(replies(moved)) as server:
            error = failure(upstream_at(server, clock).dial(10).post(POST))
        assert (len(server.posts), elsewhere.connections) == (1, 0)
    assert isinstance(error, UpstreamBroken)
    assert error.charged
    assert str(elsewhere.port) not in error.message


def test_a_refusal_in_the_middle_of_a_large_body_is_heard(clock: FakeClock) -> None:
    def impatient(peer: Peer) -> None:
        peer.request(body=False)
        peer.send(http("413 Too Large", envelope("over 32 MB")))

    with FaultServer(impatient) as server:
        error = failure(upstream_at(server, clock).dial(10).post(Outgoing(b"x" * 33_000_000, {})))
    assert (error.status, error.charged, error.message) == (413, False, "over 32 MB")
    assert server.connections == 1
