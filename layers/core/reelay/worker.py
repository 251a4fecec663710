"""Use case: do what there is to do for one record, whoever asks and however often.

A message says only which record; the record says what is left: to run its job with the service's key, to clear up what
a run that died left in doubt, or to do what follows a verdict. It is taken in hand by a conditional write first, so of
two workers with the same message one does it, and the other has nothing to do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reelay import recovery, sse
from reelay.errors import Conflict, KeyUnavailable, NotFound, Paused, ReelayError, StoreFailed
from reelay.jobs import Claimed, Fact, GivenUp, Posting, Released, Unsent, next_step
from reelay.journal import Journal
from reelay.model import Invocation, Job, Outgoing, Phase, Record
from reelay.relay import FINISH_RESERVE_SECONDS, KEEP_RESERVE_SECONDS, LEASE_MARGIN_SECONDS
from reelay.run import Form, Run

if TYPE_CHECKING:
    from reelay.aftercare import Aftercare
    from reelay.ports import Clock, Keys, Statuses, Store, Telemetry, Upstream
    from reelay.spending import Spending


@dataclass(frozen=True, slots=True)
class Tools:
    """What a worker works with; without `statuses` no job is asked after."""

    upstream: Upstream
    store: Store
    keys: Keys
    aftercare: Aftercare
    spending: Spending
    clock: Clock
    telemetry: Telemetry
    statuses: Statuses | None = None


class Worker:
    """Works off jobs."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._store = tools.store
        self._clock = tools.clock
        self._telemetry = tools.telemetry

    def work(self, job: Job, invocation: Invocation) -> None:
        """Do what there is to do for the record now; returns when nothing is left, or when another has it in hand.

        Raises StoreFailed and KeyUnavailable while nothing has been sent: then the message has to come again.
        """
        record, key = self._claimed(job, invocation), ""
        if record is not None and record.phase is Phase.CLAIMED:
            record, key = self._posting(record)
        if record is None:
            return
        doubt = record.phase in (Phase.RECONCILING, Phase.UNKNOWN)
        transcript = self._store.transcript(record) if doubt else b""
        journal = Journal(record, self._store, self._clock, self._telemetry)
        match record.phase:
            case Phase.SENDING:
                self._run(journal, key, invocation)
            case Phase.RECONCILING | Phase.UNKNOWN:
                self._clear_up(journal, transcript)
            case _:
                self._telemetry.note("taken up again", record=record.id, phase=record.phase)
        deadline = invocation.deadline - FINISH_RESERVE_SECONDS
        self._tools.aftercare.finish(journal, invocation.deadline, deadline)

    def _claimed(self, job: Job, invocation: Invocation) -> Record | None:
        """The record, now in this worker's hands; None when there is nothing to do, or not for this one."""
        try:
            record = self._store.load(job.tenant, job.id)
        except NotFound:
            self._store.unwatch(job)
            self._telemetry.note("no such record", record=job.id)
            return None
        left = invocation.deadline - self._clock.monotonic()
        claimed = self._saved(record, Claimed(int(self._clock.now() + left) + LEASE_MARGIN_SECONDS))
        if claimed is None:
            self._telemetry.note("in other hands", record=job.id, phase=record.phase)
        return claimed

    def _saved(self, record: Record, fact: Fact) -> Record | None:
        """The next revision, written; None when the fact changes nothing, or a rival was first."""
        step = next_step(record, fact, self._clock.now())
        if not step.write:
            return None
        try:
            return self._store.save(step.record)
        except (Conflict, NotFound):
            return None

    def _posting(self, record: Record) -> tuple[Record | None, str]:
        """The record written ahead, None when it was deleted meanwhile, and the key to post with."""
        if record.request is None:  # a deletion that S3 let fail halfway
            self._store.delete(record)
            return None, ""
        try:
            self._tools.spending.go_on()
            key = self._tools.keys.key()
        except Paused:  # the sweep comes back to it every five minutes
            released = self._saved(record, Released())
            if released is not None:
                self._saved(released, Unsent())
            return None, ""
        except (KeyUnavailable, StoreFailed):
            self._saved(record, Released())
            raise
        return self._saved(record, Posting()), key

    def _run(self, journal: Journal, key: str, invocation: Invocation) -> None:
        outgoing = _outgoing(journal.record.request or {}, key)
        exchange = self._tools.upstream.dial(invocation.deadline - KEEP_RESERVE_SECONDS).post(outgoing)
        run = Run(journal, exchange, self._clock, self._telemetry, Form(live=False, streams=False), self._tools.keys)
        try:
            deque(run.answer("", _nothing).pieces, maxlen=0)
        except ReelayError as error:
            self._telemetry.note("job failed", record=journal.record.id, code=error.code, status=error.status)

    def _clear_up(self, journal: Journal, transcript: bytes) -> None:
        """Doubt: what was kept of the answer may be whole; else the upstream may be asked after the job."""
        record = journal.record
        fact: Fact = recovery.found(record, transcript) or GivenUp()
        statuses, asks = self._tools.statuses, record.phase is Phase.RECONCILING
        if isinstance(fact, GivenUp) and statuses and asks and record.task_id and self._clock.now() < record.ask_until:
            fact = recovery.learned(record, transcript, statuses.ask(record.task_id, record.model))
        journal.settle(fact)
        self._telemetry.count("Reconciled", 1 if journal.record.phase is Phase.COMPLETED else 0)
        self._telemetry.count("OutcomeUnknown", 1 if journal.record.phase is Phase.UNKNOWN else 0)
        self._telemetry.note("cleared up", record=record.id, was=record.phase, phase=journal.record.phase)


def _outgoing(request: Mapping[str, object], key: str) -> Outgoing:
    """The request as it was asked for, streamed: so that progress and the job's name are known as soon as they are."""
    headers = {
        "Content-Type": "application/json",
        "Accept": "text/event-stream",
        "Authorization": f"Bearer {key}",
    }
    return Outgoing(sse.encoded({**request, "stream": True}), headers)


def _nothing() -> None:
    """What follows is this worker's to do, not the answer's."""
