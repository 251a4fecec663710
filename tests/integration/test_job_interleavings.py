"""Jobs under everything that can happen to them: crashes and failures at every call, rivals in between, in any order.

Never are two posts of one record charged, whatever happens; and once nothing goes wrong any more, every record ends and
everybody is told. `interleavings` has the world in which it happens; `python -m tests.integration.interleavings` looks
further than there is time for here.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import product

import pytest
from hypothesis.stateful import run_state_machine_as_test

from reelay.model import Order, Phase
from tests.fakes import NOON
from tests.integration.interleavings.books import Source, Wish
from tests.integration.interleavings.buckets import fake_bucket, s3_bucket
from tests.integration.interleavings.machine import machine_over, profile
from tests.integration.interleavings.processes import Doing, Meanwhile, Trouble
from tests.integration.interleavings.promises import unkept
from tests.integration.interleavings.upstream import Outcome
from tests.integration.interleavings.world import World
from tests.integration.store import conftest as s3_tests
from tests.integration.store.place import REAL_S3, Place

moto, weed, seaweedfs, place = s3_tests.moto, s3_tests.weed, s3_tests.seaweedfs, s3_tests.place

FAKE_WORLDS = 1000
S3_WORLDS = 20
"""Some eight seconds' worth of each."""

WORKER_CALLS = 14
INTAKE_CALLS = 6
"""As many calls of its ports as a worker makes for a short answer, and the intake for a request."""

OLD = 7200
"""Seconds that an event was under way: longer than the sweep leaves a marker without a record."""

# Who is made to die is dead at once and closes nothing.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


def test_any_interleaving_over_the_fakes() -> None:
    run_state_machine_as_test(machine_over(fake_bucket), settings=profile(FAKE_WORLDS))


@pytest.mark.parametrize("place", REAL_S3, indirect=True)
def test_any_interleaving_over_an_s3(place: Place) -> None:
    run_state_machine_as_test(machine_over(partial(s3_bucket, place.client)), settings=profile(S3_WORLDS))


def begun(*outcomes: Outcome, age: int = 0) -> tuple[World, Wish]:
    """A world in which there is one event, made so many seconds ago."""
    world = World(fake_bucket(), asks=False)
    return world, world.wish(Wish(0, Source.MESSAGE, NOON - age, outcomes))


def after(world: World, *, message: bool = True) -> list[str]:
    """What is broken when its message comes again, and the world then comes to rest."""
    if message and world.messages:
        world.work(world.messages[0], {})
    world.come_to_rest()
    return unkept(world)


def alone() -> Iterator[Trouble | Meanwhile]:
    yield from Trouble
    yield from map(Meanwhile, Doing)


@pytest.mark.parametrize("outcome", Outcome)
def test_every_trouble_at_every_call_of_a_worker(outcome: Outcome) -> None:
    broken = []
    for call, trouble in product(range(1, WORKER_CALLS + 1), alone()):
        world, wish = begun(outcome)
        world.ask(wish, {})
        world.work(world.messages[0], {call: trouble})
        broken += [(call, trouble, each) for each in after(world)]
    assert broken == []


@pytest.mark.parametrize("outcome", [Outcome.UNREACHABLE, Outcome.WHOLE, Outcome.TEXT, Outcome.CUT])
def test_every_rival_that_dies_after_every_trouble_of_a_worker(outcome: Outcome) -> None:
    """At once, or when the pause before another try is over."""
    broken = []
    for call, trouble, last, pause in product(range(1, WORKER_CALLS), alone(), range(1, WORKER_CALLS), (False, True)):
        world, wish = begun(outcome)
        world.ask(wish, {})
        rival = Meanwhile(Doing.WORK, {last: Trouble.DIES_AFTER})
        row = (trouble, Meanwhile(Doing.WAIT), rival) if pause else (trouble, rival)
        world.work(world.messages[0], dict(enumerate(row, call)))
        broken += [(call, trouble, last, pause, each) for each in after(world)]
    assert broken == []


@pytest.mark.parametrize("done", [False, True])
def test_every_trouble_of_the_intake_before_a_worker_that_dies(*, done: bool) -> None:
    broken = []
    for call, trouble, last in product(range(1, INTAKE_CALLS + 1), alone(), range(1, WORKER_CALLS)):
        world, wish = begun(Outcome.TEXT, age=OLD)
        if done:
            world.ask(wish, {})
            world.work(world.messages[0], {})
        world.ask(wish, {call: trouble})
        if world.messages:
            world.work(world.messages[-1], {last: Trouble.DIES_AFTER})
        broken += [(call, trouble, last, each) for each in after(world, message=False)]
    assert broken == []


class TestFound:
    """What was found, each by itself."""

    def test_a_refusal_whose_write_lost_its_answer_takes_nothing_back_from_the_next_try(self) -> None:
        world, wish = begun(Outcome.UNREACHABLE)
        world.ask(wish, {})
        verdict, posted = 7, 5
        pause, rival = Meanwhile(Doing.WAIT), Meanwhile(Doing.WORK, {posted: Trouble.DIES_AFTER})
        world.work(world.messages[0], dict(enumerate((Trouble.FAILS_AFTER, pause, rival), verdict)))
        assert world.books.records[str(wish.core)].phase is Phase.SENDING
        assert after(world) == []

    def test_an_event_whose_double_was_run_and_deleted_meanwhile_is_not_paid_again(self) -> None:
        world, wish = begun(Outcome.CUT_EARLY)
        known, watch = 2, 3
        run_and_deleted = Meanwhile(Doing.DELETE, {1: Meanwhile(Doing.WORK)})
        world.ask(wish, {known + 1: Meanwhile(Doing.ASK_AGAIN), watch + 1: run_and_deleted})
        world.work(world.messages[-1], {})
        assert after(world) == []

    def test_a_refused_request_that_was_deleted_stays_deleted(self) -> None:
        world = World(fake_bucket(), asks=False)
        wish = world.wish(Wish(0, Source.WRONG, NOON))
        world.ask(wish, {})
        world.delete(str(wish.core), {})
        world.ask(wish, {})
        assert wish.core in world.books.deleting
        assert not list(world.store.walk(world.books.records[str(wish.core)].tenant, Order.DESC, None))
