"""Use case: accept a request that came as an event, once, and make a job of it for the workers.

The id of its record is made from the event's own name and time, so an event that is delivered again, however late,
finds its record. What the contract refuses becomes a failed record with the same words as over HTTP: never a poison
loop.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from reelay import events, videos
from reelay.admission import KEY_SECONDS, Admission, fingerprint
from reelay.errors import BadRequest, CallerError, Conflict, LimitReached, NotFound
from reelay.ids import completion_id, derived_core, new_core
from reelay.jobs import QUEUE_LEASE_SECONDS
from reelay.journal import Journal
from reelay.model import Call, Claim, Json, Phase, Problem, Record, VideoRequest
from reelay.replay import state
from reelay.triggers import Asked, Dropped

if TYPE_CHECKING:
    from reelay.aftercare import Aftercare
    from reelay.ports import Claims, Clock, Drops, Queue, Store, Telemetry
    from reelay.spending import Spending

Read = Callable[[bytes], Call]
"""The contract's judgement of a request's bytes; raises CallerError."""

NAMELESS = "unknown"
"""The model of a record whose request could not be read."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the intake works with. `ask_seconds` is how long a job may be asked after (0 = never)."""

    read: Read
    store: Store
    claims: Claims
    admission: Admission
    drops: Drops
    queue: Queue
    aftercare: Aftercare
    spending: Spending
    clock: Clock
    telemetry: Telemetry
    tenant: str
    ask_seconds: int = 0


class Intake:
    """Accepts requests on behalf of one tenant."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._store = desk.store

    def accept(self, wanted: Asked | Dropped) -> Json | None:
        """The state of the job, or its id and what is wrong with it; None for a file that is no longer there.

        Raises StoreFailed: then the event has to come again.
        """
        core = self._core(wanted)
        known = self._known(core)
        if known is not None:
            return known
        if isinstance(wanted, Asked):
            return self._asked(self._new(core, None), wanted.body, wanted.key)
        try:
            body = self._desk.drops.read(wanted.key, wanted.tag)
        except NotFound:  # gone, or replaced: the newer version has an event of its own
            self._desk.telemetry.note("file gone")
            return None
        except CallerError as error:
            return self._refused(self._new(core, wanted.key), error)
        return self._asked(self._new(core, wanted.key), body, None)

    def _core(self, wanted: Asked | Dropped) -> str:
        """The id of the event's own record: made from its name and time.

        One without a time of its own claims an id for a day, and so does a file for its content by its own time, since
        whoever did not hear that it was taken puts it there again.
        """
        if isinstance(wanted, Asked) and wanted.at is not None:
            return derived_core(wanted.at, wanted.name)
        at = self._desk.clock.now() if wanted.at is None else wanted.at
        own = new_core(at) if wanted.at is None else derived_core(at, wanted.name)
        name = wanted.name if isinstance(wanted, Asked) else wanted.content
        ours = Claim(f"event {name}", own, fingerprint="", at=int(at))
        held = self._desk.claims.take(self._desk.tenant, ours)
        if held.core != own and ours.at - held.at > KEY_SECONDS:
            held = self._desk.claims.replace(self._desk.tenant, held, ours)
        return held.core

    def _known(self, core: str) -> Json | None:
        """What is told of an event that came before."""
        try:
            return self._again(self._store.load(self._desk.tenant, core))
        except NotFound:
            return _deleted(core) if self._store.was_deleted(self._desk.tenant, core) else None

    def _asked(self, record: Record, body: bytes, key: str | None) -> Json:
        try:
            call = self._desk.read(body)
            request, video = _request(call)
            self._desk.spending.judge(request)
        except CallerError as error:
            return self._refused(record, error)
        record = replace(
            record,
            model=request["model"],
            request=request,
            metadata=dict(request.get("metadata") or {}),
            video=video,
            fingerprint=fingerprint(request),
        )
        named = key or call.headers.get("idempotency-key")
        return self._named(named, call, record) if named else self._queued(record)

    def _named(self, key: str, call: Call, record: Record) -> Json:
        """A request that its sender named: like one over HTTP with that Idempotency-Key."""
        call = replace(call, tenant=record.tenant, headers={"idempotency-key": key})
        try:
            admitted = self._desk.admission.admit(call, record.request or {}, record.id)
        except (CallerError, Conflict) as error:
            return self._refused(record, error)
        if admitted.record is not None:
            return self._again(admitted.record)
        return self._queued(replace(record, id=admitted.core))

    def _queued(self, record: Record) -> Json:
        try:
            self._desk.spending.count(record.tenant)
        except LimitReached as error:
            return self._refused(record, error)
        self._store.watch(record)  # before the record, so that there is never one that the sweep does not see
        try:
            record = self._store.create(record)
        except Conflict:
            return self._again(self._store.load(record.tenant, record.id))
        if self._store.was_deleted(record.tenant, record.id):  # by its owner, since this event's double was run
            self._store.delete(record)
            return _deleted(record.id)
        self._desk.aftercare.enter(record, self._desk.queue)
        self._desk.telemetry.count("Queued")
        self._desk.telemetry.note("queued", record=record.id, model=record.model)
        return _told(record)

    def _again(self, record: Record) -> Json:
        """The event came again; if its job still waits, its message may never have been sent."""
        self._desk.telemetry.note("asked again", record=record.id, phase=record.phase)
        if record.phase is Phase.QUEUED:
            self._desk.aftercare.enter(record, self._desk.queue)
        return _told(record)

    def _refused(self, record: Record, error: CallerError | Conflict | LimitReached) -> Json:
        problem = Problem(error.message, error.type, error.param, error.code, error.status, charged=False)
        failed = replace(
            record, phase=Phase.FAILED, status="failed", problem=problem, lease=0, finished=int(self._desk.clock.now())
        )
        self._store.watch(failed)
        try:
            failed = self._store.create(failed)
        except Conflict:
            return self._again(self._store.load(failed.tenant, failed.id))
        self._desk.telemetry.count("Refused")
        self._desk.telemetry.note("refused", record=failed.id, status=error.status, code=error.code)
        journal = Journal(failed, self._store, self._desk.clock, self._desk.telemetry)
        now = self._desk.clock.monotonic()
        self._desk.aftercare.finish(journal, now, now)
        return _told(failed)

    def _new(self, core: str, drop: str | None) -> Record:
        now = int(self._desk.clock.now())
        return Record(
            id=core,
            tenant=self._desk.tenant,
            created=now,
            updated=now,
            model=NAMELESS,
            stream=True,
            phase=Phase.QUEUED,
            status="queued",
            lease=now + QUEUE_LEASE_SECONDS,
            ask_until=now + self._desk.ask_seconds if self._desk.ask_seconds else 0,
            by_worker=True,
            drop=drop,
        )


def _request(call: Call) -> tuple[Json, VideoRequest | None]:
    """The chat completion that is asked for. Raises BadRequest for one that nothing could be kept of."""
    if call.operation == "createVideo":
        return videos.wanted(call.body)
    if call.body.get("store") is False:
        raise BadRequest(
            "store: expected true or nothing, got false. Whoever asks by an event has only what is kept.", param="store"
        )
    return call.body, None


def _told(record: Record) -> dict[str, Any]:
    if record.problem is not None:
        return {"id": completion_id(record.id), "error": events.outcome(record)["error"]}
    return state(record)


def _deleted(core: str) -> Json:
    return {"id": completion_id(core), **_DELETED.body()}


_DELETED = Conflict(
    "This request was made before and its completion was deleted. It is not sent again.", code="deleted"
)
