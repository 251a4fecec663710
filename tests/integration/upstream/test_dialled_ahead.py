"""A connection that is made before its request may be sent: nothing goes out on it until then, and once at most."""

from __future__ import annotations

import ssl
import threading

import pytest
import trustme

from reelay.errors import UpstreamUnreachable
from reelay.exchange import BACKOFF_SECONDS, DIALLED_AHEAD_SECONDS
from reelay.model import End
from reelay.upstream import HttpsUpstream
from tests.authority import certified
from tests.fakes import FakeClock
from tests.integration.fault_server import FaultServer, Peer, Script, replies
from tests.integration.upstream.place import (
    BODY,
    BUSY,
    OK,
    POST,
    SOON,
    everything,
    failure,
    join_readers,
    refusing_port,
    secured_at,
    upstream_at,
)

PATIENCE_SECONDS = 5.0
"""For what happens at the other end of a connection on loopback."""


def nothing(peer: Peer) -> None:
    """Says nothing before it is asked."""


def hangs_up(peer: Peer) -> None:
    """Is a server whose patience is short."""
    peer.end()


def speaks(peer: Peer) -> None:
    """Is a server that tells so."""
    peer.send(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
    peer.end()


class Visited:
    """A script that does something `before` it is asked, says when, and answers the request."""

    def __init__(self, before: Script = nothing) -> None:
        self.ready = threading.Event()
        self._before = before

    def __call__(self, peer: Peer) -> None:
        self._before(peer)
        self.ready.set()
        peer.request()
        peer.send(OK)


class ReadersClock(FakeClock):
    """Says when the thread that dials has looked at it."""

    def __init__(self) -> None:
        super().__init__()
        self.looked_at = threading.Event()

    def monotonic(self) -> float:
        now = super().monotonic()
        if threading.current_thread().name == "upstream-reader":
            self.looked_at.set()
        return now


def test_a_connection_is_made_at_once_and_its_request_is_sent_when_it_is_posted(clock: FakeClock) -> None:
    visited = Visited()
    with FaultServer(visited) as server:
        line = upstream_at(server, clock).dial(60)
        assert visited.ready.wait(PATIENCE_SECONDS)
        assert server.posts == []
        assert isinstance(everything(line.post(POST))[-1], End)
        assert (server.connections, len(server.posts)) == (1, 1)
        assert server.posts[0].endswith(BODY)


def test_over_tls_a_connection_is_made_once_too(clock: FakeClock, authority: trustme.CA, trust: ssl.SSLContext) -> None:
    """The server's session tickets (TLS 1.3) lie there to be read before any answer, and mean nothing."""
    visited = Visited()
    with FaultServer(visited, tls=certified(authority, "localhost")) as server:
        line = secured_at(server, clock, trust).dial(60)
        assert visited.ready.wait(PATIENCE_SECONDS)
        assert isinstance(everything(line.post(POST))[-1], End)
        assert (server.connections, len(server.posts)) == (1, 1)


def test_a_line_that_is_closed_sends_nothing_and_leaves_nothing_open(clock: FakeClock) -> None:
    visited = Visited()
    with FaultServer(visited) as server:
        line = upstream_at(server, clock).dial(60)
        assert visited.ready.wait(PATIENCE_SECONDS)
        line.close()
        assert server.left.wait(PATIENCE_SECONDS)
        join_readers()
        assert server.posts == []


def test_nothing_is_dialled_after_a_deadline_and_a_request_that_comes_then_is_told_so(clock: FakeClock) -> None:
    visited = Visited()
    with FaultServer(visited) as server:
        line = upstream_at(server, clock).dial(SOON)
        assert visited.ready.wait(PATIENCE_SECONDS)
        join_readers()
        error = failure(line.post(POST))
        assert server.posts == []
    assert isinstance(error, UpstreamUnreachable)
    assert (error.charged, server.connections) == (False, 1)


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("before", [hangs_up, speaks])
def test_a_connection_that_the_upstream_ended_meanwhile_is_made_again(
    clock: FakeClock, authority: trustme.CA, trust: ssl.SSLContext, before: Script, secure: bool
) -> None:
    """A request on it would be of unknown charge, though it was never taken."""
    first, tls = Visited(before), certified(authority, "localhost") if secure else None
    with FaultServer(first, Visited(), tls=tls) as server:
        line = (secured_at(server, clock, trust) if secure else upstream_at(server, clock)).dial(60)
        assert first.ready.wait(PATIENCE_SECONDS)
        assert isinstance(everything(line.post(POST))[-1], End)
        assert (server.connections, len(server.posts)) == (2, 1)


def test_a_connection_that_waited_too_long_for_its_request_is_made_again() -> None:
    clock = ReadersClock()
    with FaultServer(Visited()) as server:
        line = upstream_at(server, clock).dial(600)
        assert clock.looked_at.wait(PATIENCE_SECONDS)
        clock.advance(DIALLED_AHEAD_SECONDS)
        assert isinstance(everything(line.post(POST))[-1], End)
        assert (server.connections, len(server.posts)) == (2, 1)


def test_a_connection_that_is_made_again_is_no_attempt(clock: FakeClock) -> None:
    first, busy = Visited(hangs_up), replies(BUSY)
    with FaultServer(first, busy, busy, replies(OK)) as server:
        line = upstream_at(server, clock).dial(60)
        assert first.ready.wait(PATIENCE_SECONDS)
        assert isinstance(everything(line.post(POST))[-1], End)
        assert (server.connections, len(server.posts)) == (4, 3)


def test_a_connection_that_was_refused_meanwhile_was_the_first_attempt(clock: FakeClock) -> None:
    with refusing_port() as nobody:
        upstream = HttpsUpstream(f"http://localhost:{nobody.getsockname()[1]}/v1", clock=clock, plain_http=True)
        error = failure(upstream.dial(60).post(POST))
    assert isinstance(error, UpstreamUnreachable)
    assert sum(clock.sleeps) < BACKOFF_SECONDS * 3 + 1  # two pauses, before the second attempt and the third


def test_a_second_request_is_never_sent_on_a_line(clock: FakeClock) -> None:
    with FaultServer(Visited()) as server:
        line = upstream_at(server, clock).dial(60)
        everything(line.post(POST))
        with pytest.raises(RuntimeError, match="one request"):
            line.post(POST)
        assert len(server.posts) == 1
