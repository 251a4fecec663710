"""The sweep: what stopped moving is sent to the workers, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reelay.documents import watch_key
from reelay.errors import QueueFailed, StoreFailed
from reelay.jobs import QUEUE_LEASE_SECONDS
from reelay.model import Invocation, Job, Phase, Record
from reelay.sweep import AGAIN_SECONDS, ORPHAN_SECONDS, Sweep
from tests.fakes import NOON, TENANT, FakeClock, FakeQueue, FakeStore, FakeTelemetry, new_record

OTHER_TENANT = "f" * 32


class Yard:
    """A sweep over fakes, at NOON."""

    def __init__(self, store: FakeStore | None = None, queue: FakeQueue | None = None) -> None:
        self.clock = FakeClock()
        self.store = store or FakeStore()
        self.queue = queue or FakeQueue()
        self.telemetry = FakeTelemetry()

    def add(self, seconds: float = 0, **fields: Any) -> Job:
        """A marked record."""
        record = self.store.create(new_record(seconds, **fields))
        self.store.watch(record)
        self.store.open[watch_key(record.tenant, record.id)] = NOON - AGAIN_SECONDS
        return Job(record.tenant, record.id)

    def run(self, seconds: float = 60) -> int:
        sweep = Sweep(self.store, self.queue, self.clock, self.telemetry)
        return sweep.run(Invocation(self.clock.monotonic() + seconds, live=False))

    @property
    def sent(self) -> list[Job]:
        return [job for job, _ in self.queue.sent]

    def record(self, job: Job) -> Record:
        return self.store.load(job.tenant, job.id)


@pytest.mark.parametrize("phase", Phase)
def test_whatever_was_left_is_sent_and_what_is_in_hand_is_not(phase: Phase) -> None:
    yard = Yard()
    left = yard.add(phase=phase, lease=int(NOON))
    yard.add(1, phase=phase, lease=int(NOON) + 1)
    assert (yard.run(), yard.sent) == (1, [left])
    assert yard.telemetry.counts[:2] == [("Watched", 2, "Count"), ("Swept", 1, "Count")]


@pytest.mark.parametrize("phase", Phase)
def test_the_sweep_changes_nothing_but_when_it_looks_at_a_waiting_job_again(phase: Phase) -> None:
    yard = Yard()
    job = yard.add(phase=phase, lease=int(NOON))
    before = yard.record(job)
    yard.run()
    if phase is Phase.QUEUED:
        assert yard.record(job).lease == int(NOON) + QUEUE_LEASE_SECONDS
        assert (yard.record(job).phase, yard.record(job).tries) == (Phase.QUEUED, 0)
    else:
        assert yard.record(job) == before
    assert yard.store.open, "the mark is for whoever does what is left"


def test_a_waiting_job_is_sent_once_an_hour() -> None:
    yard = Yard()
    yard.add(phase=Phase.QUEUED, lease=int(NOON))
    for _ in range(12):
        yard.run()
        yard.clock.advance(600)
    assert len(yard.sent) == 2


def test_the_age_of_the_oldest_job_that_is_not_over_is_told_and_nought_without_one() -> None:
    yard = Yard()
    yard.add(-9000, phase=Phase.COMPLETED, lease=int(NOON))
    yard.run()
    yard.add(-3600, phase=Phase.QUEUED, lease=int(NOON) + 1)
    yard.add(-60, phase=Phase.ACCEPTED, lease=int(NOON) + 1)
    yard.run()
    ages = [(value, unit) for name, value, unit in yard.telemetry.counts if name == "OldestJobSeconds"]
    assert ages == [(0, "Seconds"), (3600, "Seconds")]


def test_what_is_not_marked_is_not_looked_at() -> None:
    yard = Yard()
    yard.store.create(new_record(phase=Phase.QUEUED))
    assert (yard.run(), yard.sent) == (0, [])


def test_all_tenants_oldest_first() -> None:
    yard = Yard()
    jobs = [
        yard.add(seconds, phase=Phase.QUEUED, lease=0, tenant=tenant)
        for seconds, tenant in ((3, TENANT), (1, OTHER_TENANT), (2, TENANT), (0, "events"))
    ]
    assert yard.run() == 4
    assert yard.sent == sorted(jobs, key=lambda job: job.id)


def test_a_mark_whose_record_is_not_there_yet_stays_for_an_hour() -> None:
    yard = Yard()
    yard.store.watch(new_record())
    yard.clock.advance(ORPHAN_SECONDS - 1)
    assert (yard.run(), len(yard.store.open)) == (0, 1)
    yard.clock.advance(2)
    assert (yard.run(), len(yard.store.open)) == (0, 0)


def test_a_mark_of_an_event_that_is_older_than_its_delivery_stays_until_its_record_can_be_there() -> None:
    """Its id holds the event's own time. A message may have waited for days, or come back as a dead letter: then its
    mark is old at once, and is taken away between the writing of the mark and that of the record."""
    yard = Yard()
    record = new_record(-4 * 24 * 3600, phase=Phase.QUEUED, lease=int(NOON))
    yard.store.watch(record)
    yard.run()
    yard.store.create(record)
    yard.run()
    assert yard.sent == [Job(record.tenant, record.id)]


def test_what_was_sent_is_not_sent_again_before_a_worker_can_be_done_with_it() -> None:
    yard = Yard()
    job = yard.add(phase=Phase.COMPLETED, lease=int(NOON))
    assert [yard.run() for _ in range(3)] == [1, 0, 0]
    yard.clock.advance(AGAIN_SECONDS)
    assert (yard.run(), yard.sent) == (1, [job, job])


def test_a_record_that_comes_while_its_old_mark_is_taken_away_keeps_one() -> None:
    class Late(FakeStore):
        def unwatch(self, job: Job) -> None:
            self.create(record)
            super().unwatch(job)

    yard = Yard(store=Late())
    record = new_record(phase=Phase.QUEUED, lease=int(NOON))
    yard.store.marked_at = NOON - ORPHAN_SECONDS
    yard.store.watch(record)
    yard.run()
    assert len(yard.store.open) == 1


def test_a_rival_that_takes_the_job_meanwhile_keeps_it() -> None:
    class Rivalled(FakeQueue):
        def send(self, job: Job, delay: float = 0) -> None:
            super().send(job, delay)
            record = yard.record(job)
            yard.store.save(replace(record, phase=Phase.CLAIMED, lease=int(NOON) + 900))

    yard = Yard(queue=Rivalled())
    job = yard.add(phase=Phase.QUEUED, lease=int(NOON))
    assert yard.run() == 1
    assert (yard.record(job).phase, yard.record(job).lease) == (Phase.CLAIMED, int(NOON) + 900)


def test_a_record_deleted_meanwhile_is_passed_over() -> None:
    class Deleting(FakeQueue):
        def send(self, job: Job, delay: float = 0) -> None:
            super().send(job, delay)
            yard.store.delete(yard.record(job))

    yard = Yard(queue=Deleting())
    yard.add(phase=Phase.QUEUED, lease=int(NOON))
    yard.add(1, phase=Phase.SENDING, lease=int(NOON))
    assert yard.run() == 2
    assert yard.telemetry.alarms == []


@pytest.mark.parametrize("method", ["load", "save", "unwatch"])
def test_a_record_that_fails_is_passed_over_and_told(method: str) -> None:
    yard = Yard()
    yard.store.marked_at = NOON - ORPHAN_SECONDS
    yard.store.watch(new_record(-1))
    jobs = [yard.add(n, phase=Phase.QUEUED, lease=int(NOON)) for n in range(3)]
    yard.store.fail_once(method)
    yard.run()
    assert [name for name, _ in yard.telemetry.alarms] == ["not swept"]
    assert set(jobs[1:]) <= set(yard.sent)
    yard.clock.advance(QUEUE_LEASE_SECONDS)
    yard.run()
    assert set(jobs) <= set(yard.sent), "and comes in turn the next time"


def test_a_queue_that_is_down_changes_nothing() -> None:
    yard = Yard()
    job = yard.add(phase=Phase.QUEUED, lease=int(NOON))
    yard.queue.broken = True
    before = yard.record(job)
    assert yard.run() == 0
    assert yard.record(job) == before, "it is due again at the next sweep"
    assert yard.telemetry.alarms == [("not swept", {"record": job.id, "code": QueueFailed.code})]


def test_marks_that_cannot_be_listed_are_an_error() -> None:
    yard = Yard()
    yard.store.broken = {"watched"}
    with pytest.raises(StoreFailed):
        yard.run()


def test_a_sweep_ends_in_time_and_says_so() -> None:
    class Slow(FakeQueue):
        def send(self, job: Job, delay: float = 0) -> None:
            super().send(job, delay)
            yard.clock.advance(21)

    yard = Yard(queue=Slow())
    for n in range(9):
        yard.add(n, phase=Phase.SENDING, lease=int(NOON))
    assert (yard.run(60), len(yard.sent)) == (3, 3)
    assert yard.telemetry.alarms == [("sweep not finished", {"seen": 3})]
