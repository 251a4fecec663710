"""Connections to S3 are kept, and one that died meanwhile costs one repeat."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from reelay.s3_failures import ATTEMPTS
from reelay.s3_rest import CONNECTIONS
from tests.integration.fault_server import FaultServer, Peer
from tests.integration.s3_rest.place import BODY, GET, KEY, OK, PUT, SECRET, TOKEN, always, rest_at


def test_a_connection_is_kept() -> None:
    with FaultServer(always) as server:
        rest, _ = rest_at(server)
        for _ in range(3):
            rest.call(PUT)
        assert (server.connections, len(server.posts)) == (1, 3)


def test_a_kept_connection_that_dies_with_the_next_call_costs_one_repeat() -> None:
    def dies(peer: Peer) -> None:
        peer.request()
        peer.send(OK)
        peer.request()
        peer.reset()

    with FaultServer(dies, always) as server:
        rest, paused = rest_at(server)
        rest.call(PUT)
        assert rest.call(PUT).body == BODY
        assert (server.connections, len(server.posts), len(paused)) == (2, 3, 1)


def test_connections_that_all_died_in_a_freeze_cost_one_repeat_together() -> None:
    """A Lambda function that thaws hears of it only by asking; then the others are not asked, all at once perhaps."""
    together = threading.Barrier(ATTEMPTS + 1)

    def dies(peer: Peer) -> None:
        peer.request()
        together.wait(5)
        peer.send(OK)
        peer.request()
        peer.reset()

    with FaultServer(*[dies] * together.parties, always) as server:
        rest, paused = rest_at(server)
        with ThreadPoolExecutor(together.parties) as pool:
            list(pool.map(rest.call, [GET] * together.parties))
        rest.call(GET)
        assert (server.connections, len(paused)) == (together.parties + 1, 1)
        with ThreadPoolExecutor(together.parties) as pool:
            list(pool.map(rest.call, [GET] * together.parties))
        assert len(paused) == 1


def test_more_threads_than_connections_are_all_answered(caplog: pytest.LogCaptureFixture) -> None:
    threads = CONNECTIONS + 6
    together = threading.Barrier(threads)

    def waits(peer: Peer) -> None:
        peer.request()
        together.wait(5)
        peer.send(OK)
        always(peer)

    with FaultServer(waits) as server, caplog.at_level(logging.WARNING):
        rest, paused = rest_at(server)
        with ThreadPoolExecutor(threads) as pool:
            assert {answer.body for answer in pool.map(rest.call, [GET] * threads)} == {BODY}
        rest.call(GET)
        assert (server.connections, paused) == (threads, [])
    for hidden in (KEY, "X-Amz", SECRET, TOKEN):
        assert hidden not in caplog.text
