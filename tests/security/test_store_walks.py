"""S3 failing at every single call of every door in turn: nothing is paid twice, nothing stored is lost, and whoever
asked gets the answer or a true error."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import count

from typing import Any
import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from reelay.documents import WATCH_PREFIX

from dev.simulator import Simulator
from reelay.s3 import s3_client
from tests.e2e.event_house import EventHouse
from tests.fakes import FakeClock
from tests.security.store_doors import (
    Delete,
    Door,
    File,
    Film,
    Keyed,
    Message,
    Page,
    Retrieve,
    Streamed,
    Sweep,
    Update,
    Whole,
    Work,
)
from tests.security.store_wire import (
    BUSY,
    DONE_UNHEARD,
    LOST,
    UNDECIDED,
    UNDECIDED_STILL,
    UNREACHABLE,
    Trouble,
    Wire,
    conditional,
    rival_with,answered_here
)

DOORS = (Streamed, Whole, Keyed, Film, Work, Message, File, Sweep, Retrieve, Page, Update, Delete)

ROUND_SECONDS = 1000
"""Longer than a lease of a worker's or a relay's, and than the sweep waits before it sends a record again."""

ROUNDS = 6
"""Together longer than a job may wait for a worker."""

LIMITS = {"max_jobs_in_flight": 20, "max_jobs_per_day": 100}
"""So that what the service pays for is counted, and never too much."""


@dataclass(frozen=True)
class Ground:
    """All doors over one bucket, the wire from them to it, and their clock."""

    house: EventHouse
    wire: Wire
    clock: FakeClock
    there: dict[str, Any]

    def clear(self) -> None:
        """As if nothing had ever been asked for; what the doors remember is old."""
        self.there.clear()
        self.house.house.telemetry.metrics.clear_metrics()
        self.clock.advance(ROUND_SECONDS)

    def come_to_rest(self) -> None:
        """Hours pass, and the sweep and the workers with them."""
        for _ in range(ROUNDS):
            self.clock.advance(ROUND_SECONDS)
            if not any(key.startswith(WATCH_PREFIX) for key in self.there):
                break
            if self.house.sweep():
                self.house.work_off()


@pytest.fixture
def ground(simulator: Simulator, bucket: str, aws_environment: None) -> Ground:  # noqa: ARG001 - sets where AWS is
    clock = FakeClock(time.time())  # the simulator's links expire by the real time
    s3 = s3_client()
    s3.meta.events.register("before-send.s3", answered_here)
    house = EventHouse(simulator, s3, bucket, clock, **LIMITS)
    return Ground(house, Wire(house.client), clock, s3_backends[DEFAULT_ACCOUNT_ID]['aws'].buckets[bucket].keys)


def walk(ground: Ground, trouble: Trouble, *, always_done: bool = False, may_die: bool = False) -> int:
    """Through every door, with trouble at its first call, its second, and so on until it has no more; returns how
    often there was trouble. `always_done` says that whoever asked notices nothing, and that each record changes as
    often as without; `may_die` that a record may look as if its function had died before it posted."""
    met = 0
    for kind in DOORS:
        changes = set()
        for turn in count():
            ground.clear()
            door, hit = kind(ground.house, ground.clock), None
            try:
                door.prepare()
                ground.wire.arm(trouble, turn)
                door.go()
                hit = ground.wire.disarm()
                assert door.done or (hit and not always_done)
                changes.add(tuple(record.rev for record in door.records()))
                door.again()
                ground.come_to_rest()
                assert_right(door, may_die=may_die)
            except Exception as failure:
                failure.add_note(f"{kind.__name__}, call {turn}: {hit or ground.wire.disarm()}")
                raise
            if hit is None:
                break
            met += 1
        assert len(changes) == 1 or not always_done
    return met


def assert_right(door: Door, *, may_die: bool) -> None:
    records = door.records()
    told = [door.read(record) for record in records]
    kept = [reply for reply in told if reply.status == 200]
    dead = [reply for reply in told if reply.status != 200]
    assert door.posts == (0 if dead and not kept else 1), "paid once, or left alone for good"
    assert len(kept) == (0 if isinstance(door, Delete) else door.posts), "what was paid for is there"
    for reply in kept:
        assert whole_and_archived(door, reply)
    for reply in dead:
        assert may_die
        assert (reply.status, reply.error["code"], reply.headers["x-should-retry"]) == (502, "outcome_unknown", "false")
    assert door.house.marks() == [], "nothing is left to do"
    door.hold()


def whole_and_archived(door: Door, reply: object) -> bool:
    return True


@pytest.mark.case("store-503")
def test_a_store_that_is_busy_at_one_call(ground: Ground) -> None:
    print(walk(ground, BUSY))


@pytest.mark.case("store-409")
def test_a_conditional_write_that_s3_leaves_undecided_is_done_all_the_same(ground: Ground) -> None:
    print(walk(ground, UNDECIDED, always_done=True))


@pytest.mark.case("store-409")
def test_any_other_write_that_s3_does_not_take(ground: Ground) -> None:
    print(walk(ground, UNDECIDED_STILL))


@pytest.mark.case("store-412")
def test_a_write_whose_answer_got_lost_is_done_once(ground: Ground) -> None:
    print(walk(ground, LOST, always_done=True))


@pytest.mark.case("store-412")
def test_a_write_that_a_rival_was_faster_with(ground: Ground) -> None:
    print(walk(ground, Trouble(conditional, rival_with(ground.house.s3), once=True), may_die=True))


@pytest.mark.case("store-timeout")
def test_a_call_that_never_reaches_the_store(ground: Ground) -> None:
    print(walk(ground, UNREACHABLE))


@pytest.mark.case("store-timeout")
def test_a_write_that_is_done_and_never_answered(ground: Ground) -> None:
    print(walk(ground, DONE_UNHEARD, may_die=True))
