"""The row between reader and consumer, without a network: who may still do what once it is over."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from reelay.errors import UpstreamSilent, UpstreamUnreachable
from reelay.handoff import Handoff, Over
from reelay.model import Data, End, Failed, Head

UNSENT = Failed(UpstreamUnreachable("not sent"))
SENT = Failed(UpstreamSilent("sent", charged=True))


def test_an_end_from_outside_says_what_was_true_then() -> None:
    handoff = Handoff(2, UNSENT)
    handoff.stand(SENT)
    handoff.interrupt()
    assert handoff.take(0) is SENT


def test_once_it_was_said_that_nothing_was_sent_the_reader_can_no_longer_begin_to_send() -> None:
    handoff = Handoff(2, UNSENT)
    handoff.interrupt()
    with pytest.raises(Over):
        handoff.stand(SENT)
    assert handoff.take(0) is UNSENT


@pytest.mark.parametrize("end", [Handoff.interrupt, Handoff.close, lambda handoff: handoff.finish(End())])
def test_a_reader_of_an_exchange_that_is_over_is_told_at_its_next_step(end: Callable[[Handoff], None]) -> None:
    handoff = Handoff(2, UNSENT)
    end(handoff)
    with socket.socket() as sock, pytest.raises(Over):
        handoff.hold(sock)
    with pytest.raises(Over):
        handoff.put(Data(b"late"))
    with pytest.raises(Over):
        handoff.check()
    assert not isinstance(handoff.take(0), Data)


def test_what_was_seen_before_the_deadline_is_still_taken_and_the_last_thing_again_and_again() -> None:
    handoff = Handoff(3, SENT)
    handoff.put(Data(b"1"))
    handoff.put(Data(b"2"))
    handoff.interrupt()
    assert [handoff.take(0) for _ in range(3)] == [Data(b"12"), SENT, SENT]


def test_bytes_that_wait_come_together_and_nothing_else_does() -> None:
    handoff = Handoff(9, SENT)
    seen = (Head(200, {}), Data(b"1"), Data(b"2"), Data(b"3"))
    for each in seen:
        handoff.put(each)
    assert [handoff.take(0), handoff.take(0), handoff.take(0)] == [Head(200, {}), Data(b"123"), None]
    handoff.put(Data(b"4"))
    assert handoff.take(0) == Data(b"4")


def test_the_first_last_thing_stands() -> None:
    handoff = Handoff(2, SENT)
    handoff.finish(End())
    handoff.finish(UNSENT)
    handoff.interrupt()
    assert handoff.take(0) == End()


def test_nothing_seen_is_none_at_once_or_after_a_while() -> None:
    handoff = Handoff(2, UNSENT)
    assert handoff.take(-1) is None
    assert handoff.take(0) is None
    assert handoff.take(0.01) is None


def test_a_socket_that_is_closed_already_is_no_hindrance() -> None:
    handoff = Handoff(2, UNSENT)
    with socket.socket() as sock:
        handoff.hold(sock)
    handoff.close()
    assert handoff.take(0) is UNSENT
