"""The life of a record as one pure function: what is known, what was seen, and the time give the next revision.

    queued -> claimed -> sending -> accepted -> completed | failed | reconciling | unknown

`sending` is written before the upstream is asked; from there no request is posted again, unless the upstream itself
said that it took nothing. Doubt becomes `reconciling` where the upstream may be asked after the job, else `unknown`;
both may still turn into `completed`. `completed` and `failed` are final. What CASES calls "finishing" has no phase: a
transcript that is whole is the result, and whoever finds one makes it a completion.

Whoever has a record in hand holds it until its `lease`; after that it was left behind by a function that is gone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reelay.model import Json, Media, Phase, Problem, Record

if TYPE_CHECKING:
    from collections.abc import Mapping

PROGRESS_SECONDS = 3
"""Progress alone is written at most this often: a video job changes for minutes, and each write costs money."""

QUEUE_SECONDS = 24 * 3600
"""A job that nobody began within a day fails unpaid: a video that comes next week surprises more than an error now."""

QUEUE_LEASE_SECONDS = 3600
"""How long a job may wait for a worker before the sweep sends it once more; a message more does no harm."""

TRIES = 5
"""How often a worker begins a job that the upstream was too busy for, or could not be reached for."""

TRY_AGAIN_SECONDS = 30
TRY_AGAIN_MOST_SECONDS = 15 * 60
"""Pauses between those tries, doubled each time; 15 minutes is the longest that SQS delays a message."""

ASK_SECONDS = 30
"""Between two questions after a job whose answer was cut."""

ARCHIVE_SECONDS = 3600
"""How long after a completion its media are tried again where what went wrong may pass; links live an hour or more."""

AFTERCARE_SECONDS = 3 * 24 * 3600
"""How long what follows a verdict is tried again: an outage of a bus is over by then, and what is left would be tried
for ever."""

OPEN = (Phase.QUEUED, Phase.CLAIMED, Phase.SENDING, Phase.ACCEPTED, Phase.RECONCILING)
"""The phases in which something is still to come."""

POSTED = (Phase.SENDING, Phase.ACCEPTED, Phase.RECONCILING)
"""Of these, those in which the request may have reached the upstream."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """Somebody takes the record in hand until the Unix time `until`; has no effect while another holds it."""

    until: int


@dataclass(frozen=True, slots=True)
class Released:
    """Whoever claimed the record could not begin, for a reason that passes; nothing was sent."""


@dataclass(frozen=True, slots=True)
class Requeued:
    """The sweep sent the job to the workers once more."""


@dataclass(frozen=True, slots=True)
class Unsent:
    """The job waits, but its message could not be sent: the next sweep has to."""


@dataclass(frozen=True, slots=True)
class Posting:
    """The request is about to be posted: the write-ahead."""


@dataclass(frozen=True, slots=True)
class Progressed:
    """The upstream is at work; None means that nothing new is known."""

    task_id: str | None = None
    status: str | None = None
    percent: int = 0


@dataclass(frozen=True, slots=True)
class Finished:
    """The whole completion is here, in contract shape."""

    completion: Json
    upstream_id: str | None = None
    task_id: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The upstream, or the way to it, said no for certain. `passes` says that it may say yes to the same request
    later, and `wait` is how many seconds it asked to be left alone."""

    problem: Problem
    passes: bool = False
    wait: int = 0


@dataclass(frozen=True, slots=True)
class InDoubt:
    """The request may have been accepted and no whole answer came."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class GivenUp:
    """There is nothing more to ask: doubt stays doubt."""


@dataclass(frozen=True, slots=True)
class Overdue:
    """Somebody looked at the record; it matters only when the request was posted and the lease has run out."""


@dataclass(frozen=True, slots=True)
class Archived:
    """What became of the completion's media."""

    media: tuple[Media, ...]


@dataclass(frozen=True, slots=True)
class Relabelled:
    """The caller replaced the metadata."""

    metadata: Mapping[str, str]


Fact = (
    Claimed
    | Released
    | Requeued
    | Unsent
    | Posting
    | Progressed
    | Finished
    | Refused
    | InDoubt
    | GivenUp
    | Overdue
    | Archived
    | Relabelled
)


@dataclass(frozen=True, slots=True)
class Step:
    """The record as it is now known, and whether that is worth a write."""

    record: Record
    write: bool


def next_step(record: Record, fact: Fact, now: float) -> Step:
    """What `fact` makes of `record` at the Unix time `now`. Total: a fact that comes too late changes nothing."""
    changed = _changed(record, fact, int(now))
    if changed.phase not in OPEN and record.phase in OPEN:
        changed = replace(changed, finished=int(now))
    if not changed.keeps:
        changed = _bare(changed)
    if changed == record:
        return Step(record, write=False)
    waits = isinstance(fact, Progressed) and changed.phase == record.phase and changed.lease == record.lease
    due = not waits or now - record.updated >= PROGRESS_SECONDS
    return Step(replace(changed, updated=int(now)), write=due)


def due(record: Record, now: float) -> bool:
    """Whether whoever had the record in hand should be done with it."""
    return now >= record.lease


def media_settled(record: Record, now: float) -> bool:
    """Whether every medium of a completed record was archived, or will never be."""
    late = now - record.finished >= ARCHIVE_SECONDS
    return bool(record.media) and (late or not any(each.again for each in record.media))


def _changed(record: Record, fact: Fact, now: int) -> Record:
    match fact:
        case Claimed() | Released() | Requeued() | Unsent() | Posting() | Overdue():
            return _in_hand(record, fact, now)
        case Progressed() | Finished() | Refused() | InDoubt() | GivenUp():
            return _heard(record, fact, now)
        case Archived(media):
            return replace(record, media=media) if record.keeps else record
        case Relabelled(metadata):
            return replace(record, metadata=dict(metadata))


