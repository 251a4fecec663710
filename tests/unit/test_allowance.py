"""How much each tenant may make the service pay for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reelay.allowance import BEGINNING_SECONDS, DAY_SECONDS, TRIES, Allowance
from reelay.errors import LimitReached, StoreFailed
from reelay.ids import new_core
from reelay.model import Phase
from tests.fakes import NOON, TENANT, FakeClock, FakeStore, FakeTallies, new_record

OTHER = "f" * 32
LEASE_SECONDS = 600


class Till:
    """An allowance, and the records that it looks at."""

    def __init__(self, in_flight: int = 0, per_day: int = 0) -> None:
        self.clock, self.store, self.tallies = FakeClock(), FakeStore(), FakeTallies()
        self.allowance = Allowance(self.tallies, self.store, self.clock, in_flight, per_day, lambda: 1.0)

    def begin(self, phase: Phase = Phase.SENDING, **fields: Any) -> str:
        core = new_core(NOON)
        self.allowance.take(TENANT, core)
        lease = int(self.clock.now()) + LEASE_SECONDS
        self.store.create(new_record(id=core, phase=phase, **{"lease": lease, **fields}))
        return core

    def end(self, core: str, phase: Phase) -> None:
        self.store.save(replace(self.store.load(TENANT, core), phase=phase))

    def refusal(self) -> LimitReached:
        with pytest.raises(LimitReached) as refused:
            self.allowance.take(TENANT, new_core(NOON))
        return refused.value


def test_without_limits_nothing_is_counted_and_nothing_asked() -> None:
    till = Till()
    till.tallies.broken = True
    till.allowance.take(TENANT, new_core(NOON))
    till.allowance.count(TENANT)


def test_a_day_ends_at_midnight_utc_and_the_refusal_says_how_far_off_that_is() -> None:
    till = Till(per_day=2)
    for _ in range(2):
        till.begin()
    refused = till.refusal()
    assert (refused.status, refused.code, refused.charged) == (429, "jobs_per_day_limit", False)
    assert refused.headers["x-should-retry"] == "false"
    assert refused.retry_after is not None
    till.clock.advance(refused.retry_after - 1)
    till.refusal()
    till.clock.advance(1)
    till.begin()


def test_each_tenant_has_a_day_of_its_own() -> None:
    till = Till(per_day=1)
    till.begin()
    till.allowance.take(OTHER, new_core(NOON))
    till.refusal()


def test_what_waits_in_the_queue_for_events_counts_for_the_day_alone() -> None:
    till = Till(in_flight=1, per_day=3)
    for _ in range(2):
        till.allowance.count(TENANT)
    till.begin()
    with pytest.raises(LimitReached):
        till.allowance.count(TENANT)


@pytest.mark.parametrize("ended", [Phase.COMPLETED, Phase.FAILED, Phase.UNKNOWN])
def test_a_place_is_free_again_once_the_record_says_that_the_job_has_ended(ended: Phase) -> None:
    till = Till(in_flight=2)
    first = till.begin()
    till.begin()
    refused = till.refusal()
    assert (refused.status, refused.code) == (429, "jobs_in_flight_limit")
    assert refused.retry_after
    till.end(first, ended)
    till.begin()
    till.refusal()


@pytest.mark.parametrize("phase", [Phase.CLAIMED, Phase.SENDING, Phase.ACCEPTED])
def test_a_job_that_its_function_left_behind_takes_no_place(phase: Phase) -> None:
    till = Till(in_flight=1)
    till.begin(phase)
    till.refusal()
    till.clock.advance(LEASE_SECONDS)
    till.begin()


def test_a_job_that_waits_takes_its_place_however_long_that_is() -> None:
    till = Till(in_flight=1)
    till.begin(Phase.QUEUED)
    till.clock.advance(DAY_SECONDS)
    till.refusal()


def test_a_job_whose_record_is_about_to_be_written_takes_its_place_and_one_that_never_was_does_not() -> None:
    till = Till(in_flight=1)
    till.allowance.take(TENANT, new_core(NOON))
    till.clock.advance(BEGINNING_SECONDS - 1)
    till.refusal()
    till.clock.advance(1)
    till.begin()


def test_a_deleted_job_takes_no_place() -> None:
    till = Till(in_flight=1)
    core = till.begin()
    till.store.delete(till.store.load(TENANT, core))
    till.clock.advance(BEGINNING_SECONDS)
    till.begin()


def test_the_same_job_twice_takes_one_place() -> None:
    till = Till(in_flight=1, per_day=1)
    core = till.begin()
    till.allowance.take(TENANT, core)


def test_rivals_are_waited_for_and_in_a_crowd_the_caller_is_asked_to_come_back() -> None:
    till = Till(per_day=5)
    till.tallies.rivals = TRIES - 1
    till.begin()
    till.tallies.rivals = TRIES
    refused = till.refusal()
    assert (refused.code, refused.retry_after) == ("limit_reached", 1)


def test_without_the_tally_nothing_is_paid() -> None:
    till = Till(per_day=5)
    till.tallies.broken = True
    with pytest.raises(StoreFailed):
        till.begin()
