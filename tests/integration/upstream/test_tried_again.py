"""What proves that nothing was charged is tried again, over real sockets."""

from __future__ import annotations

import datetime as dt
import socket
import threading

import pytest

from reelay.clock import SystemClock
from reelay.connection import Address, look_up
from reelay.errors import (
    UpstreamBusy,
    UpstreamUnreachable,
)
from reelay.exchange import Limits
from reelay.model import Failed
from reelay.upstream import HttpsUpstream
from tests.fakes import FakeClock
from tests.integration.fault_server import FaultServer, Peer, Script, http, replies
from tests.integration.upstream.place import (
    BUSY,
    FRAME,
    OK,
    POST,
    SOON,
    body_of,
    envelope,
    everything,
    failure,
    ipv4,
    join_readers,
    no_jitter,
    refusing_port,
    upstream_at,
)


@pytest.mark.case("connect-refused-twice")
def test_a_connection_refused_twice_is_made_the_third_time(clock: FakeClock) -> None:
    with FaultServer(replies(OK)) as server, refusing_port() as refusing:
        ports = iter([refusing.getsockname()[1]] * 2 + [server.port])
        upstream = HttpsUpstream(
            server.url, clock=clock, plain_http=True, resolve=lambda _host, _port: [ipv4(next(ports))], jitter=no_jitter
        )
        seen = everything(upstream.dial(10).post(POST))
    assert (body_of(seen), len(server.posts)) == (FRAME, 1)
    assert sum(clock.sleeps) == pytest.approx(0.25 + 0.5)


def test_jitter_spreads_the_attempts(clock: FakeClock) -> None:
    with refusing_port() as refusing:
        url = f"http://127.0.0.1:{refusing.getsockname()[1]}"
        upstream = HttpsUpstream(url, clock=clock, plain_http=True, jitter=lambda: 1.0)
        error = failure(upstream.dial(10).post(POST))
    assert (error.code, error.charged) == ("upstream_unreachable", False)
    assert "refused the connection" in error.message
    assert sum(clock.sleeps) == pytest.approx(0.5 + 1.0)


def test_the_second_address_of_a_name_is_tried_at_once(clock: FakeClock) -> None:
    with FaultServer(replies(OK)) as server, refusing_port() as refusing:
        both = [ipv4(refusing.getsockname()[1]), ipv4(server.port)]
        upstream = HttpsUpstream(server.url, clock=clock, plain_http=True, resolve=lambda _host, _port: both)
        everything(upstream.dial(10).post(POST))
    assert (len(server.posts), clock.sleeps) == (1, [])


@pytest.mark.case("unreachable")
@pytest.mark.parametrize("answer", [socket.gaierror(socket.EAI_NONAME, "unknown"), None])
def test_a_name_without_an_address_is_unreachable(clock: FakeClock, answer: OSError | None) -> None:
    asked = []

    def resolve(host: str, port: int) -> list[Address]:
        asked.append((host, port))
        if answer:
            raise answer
        return []

    upstream = HttpsUpstream("https://upstream.invalid/v1", clock=clock, resolve=resolve)
    error = failure(upstream.dial(10).post(POST))
    assert isinstance(error, UpstreamUnreachable)
    assert (error.status, error.charged) == (502, False)
    assert "could not be resolved" in error.message
    assert asked == [("upstream.invalid", 443)] * 3


@pytest.mark.case("unreachable")
def test_a_resolver_that_never_answers_is_given_up(clock: FakeClock) -> None:
    released = threading.Event()

    def resolve(_host: str, _port: int) -> list[Address]:
        released.wait(10)
        return []

    upstream = HttpsUpstream(
        "https://upstream.invalid", clock=clock, resolve=resolve, limits=Limits(connect_seconds=0.05)
    )
    error = failure(upstream.dial(10).post(POST))
    released.set()
    assert (error.code, error.charged) == ("upstream_unreachable", False)


