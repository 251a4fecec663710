"""Use case: find records that stopped moving, and send them to the workers.

Whoever has something left to do for a record leaves its marker standing. The sweep looks at each marked record whose
lease has run out: its message was lost, or its function is gone. A message too many does no harm.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from reelay.errors import Conflict, NotFound, ReelayError
from reelay.jobs import OPEN, Requeued, due, next_step
from reelay.model import Invocation, Job, Mark, Phase, Record

if TYPE_CHECKING:
    from reelay.ports import Clock, Queue, Store, Telemetry

AGAIN_SECONDS = 15 * 60
"""Before a record is sent once more: as long as a worker may take. Else a busy queue would fill with the same names."""

ORPHAN_SECONDS = 3600
"""A marker without a record is put before its record; after this long there will be none."""


class Sweep:
    """Looks at what is marked, oldest first."""

    def __init__(self, store: Store, queue: Queue, clock: Clock, telemetry: Telemetry) -> None:
        self._store = store
        self._queue = queue
        self._clock = clock
        self._telemetry = telemetry
        self._oldest = 0.0

    def run(self, invocation: Invocation) -> int:
        """One sweep, within the invocation's time; returns how many records were sent to the workers.

        A record that fails is passed over and told; raises StoreFailed when the markers cannot be listed.
        """
        self._oldest = 0.0
        seen = sent = 0
        for mark in self._store.watched():
            if self._clock.monotonic() >= invocation.deadline:
                self._telemetry.alarm("sweep not finished", seen=seen)
                break
            seen += 1
            try:
                sent += self._look(mark)
            except ReelayError as error:
                self._telemetry.alarm("not swept", record=mark.job.id, code=error.code)
        self._telemetry.count("Watched", seen)
        self._telemetry.count("Swept", sent)
        self._telemetry.count("OldestJobSeconds", self._oldest, "Seconds")
        return sent

    def _look(self, mark: Mark) -> bool:
        job, now = mark.job, self._clock.now()
        try:
            record = self._store.load(job.tenant, job.id)
        except NotFound:
            if now - mark.at >= ORPHAN_SECONDS:
                self._forget(job)
            return False
        if record.phase in OPEN:
            self._oldest = max(self._oldest, now - record.created)
        waits = record.phase is Phase.QUEUED
        if not due(record, now) or not (waits or now - mark.at >= AGAIN_SECONDS):
            return False
        self._queue.send(job)
        self._telemetry.note("swept", record=job.id, phase=record.phase)
        if waits:
            self._requeued(record, now)
        else:
            self._store.watch(record)  # the mark tells when it was sent
        return True

    def _forget(self, job: Job) -> None:
        """Take away the mark of a record that is not there, unless it comes at this very moment."""
        self._store.unwatch(job)
        with suppress(NotFound):
            self._store.watch(self._store.load(job.tenant, job.id))

    def _requeued(self, record: Record, now: float) -> None:
        with suppress(Conflict, NotFound):  # then a worker has it by now
            self._store.save(next_step(record, Requeued(), now).record)
