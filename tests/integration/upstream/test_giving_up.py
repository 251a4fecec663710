"""An exchange that is given up, or whose time is up, ends with its thread and its connection."""

from __future__ import annotations

import threading
from collections.abc import Callable

from reelay.connection import Address
from reelay.errors import (
    ReelayError,
    UpstreamBusy,
    UpstreamSilent,
)
from reelay.exchange import QUEUED_PIECES, Limits
from reelay.model import End, Failed, Head
from reelay.upstream import HttpsUpstream
from tests.fakes import FakeClock
from tests.integration.fault_server import FaultServer, Peer, http, replies
from tests.integration.upstream.place import (
    BUSY,
    OK,
    POST,
    SOON,
    SSE_HEAD,
    body_of,
    drips_body,
    envelope,
    everything,
    failure,
    ipv4,
    join_readers,
    no_jitter,
    refusing_port,
    upstream_at,
)


def floods(peer: Peer) -> None:
    peer.request()
    peer.send(SSE_HEAD + b"\r\n")
    peer.flood(b"x" * 65_536)


def test_a_consumer_that_does_not_read_holds_the_upstream_back(clock: FakeClock) -> None:
    with FaultServer(floods) as server:
        exchange = upstream_at(server, clock).dial(30).post(POST)
        assert server.stalled.wait(10)
        in_row = QUEUED_PIECES * 65_536
        assert server.stalled_after < in_row + 16 * 1024 * 1024  # the rest is in the kernel's buffers
        exchange.close()
        assert server.left.wait(5)
        join_readers()


def test_the_deadline_passes_while_nobody_reads_and_what_came_is_kept(clock: FakeClock) -> None:
    with FaultServer(floods) as server:
        exchange = upstream_at(server, clock, Limits(queued_pieces=2)).dial(SOON).post(POST)
        assert server.left.wait(5)
        join_readers()
        seen = everything(exchange)
    assert isinstance(seen[-1], Failed)
    assert isinstance(seen[-1].error, UpstreamSilent)
    assert isinstance(seen[0], Head)
    assert body_of(seen)


def test_a_deadline_that_has_passed_already_posts_nothing(clock: FakeClock) -> None:
    with FaultServer(replies(OK)) as server:
        error = failure(upstream_at(server, clock).dial(clock.monotonic()).post(POST))
        join_readers()
        assert server.posts == []
    assert (error.code, error.charged) == ("upstream_unreachable", False)


def test_closing_in_the_middle_of_a_stream_ends_thread_and_connection(clock: FakeClock) -> None:
    with FaultServer(drips_body) as server:
        exchange = upstream_at(server, clock).dial(30).post(POST)
        assert isinstance(exchange.wait(5), Head)
        exchange.close()
        assert server.left.wait(5)
        join_readers()
        last = exchange.wait(0)
        exchange.close()
    assert isinstance(last, Failed)
    assert isinstance(last.error, UpstreamSilent)
    assert last.error.charged


def test_closing_while_waiting_for_the_status_line_ends_it(clock: FakeClock) -> None:
    posted = threading.Event()

    def silent(peer: Peer) -> None:
        peer.request()
        posted.set()
        peer.hold()

    with FaultServer(silent) as server:
        exchange = upstream_at(server, clock).dial(30).post(POST)
        assert posted.wait(5)
        exchange.close()
        join_readers()
    assert len(server.posts) == 1


def test_closing_after_the_end_changes_nothing(clock: FakeClock) -> None:
    with FaultServer(replies(OK)) as server:
        exchange = upstream_at(server, clock).dial(10).post(POST)
        everything(exchange)
        exchange.close()
        assert exchange.wait(0) == End()


class InterruptedClock(FakeClock):
    """Somebody does something while the first pause goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], None] | None = None
        self.started = threading.Event()

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.started.wait(5)
        if self.meanwhile:
            self.meanwhile()


def test_closing_during_a_pause_means_that_nothing_is_posted_again() -> None:
    clock = InterruptedClock()
    with FaultServer(replies(BUSY), replies(OK)) as server:
        exchange = upstream_at(server, clock).dial(60).post(POST)
        clock.meanwhile = exchange.close
        clock.started.set()
        join_readers()
        last = exchange.wait(0)
    assert isinstance(last, Failed)
    assert isinstance(last.error, UpstreamBusy)
    assert (len(server.posts), len(clock.sleeps)) == (1, 1)


def test_the_deadline_after_a_busy_answer_still_says_busy_in_the_upstreams_words(clock: FakeClock) -> None:
    late = threading.Event()
    asked: list[int] = []
    with FaultServer(replies(http("429 x", envelope("busy")))) as server:

        def resolve(_host: str, _port: int) -> list[Address]:
            if asked:
                late.wait(10)
            asked.append(1)
            return [ipv4(server.port)]

        upstream = HttpsUpstream(server.url, clock=clock, plain_http=True, resolve=resolve, jitter=no_jitter)
        error = failure(upstream.dial(2 * SOON).post(POST))
        late.set()
        join_readers()
        assert (len(server.posts), len(asked)) == (1, 2)
    assert isinstance(error, UpstreamBusy)
    assert (error.message, error.charged) == ("busy", False)


def test_a_defect_of_ours_is_told_and_not_swallowed(clock: FakeClock) -> None:
    def broken() -> float:
        raise ZeroDivisionError

    with refusing_port() as refusing:
        url = f"http://127.0.0.1:{refusing.getsockname()[1]}"
        upstream = HttpsUpstream(url, clock=clock, plain_http=True, jitter=broken)
        last = everything(upstream.dial(10).post(POST))[-1]
    assert isinstance(last, Failed)
    assert isinstance(last.error, ZeroDivisionError)
    assert not isinstance(last.error, ReelayError)