def test_the_deadline_ends_the_wait_for_a_resolver_and_nothing_is_posted_afterwards(clock: FakeClock) -> None:
    answered = threading.Event()

    def resolve(host: str, port: int) -> list[Address]:
        answered.wait(10)
        return list(look_up(host, port))

    with FaultServer(replies(OK)) as server:
        upstream = HttpsUpstream(server.url, clock=clock, plain_http=True, resolve=resolve)
        error = failure(upstream.dial(SOON).post(POST))
        answered.set()
        join_readers()
        assert server.posts == []
    assert (error.code, error.charged) == ("upstream_unreachable", False)
    assert "time ran out" in error.message


def test_a_429_is_asked_again_after_the_time_it_names(clock: FakeClock) -> None:
    with FaultServer(replies(BUSY), replies(OK)) as server:
        seen = everything(upstream_at(server, clock).dial(60).post(POST))
    assert (body_of(seen), len(server.posts)) == (FRAME, 2)
    assert server.posts[0] == server.posts[1]
    assert sum(clock.sleeps) >= 2


def test_a_503_with_retry_after_as_a_date_is_asked_again_then(clock: FakeClock) -> None:
    moment = dt.datetime.fromtimestamp(clock.now() + 3, dt.UTC)
    busy = http("503 Service Unavailable", Retry_After=moment.strftime("%a, %d %b %Y %H:%M:%S GMT"))
    with FaultServer(replies(busy), replies(OK)) as server:
        seen = everything(upstream_at(server, clock).dial(60).post(POST))
    assert (body_of(seen), len(server.posts)) == (FRAME, 2)
    assert sum(clock.sleeps) >= 3


def test_an_upstream_that_stays_busy_is_passed_on_after_three_posts(clock: FakeClock) -> None:
    body = envelope("当前分组上游负载已饱和，请稍后再试")
    with FaultServer(replies(BUSY), replies(BUSY), replies(http("429 x", body, Retry_After="30"))) as server:
        last = everything(upstream_at(server, clock).dial(60).post(POST))[-1]
    assert isinstance(last, Failed)
    assert isinstance(last.error, UpstreamBusy)
    assert (last.error.status, last.error.retry_after, last.error.charged) == (429, 30, False)
    assert last.error.message == "当前分组上游负载已饱和，请稍后再试"
    assert (last.raw, len(server.posts)) == (body, 3)


@pytest.mark.parametrize(("asked", "deadline"), [("9", 60), ("3600", 60), ("5", 5)])
def test_a_busy_upstream_that_asks_for_too_much_time_is_passed_on_at_once(
    clock: FakeClock, asked: str, deadline: float
) -> None:
    with FaultServer(replies(http("429 x", Retry_After=asked))) as server:
        error = failure(upstream_at(server, clock).dial(deadline).post(POST))
    assert (error.status, error.retry_after, len(server.posts)) == (429, int(asked), 1)
    assert clock.sleeps == []


def test_a_saturated_upstream_that_says_nothing_is_asked_again_after_the_backoff(clock: FakeClock) -> None:
    with FaultServer(replies(http("429 x")), replies(OK)) as server:
        everything(upstream_at(server, clock).dial(60).post(POST))
    assert len(server.posts) == 2
    assert sum(clock.sleeps) == pytest.approx(0.25)


@pytest.mark.parametrize("never_ends", [lambda peer: peer.drip(b"x"), Peer.hold], ids=["drips", "holds"])
def test_a_busy_answer_whose_body_never_ends_is_not_waited_for(never_ends: Script) -> None:
    def busy(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 429 Too Many\r\nRetry-After: 60\r\n\r\n")
        never_ends(peer)

    clock = SystemClock()
    with FaultServer(busy) as server:
        limits = Limits(error_body_seconds=0.1)
        upstream = HttpsUpstream(server.url, clock=clock, plain_http=True, limits=limits)
        began = clock.monotonic()
        error = failure(upstream.dial(began + 8).post(POST))
    assert isinstance(error, UpstreamBusy)
    assert clock.monotonic() - began < 4
    assert len(server.posts) == 1


def test_a_refusal_whose_body_is_cut_by_the_deadline_is_still_known_for_what_it_is(clock: FakeClock) -> None:
    def refuses(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 100\r\n\r\n{")
        peer.hold()

    with FaultServer(refuses) as server:
        error = failure(upstream_at(server, clock).dial(SOON).post(POST))
    assert (error.status, error.charged, server.connections) == (401, False, 1)
