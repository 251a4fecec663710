"""Use case: how much each tenant may make the service pay for: jobs in flight, and jobs a day.

A job takes its place in the tenant's tally before its record is written. Nobody gives a place back: the records say
which jobs have ended, and they are looked at when all places are taken. So a function that dies leaves none taken.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reelay.errors import Conflict, LimitReached, NotFound
from reelay.jobs import OPEN, due
from reelay.model import Phase, Record, Tally

if TYPE_CHECKING:
    from reelay.ports import Clock, Store, Tallies

TRIES = 20
"""To write a tally that others write at the same moment; each round one of them is done."""

PAUSE_SECONDS = 0.05
"""The longest wait before the second try, twice as long before the third, and so on: about what a write to S3 takes."""

IN_FLIGHT_RETRY_SECONDS = 15
"""Told when all places are taken: a text takes seconds, a video minutes."""

CROWD_RETRY_SECONDS = 1
"""Told when a tally could not be written for all the others who did."""

BEGINNING_SECONDS = 60
"""How long a job without a record is taken for one that is about to be written, rather than one that never was."""

LOOKS_AT_ONCE = 7
"""Records looked at side by side."""

DAY_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Allowance:
    """The limits for each tenant: the most jobs `in_flight` and `per_day` (UTC); 0 is no limit."""

    tallies: Tallies
    store: Store
    clock: Clock
    in_flight: int = 0
    per_day: int = 0
    fraction: Callable[[], float] = random.random

    def take(self, tenant: str, core: str) -> None:
        """A place for the job that is about to begin; twice is once. Raises LimitReached and StoreFailed."""
        if self.in_flight or self.per_day:
            self._settle(tenant, lambda tally, now: self._begun(tenant, tally, core, now))

    def count(self, tenant: str) -> None:
        """The same for a job that waits in the queue as long as it must: it counts for the day alone."""
        if self.per_day:
            self._settle(tenant, lambda tally, now: self._counted(_today(tally, now), now))

    def _settle(self, tenant: str, change: Callable[[Tally, int], Tally | None]) -> None:
        for attempt in range(TRIES):
            changed = change(self.tallies.load(tenant), int(self.clock.now()))
            if changed is None:
                return
            try:
                self.tallies.save(tenant, changed)
            except Conflict:
                self.clock.sleep(PAUSE_SECONDS * (attempt + 1) * self.fraction())
            else:
                return
        raise LimitReached(
            "Too many requests of yours came at the same moment. Nothing was sent; come back in a second.",
            retry_after=CROWD_RETRY_SECONDS,
        )

    def _begun(self, tenant: str, tally: Tally, core: str, now: int) -> Tally | None:
        """The tally with the job in it; None when it is there already."""
        if core in tally.running:
            return None
        tally = self._counted(_today(tally, now), now)
        if not self.in_flight:
            return tally
        running = tally.running
        if len(running) >= self.in_flight:
            running = self._still_running(tenant, tally, now)
        if len(running) >= self.in_flight:
            raise LimitReached(
                f"The service pays for at most {self.in_flight} jobs of yours at the same time, and as many are in "
                f"flight. Nothing was sent; come back when one has ended, or in {IN_FLIGHT_RETRY_SECONDS} seconds.",
                code="jobs_in_flight_limit",
                retry_after=IN_FLIGHT_RETRY_SECONDS,
            )
        return replace(tally, running={**running, core: now})

    def _counted(self, tally: Tally, now: int) -> Tally:
        if self.per_day and tally.made >= self.per_day:
            raise LimitReached(
                f"The service pays for at most {self.per_day} jobs of yours a day, and as many were made today. "
                "Nothing was sent; come back after midnight UTC.",
                code="jobs_per_day_limit",
                retry_after=DAY_SECONDS - now % DAY_SECONDS,
                headers={"x-should-retry": "false"},  # else SDKs try again within seconds
            )
        return replace(tally, made=tally.made + 1)

    def _still_running(self, tenant: str, tally: Tally, now: int) -> dict[str, int]:
        def runs(begun: tuple[str, int]) -> bool:
            try:
                return in_flight(self.store.load(tenant, begun[0]), now)
            except NotFound:
                return now - begun[1] < BEGINNING_SECONDS

        entries = list(tally.running.items())
        with ThreadPoolExecutor(LOOKS_AT_ONCE, thread_name_prefix="allowance") as pool:
            return {core: at for (core, at), live in zip(entries, pool.map(runs, entries), strict=True) if live}


def in_flight(record: Record, now: float) -> bool:
    """Whether the job waits or runs; one that its function left behind does not."""
    return record.phase is Phase.QUEUED or (record.phase in OPEN and not due(record, now))


def _today(tally: Tally, now: int) -> Tally:
    day = now // DAY_SECONDS
    return tally if tally.day == day else replace(tally, day=day, made=0)
