"""Use case: relay a request once, and tell again what became of it when it comes again.

The request is written ahead and posted once; `run` reads the answer to its end, `journal` keeps it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from reelay import sse
from reelay.admission import Admission, Admitted
from reelay.errors import Conflict, ReelayError, Unforeseen
from reelay.ids import completion_id
from reelay.journal import Journal, looked_at
from reelay.model import Answer, Call, Invocation, Link, Outgoing, Phase, Record
from reelay.prefer import preference
from reelay.replay import NOT_READY_RETRY_SECONDS, pieces, state, unfinished
from reelay.run import Form, Run, standard_headers

if TYPE_CHECKING:
    from reelay.ports import Archive, Clock, Store, Telemetry, Upstream

KEEP_RESERVE_SECONDS = 30
"""Kept back from the invocation for writing the verdict and copying the media once the upstream's time is up."""

FINISH_RESERVE_SECONDS = 5
"""And of that, for the last words to the store and the log."""

BUFFERED_SETTLE_SECONDS = 5
"""A buffered answer waits for what comes after it, so a verdict that is owed is not tried for long."""

LEASE_MARGIN_SECONDS = 60
"""After the invocation's deadline, for clocks that differ: only then is a record taken for left behind."""


class Relay:
    """Runs chat completions: the door's `createChatCompletion`."""

    def __init__(
        self,
        *,
        upstream: Upstream,
        store: Store,
        admission: Admission,
        archive: Archive,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._upstream = upstream
        self._store = store
        self._admission = admission
        self._archive = archive
        self._clock = clock
        self._telemetry = telemetry

    def create(self, call: Call, invocation: Invocation) -> Answer:
        """Relay one validated request, or tell again what became of it when it was made before.

        Raises StoreFailed when the record cannot be written ahead (then nothing is sent), an UpstreamError when the
        upstream fails before there is anything to send on, and Conflict while the same request is still running.
        """
        admitted = self._admission.admit(call)
        known = admitted.record
        if known is None:
            try:
                record = self._store.create(self._record(call, admitted, invocation))
            except Conflict:  # another attempt with the same claim was faster
                known = self._store.load(call.tenant, admitted.core)
            else:
                return self._begun(call, record, invocation)
        return self._again(call, known)

    def _begun(self, call: Call, record: Record, invocation: Invocation) -> Answer:
        """From here on money may be taken, so whatever goes wrong says so."""
        try:
            return self._run(call, record, invocation)
        except ReelayError:
            raise
        except Exception as defect:
            self._telemetry.alarm("unforeseen", record=record.id)
            raise Unforeseen(charged=True) from defect

    def _run(self, call: Call, record: Record, invocation: Invocation) -> Answer:
        journal = Journal(record, self._store, self._clock, self._telemetry)
        exchange = self._upstream.post(_outgoing(call), invocation.deadline - KEEP_RESERVE_SECONDS)
        wish = preference(call.headers.get("prefer"))
        later = wish.respond_async and invocation.live and record.keeps
        form = Form(True, False, wish.wait) if later else Form(invocation.live, record.stream)
        run = Run(journal, exchange, self._clock, self._telemetry, form)

        def finish(links: tuple[Link, ...]) -> None:
            settle_by = invocation.deadline if invocation.live else self._clock.monotonic() + BUFFERED_SETTLE_SECONDS
            journal.finish(self._archive, links, settle_by, invocation.deadline - FINISH_RESERVE_SECONDS)

        answer = run.answer(call.path, finish)
        if not later:
            return answer
        if run.completion is None:
            return self._accepted(call, journal, answer)
        headers = {**answer.headers, **standard_headers(stream=record.stream)}
        return replace(answer, headers=headers, pieces=pieces(run.completion, stream=record.stream))

    def _accepted(self, call: Call, journal: Journal, answer: Answer) -> Answer:
        """202 (RFC 7240, section 4.1): the job goes on in this invocation after the reply has ended.

        So no queue and no record ever holds the caller's key. Where answers are buffered nothing could be told before
        the end, and the preference is not applied.
        """

        def go_on() -> None:
            deque(answer.pieces, maxlen=0)
            answer.then()

        headers = {
            **standard_headers(stream=False),
            "Location": f"{call.path}/{completion_id(journal.record.id)}",
            "Preference-Applied": "respond-async",
            "Retry-After": str(NOT_READY_RETRY_SECONDS),
        }
        return Answer(202, headers, (sse.encoded(state(journal.record)),), then=go_on)

    def _again(self, call: Call, record: Record) -> Answer:
        """The kept answer in the form that is asked for now; raises what there is instead."""
        self._telemetry.note("asked again", record=record.id, phase=record.phase)
        self._telemetry.count("Replayed")
        place = f"{call.path}/{completion_id(record.id)}"
        record = looked_at(record, self._store, self._clock)
        if record.phase is not Phase.COMPLETED:
            unfinished(record, {"Location": place, "x-reelay-replayed": "true"})
        if not record.keeps:
            raise Conflict("This request was made before and asked for nothing to be kept.", code="not_kept")
        stream = bool(call.body.get("stream"))
        headers = {"Content-Location": place, "x-reelay-replayed": "true"}
        return Answer(200, standard_headers(stream=stream) | headers, pieces(record.completion or {}, stream=stream))

    def _record(self, call: Call, admitted: Admitted, invocation: Invocation) -> Record:
        now = self._clock.now()
        body = call.body
        keeps = body.get("store") is not False
        return Record(
            id=admitted.core,
            tenant=call.tenant,
            created=int(now),
            updated=int(now),
            model=body["model"],
            stream=bool(body.get("stream")),
            keeps=keeps,
            request=body if keeps else None,
            metadata=dict(body.get("metadata") or {}) if keeps else {},
            lease=int(now + invocation.deadline - self._clock.monotonic()) + LEASE_MARGIN_SECONDS,
            fingerprint=admitted.fingerprint,
        )


def _outgoing(call: Call) -> Outgoing:
    """The caller's own bytes and the documented headers."""
    streams = bool(call.body.get("stream"))
    headers = {
        "Content-Type": "application/json",
        "Accept": call.headers.get("accept") or ("text/event-stream" if streams else "application/json"),
    }
    if call.token is not None:
        headers["Authorization"] = f"Bearer {call.token}"
    if "x-forwarded-host" in call.headers:
        headers["X-Forwarded-Host"] = call.headers["x-forwarded-host"]
    return Outgoing(call.raw, headers)
