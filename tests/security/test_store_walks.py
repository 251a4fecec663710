"""S3 failing at every single call of every door in turn: nothing is paid twice, nothing stored is lost, and whoever
asked gets the answer or a true error."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from dev.simulator import Simulator
from reelay.documents import WATCH_PREFIX
from reelay.s3 import s3_client
from tests.e2e.event_house import EventHouse
from tests.fakes import FakeClock
from tests.security.store_doors import Door, Film, Ground, Keyed, Streamed, Whole
from tests.security.store_doors_within import Delete, File, Message, Page, Retrieve, Sweep, Update, Work
from tests.security.store_wire import (
    BUSY,
    DONE_UNHEARD,
    LOST,
    UNDECIDED,
    UNREACHABLE,
    Trouble,
    Wire,
    conditional,
    rival_with,
)

DOORS = (Streamed, Whole, Keyed, Film, Work, Message, File, Sweep, Retrieve, Page, Update, Delete)

ROUND_SECONDS = 1000
"""Longer than a worker or a relay holds a record, and than the sweep waits before it sends one again."""

ROUNDS = 6
"""Together longer than a job may wait for a worker."""

CHANGES = {"max_jobs_in_flight": 20, "max_jobs_per_day": 100, "event_bus": None}
"""What the service pays for is counted, and never too much; nobody is told, for S3 has no part in that."""


@pytest.fixture
def ground(simulator: Simulator, bucket: str, aws_environment: None) -> Ground:  # noqa: ARG001 - sets where AWS is
    clock = FakeClock(time.time())  # the simulator's links expire by the real time
    house = EventHouse(simulator, s3_client(), bucket, clock, **CHANGES)
    return Ground(house, clock, s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[bucket].keys)


def walk(ground: Ground, trouble: Trouble, *, unnoticed: bool = False, may_die: bool = False) -> int:
    """Through every door, with trouble at its first call, then at its second, and so on until it has no more; returns
    how often there was trouble.

    `unnoticed` says that whoever asked hears nothing of it, and that each record changes as often as without; `may_die`
    that a record which was written ahead may be left as by a function that died then.
    """
    met, wire = 0, Wire(ground.house.house, ground.house.s3)
    for kind in DOORS:
        changes = set()
        for turn in count():
            door = fresh(ground, kind)
            with at(wire, kind, turn):
                wire.arm(trouble, turn)
                door.go()
                hit = wire.disarm()
                assert door.done or (hit and not unnoticed)
                changes.add(tuple(record.rev for record in ground.records()))
                if not door.done:
                    door.again()
                come_to_rest(ground)
                door.too_often()
                assert_right(door, may_die=may_die and "/kept/records/" in (hit or ""))
            if hit is None:
                break
            met += 1
        assert len(changes) == 1 or not unnoticed
    return met


@contextmanager
def at(wire: Wire, kind: type[Door], turn: int) -> Iterator[None]:
    """Says of a failure where the walk was."""
    try:
        yield
    except BaseException as failure:
        failure.add_note(f"{kind.__name__}, call {turn}: {wire.disarm()}")
        raise


def fresh(ground: Ground, kind: type[Door]) -> Door:
    """A door to a house that was never asked for anything, and that remembers nothing that is not old."""
    ground.there.clear()
    ground.house.house.telemetry.metrics.clear_metrics()
    ground.clock.advance(ROUND_SECONDS)
    door = kind(ground)
    door.prepare()
    return door


def come_to_rest(ground: Ground) -> None:
    """Hours pass, and the sweep and the workers with them."""
    ground.house.work_off()
    for _ in range(ROUNDS):
        ground.clock.advance(ROUND_SECONDS)
        if ground.keys(WATCH_PREFIX) and ground.house.sweep():
            ground.house.work_off()


def assert_right(door: Door, *, may_die: bool) -> None:
    told = [(record, door.read(record)) for record in door.ground.records()]
    kept = [record for record, reply in told if reply.status == 200]
    dead = [reply for _, reply in told if reply.status != 200]
    assert len(dead) <= may_die
    for reply in dead:
        assert (reply.status, reply.error["code"], reply.headers["x-should-retry"]) == (502, "outcome_unknown", "false")
    assert door.posts == (0 if dead and not kept else 1)
    assert len(kept) == door.posts * door.kept
    for record in kept:
        door.assert_all_is_kept(record)
    assert door.ground.keys(WATCH_PREFIX) == [], "nothing is left to do"
    door.hold()


@pytest.mark.case("store-503")
def test_a_store_that_is_busy_at_any_call_costs_no_second_post_and_no_result(ground: Ground) -> None:
    assert walk(ground, BUSY) > 5 * len(DOORS)


@pytest.mark.case("store-409")
def test_a_write_that_s3_left_undecided_is_done_all_the_same_and_once(ground: Ground) -> None:
    assert walk(ground, UNDECIDED, unnoticed=True) > len(DOORS)


@pytest.mark.case("store-412")
def test_a_write_whose_answer_got_lost_is_known_for_our_own(ground: Ground) -> None:
    assert walk(ground, LOST, unnoticed=True) > len(DOORS)


@pytest.mark.case("store-412")
def test_who_meets_a_faster_writer_stops_or_reads_again(ground: Ground) -> None:
    """A rival that was faster to write a record ahead is never heard of again."""
    rival = Trouble(conditional, rival_with(ground.house.s3), once=True)
    assert walk(ground, rival, may_die=True) > len(DOORS)


@pytest.mark.case("store-timeout")
def test_a_call_that_never_reaches_the_store_costs_no_second_post_and_no_result(ground: Ground) -> None:
    assert walk(ground, UNREACHABLE) > 5 * len(DOORS)


@pytest.mark.case("store-timeout")
def test_a_write_that_is_done_and_never_answered_is_not_done_again_to_harm(ground: Ground) -> None:
    """Where it is the write-ahead, nothing is posted, and nobody can tell."""
    assert walk(ground, DONE_UNHEARD, may_die=True) > 3 * len(DOORS)
