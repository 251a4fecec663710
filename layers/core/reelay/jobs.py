"""The life of a record as one pure function: what is known, what was seen, and the time give the next revision.

Phases: sending -> accepted -> completed | failed | unknown. `sending` is written before the upstream is asked; from
there no request is ever posted again. Doubt ends as `unknown`, which a late answer may still turn into `completed`;
`completed` and `failed` are final. Whoever runs a record holds it until its `lease`; a record still open after that
was left behind by a function that is gone, and is in doubt too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reelay.model import Json, Media, Phase, Problem, Record

if TYPE_CHECKING:
    from collections.abc import Mapping

PROGRESS_SECONDS = 5
"""Progress alone is written at most this often: a video job changes for minutes, and each write costs money."""

OPEN = (Phase.SENDING, Phase.ACCEPTED)
"""The phases in which somebody is at work on the record."""


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
    """The upstream, or the way to it, said no for certain."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class InDoubt:
    """The request may have been accepted and no whole answer came."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class Overdue:
    """Somebody looked at the record; it matters only when the record is open and its lease has run out."""


@dataclass(frozen=True, slots=True)
class Archived:
    """What became of the completion's media."""

    media: tuple[Media, ...]


@dataclass(frozen=True, slots=True)
class Relabelled:
    """The caller replaced the metadata."""

    metadata: Mapping[str, str]


Fact = Progressed | Finished | Refused | InDoubt | Overdue | Archived | Relabelled


@dataclass(frozen=True, slots=True)
class Step:
    """The record as it is now known, and whether that is worth a write."""

    record: Record
    write: bool


def next_step(record: Record, fact: Fact, now: float) -> Step:
    """What `fact` makes of `record` at the Unix time `now`. Total: a fact that comes too late changes nothing."""
    changed = _changed(record, fact, now)
    if not changed.keeps:
        changed = _bare(changed)
    if changed == record:
        return Step(record, write=False)
    waits = isinstance(fact, Progressed) and changed.phase == record.phase
    due = not waits or now - record.updated >= PROGRESS_SECONDS
    return Step(replace(changed, updated=int(now)), write=due)


def _changed(record: Record, fact: Fact, now: float) -> Record:
    match fact:
        case Progressed():
            return _progressed(record, fact)
        case Finished():
            return _finished(record, fact)
        case Refused(problem) | InDoubt(problem):
            return _ended(record, Phase.FAILED if isinstance(fact, Refused) else Phase.UNKNOWN, problem)
        case Overdue():
            return _ended(record, Phase.UNKNOWN, _left_behind(record)) if now >= record.lease else record
        case Archived(media):
            return replace(record, media=media) if record.keeps else record
        case Relabelled(metadata):
            return replace(record, metadata=dict(metadata))


def _progressed(record: Record, fact: Progressed) -> Record:
    if record.phase not in OPEN:
        return record
    task_id = fact.task_id or record.task_id
    return replace(
        record,
        phase=Phase.ACCEPTED if task_id else record.phase,
        task_id=task_id,
        status=fact.status or record.status,
        progress=max(record.progress, fact.percent),
    )


def _finished(record: Record, fact: Finished) -> Record:
    if record.phase in (Phase.COMPLETED, Phase.FAILED):
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


def _ended(record: Record, phase: Phase, problem: Problem) -> Record:
    return replace(record, phase=phase, status="failed", problem=problem) if record.phase in OPEN else record


def _bare(record: Record) -> Record:
    """Without what tells of the content: the upstream's words, and the names that its own pages know it by."""
    problem = record.problem and replace(record.problem, message="The words of this failure were not kept.", param=None)
    return replace(record, task_id=None, upstream_id=None, problem=problem)


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