def _in_hand(record: Record, fact: Claimed | Released | Requeued | Unsent | Posting | Overdue, now: int) -> Record:
    """What somebody does with the record."""
    match fact:
        case Claimed(until):
            return _claimed(record, until, now)
        case Overdue():
            return _overdue(record, now)
        case Released() if record.phase is Phase.CLAIMED:
            return replace(record, phase=Phase.QUEUED, lease=now + QUEUE_LEASE_SECONDS, tries=record.tries - 1)
        case Requeued() | Unsent() if record.phase is Phase.QUEUED:
            return replace(record, lease=now + (QUEUE_LEASE_SECONDS if isinstance(fact, Requeued) else 0))
        case Posting() if record.phase is Phase.CLAIMED:
            return replace(record, phase=Phase.SENDING)
    return record


def _heard(record: Record, fact: Progressed | Finished | Refused | InDoubt | GivenUp, now: int) -> Record:
    """What the upstream lets be known; of a record that waits for its turn it says nothing any more."""
    if record.phase in (Phase.QUEUED, Phase.CLAIMED):
        return record
    match fact:
        case Progressed():
            return _progressed(record, fact, now)
        case Finished():
            return _finished(record, fact)
        case Refused():
            return _refused(record, fact, now)
        case InDoubt(problem):
            return _doubted(record, problem, now)
        case GivenUp():
            return _ended(record, Phase.UNKNOWN, record.problem or _left_behind(record))


def _claimed(record: Record, until: int, now: int) -> Record:
    """A queued job is there for whoever comes first, but not before its time; everything else only once its lease has
    run out."""
    waiting = record.phase is Phase.QUEUED
    if now < (record.not_before if waiting else record.lease):
        return record
    if waiting or record.phase is Phase.CLAIMED:
        if now - record.created >= QUEUE_SECONDS:
            return replace(_ended(record, Phase.FAILED, _NEVER_BEGUN), lease=until)
        return replace(record, phase=Phase.CLAIMED, lease=until, tries=record.tries + waiting)
    if record.phase in (Phase.SENDING, Phase.ACCEPTED):
        record = _doubted(record, _left_behind(record), now)
    return replace(record, lease=until)


def _progressed(record: Record, fact: Progressed, now: int) -> Record:
    if record.phase not in POSTED:
        return record
    task_id = fact.task_id or record.task_id
    asked = record.phase is Phase.RECONCILING
    return replace(
        record,
        phase=Phase.ACCEPTED if task_id and not asked else record.phase,
        task_id=task_id,
        status=fact.status or record.status,
        progress=max(record.progress, fact.percent),
        lease=now + ASK_SECONDS if asked else record.lease,
    )


def _finished(record: Record, fact: Finished) -> Record:
    if record.phase not in (*POSTED, Phase.UNKNOWN):
        return record
    return replace(
        record,
        phase=Phase.COMPLETED,
        completion=fact.completion if record.keeps else None,
        upstream_id=fact.upstream_id,
        task_id=fact.task_id or record.task_id,
        status="completed",
        progress=100,
        problem=None,
    )


def _refused(record: Record, fact: Refused, now: int) -> Record:
    """A job that cost nothing and may be run by any worker waits for a better moment; the rest has failed."""
    again = fact.passes and not fact.problem.charged and record.by_worker and record.tries < TRIES
    if again and record.phase is Phase.SENDING:
        pause = min(max(TRY_AGAIN_SECONDS * 2 ** max(record.tries - 1, 0), fact.wait), TRY_AGAIN_MOST_SECONDS)
        return replace(record, phase=Phase.QUEUED, status="queued", not_before=now + pause, lease=now + pause)
    return _ended(record, Phase.FAILED, fact.problem)


def _doubted(record: Record, problem: Problem, now: int) -> Record:
    """Doubt is cleared up by asking after the job, where its name is known and asking is allowed."""
    if record.phase in POSTED and record.task_id and now < record.ask_until:
        return replace(record, phase=Phase.RECONCILING, problem=problem, lease=now + ASK_SECONDS)
    return _ended(record, Phase.UNKNOWN, problem)


def _overdue(record: Record, now: int) -> Record:
    if record.phase not in POSTED or not due(record, now):
        return record
    if record.phase is Phase.RECONCILING:  # in the hands of the sweep, until there is no more asking
        return record if now < record.ask_until else _ended(record, Phase.UNKNOWN, record.problem)
    return _doubted(record, _left_behind(record), now)


def _ended(record: Record, phase: Phase, problem: Problem | None) -> Record:
    return replace(record, phase=phase, status="failed", problem=problem) if record.phase in OPEN else record


def _bare(record: Record) -> Record:
    """Without what tells of the content: the upstream's words, and the names that its own pages know it by."""
    problem = record.problem and replace(record.problem, message="The words of this failure were not kept.", param=None)
    return replace(record, task_id=None, upstream_id=None, problem=problem)


_NEVER_BEGUN = Problem(
    message="No worker began this within a day, so it was given up. Nothing was sent and nothing was charged; send it "
    "again once the workers run.",
    type="server_error",
    param=None,
    code="not_begun",
    status=503,
    charged=False,
)


def _left_behind(record: Record) -> Problem:
    task = f" v98store knows it as {record.task_id}." if record.task_id else ""
    return Problem(
        message="The function that relayed this ended before the answer did, so its outcome is unknown and it may have "
        f"been charged. Reelay does not send it again by itself.{task}",
        type="upstream_error",
        param=None,
        code="outcome_unknown",
        status=502,
        charged=True,
    )
