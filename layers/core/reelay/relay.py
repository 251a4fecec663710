"""Use case: relay a request once, and tell again what became of it when it comes again.

The request is written ahead and posted once; `run` reads the answer to its end, `journal` keeps it, `aftercare` does
what follows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reelay import sse
from reelay.admission import Admission, Admitted
from reelay.errors import Conflict, KeyUnavailable, ReelayError, Unforeseen
from reelay.ids import completion_id
from reelay.jobs import QUEUE_LEASE_SECONDS
from reelay.journal import Journal, looked_at
from reelay.model import Answer, Call, Invocation, Json, Outgoing, Phase, Record, VideoRequest
from reelay.payer import Payer
from reelay.prefer import preference
from reelay.replay import NOT_READY_RETRY_SECONDS, pieces, state, unfinished
from reelay.run import Form, Run, standard_headers

if TYPE_CHECKING:
    from reelay.aftercare import Aftercare
    from reelay.ports import Clock, Keys, Line, Queue, Store, Telemetry, Upstream
    from reelay.spending import Spending

KEEP_RESERVE_SECONDS = 30
"""Kept back from the invocation for writing the verdict and copying the media once the upstream's time is up."""

FINISH_RESERVE_SECONDS = 5
"""And of that, for the last words to the store and the log."""

BUFFERED_SETTLE_SECONDS = 5
"""A buffered answer waits for what comes after it, so a verdict that is owed is not tried for long."""

LEASE_MARGIN_SECONDS = 60
"""After the invocation's deadline, for clocks that differ: only then is a record taken for left behind."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A chat completion to ask for: the request, the same as the bytes to post, and the words of the Videos API that it
    came in, if it did."""

    request: Json = field(repr=False)
    raw: bytes = field(repr=False)
    video: VideoRequest | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """A request that has to be posted now: its record, written ahead, the line to post it on, and the key to post it
    with."""

    record: Record
    line: Line
    key: str | None = field(repr=False)


class Relay:
    """Runs chat completions in the caller's own invocation, with the caller's key or the service's.

    `keys` and `queue` are there where the service may pay.
    """

    def __init__(  # noqa: PLR0913 - the ports of a use case, by name
        self,
        *,
        upstream: Upstream,
        store: Store,
        admission: Admission,
        aftercare: Aftercare,
        spending: Spending,
        clock: Clock,
        telemetry: Telemetry,
        ask_seconds: int = 0,
        keys: Keys | None = None,
        queue: Queue | None = None,
    ) -> None:
        self._upstream = upstream
        self._store = store
        self._admission = admission
        self._aftercare = aftercare
        self._spending = spending
        self._clock = clock
        self._telemetry = telemetry
        self._ask_seconds = ask_seconds
        self._keys = keys
        self._queue = queue

    def create(self, call: Call, invocation: Invocation) -> Answer:
        """Relay one validated request, or tell again what became of it when it was made before.

        Raises StoreFailed when the record cannot be written ahead (then nothing is sent), an UpstreamError when the
        upstream fails before there is anything to send on, and Conflict while the same request is still running.
        """
        begun = self.begin(call, Wanted(call.body, call.raw), invocation)
        if isinstance(begun, Record):
            return self._again(call, begun)
        return self.charged(begun, lambda: self._run(call, begun, invocation))

    def begin(self, call: Call, wanted: Wanted, invocation: Invocation) -> Begun | Record:
        """What this call has to run; or the record of the same request, when it was made before.

        The upstream is dialled while the record is written ahead; nothing is sent before it is there.

        Raises StoreFailed, Conflict, Paused, and NotAllowed, LimitReached or KeyUnavailable where the service pays:
        then no record is written.
        """
        admitted = self._admission.admit(call, wanted.request)
        if admitted.record is not None:
            return admitted.record
        key = self._key(call)
        self._spending.allow(wanted.request, call.payer)
        self._spending.take(call.tenant, admitted.core, call.payer)
        line = self._upstream.dial(invocation.deadline - KEEP_RESERVE_SECONDS)
        try:
            return Begun(self._store.create(self._record(call, wanted, admitted, invocation)), line, key)
        except BaseException as failure:
            line.close()
            if not isinstance(failure, Conflict):
                raise
        return self._store.load(call.tenant, admitted.core)  # another attempt with the same claim was faster

    def queued(self, call: Call, wanted: Wanted, invocation: Invocation) -> tuple[Record, bool]:
        """A job for the workers, which the service pays: its record, and whether it is a new one.

        Raises StoreFailed, Conflict, NotAllowed and LimitReached. A message that could not be sent is sent by the
        sweep.
        """
        admitted = self._admission.admit(call, wanted.request)
        if admitted.record is not None:
            return admitted.record, False
        self._spending.judge(wanted.request)  # that all is paused is the worker's to heed
        self._spending.take(call.tenant, admitted.core, call.payer)
        record = replace(
            self._record(call, wanted, admitted, invocation),
            phase=Phase.QUEUED,
            status="queued",
            lease=int(self._clock.now()) + QUEUE_LEASE_SECONDS,
            by_worker=True,
        )
        self._store.watch(record)
        try:
            record = self._store.create(record)
        except Conflict:
            return self._store.load(call.tenant, admitted.core), False
        self._aftercare.enter(record, self._queue)
        return record, True

    def _key(self, call: Call) -> str | None:
        """The key to post with. Raises KeyUnavailable where the service pays and has none."""
        if call.payer is Payer.CALLER:
            return call.token
        if self._keys is None:
            raise KeyUnavailable("This stack has no key of its own to pay with. Nothing was sent.")
        return self._keys.key()

    def charged(self, begun: Begun, run: Callable[[], Answer]) -> Answer:
        """From here on money may be taken, so whatever goes wrong says so, and leaves no connection behind."""
        try:
            return run()
        except BaseException as defect:
            begun.line.close()
            if isinstance(defect, ReelayError) or not isinstance(defect, Exception):
                raise
            self._telemetry.alarm("unforeseen", record=begun.record.id)
            self._telemetry.count("Unforeseen")
            raise Unforeseen(charged=True) from defect

    def _run(self, call: Call, begun: Begun, invocation: Invocation) -> Answer:
        record = begun.record
        wish = preference(call.headers.get("prefer"))
        later = wish.respond_async and invocation.live and record.keeps
        form = Form(True, False, wish.wait) if later else Form(invocation.live, record.stream)
        journal, run, answer = self.post(call, begun, call.raw, form, invocation)
        if not later:
            return answer
        if run.completion is None:
            return self._accepted(call, journal, answer)
        headers = {**answer.headers, **standard_headers(stream=record.stream)}
        return replace(answer, headers=headers, pieces=pieces(run.completion, stream=record.stream))

    def post(
        self, call: Call, begun: Begun, raw: bytes, form: Form, invocation: Invocation
    ) -> tuple[Journal, Run, Answer]:
        """The request on its way, once, and the answer as soon as it is known whether it begins well.

        Raises an UpstreamError when it does not; what follows is done after the answer either way.
        """
        record = begun.record
        journal = Journal(record, self._store, self._clock, self._telemetry)
        exchange = begun.line.post(_outgoing(call, raw, record, begun.key))
        self._aftercare.begin(record)  # while the upstream takes the request
        keys = self._keys if call.payer is Payer.SERVICE else None
        run = Run(journal, exchange, self._clock, self._telemetry, form, keys)

        def finish() -> None:
            settle_by = invocation.deadline if invocation.live else self._clock.monotonic() + BUFFERED_SETTLE_SECONDS
            self._aftercare.finish(journal, settle_by, invocation.deadline - FINISH_RESERVE_SECONDS)

        return journal, run, run.answer(call.path, finish)

    def _accepted(self, call: Call, journal: Journal, answer: Answer) -> Answer:
        """202 (RFC 7240, section 4.1): the job goes on in this invocation after the reply has ended.

        So no queue and no record ever holds the caller's key. Where answers are buffered nothing could be told before
        the end, and the preference is not applied.
        """
        headers = {
            **standard_headers(stream=False),
            "Location": f"{call.path}/{completion_id(journal.record.id)}",
            "Preference-Applied": "respond-async",
            "Retry-After": str(NOT_READY_RETRY_SECONDS),
        }
        return Answer(202, headers, (sse.encoded(state(journal.record)),), then=rest_of(answer))

    def noted(self, record: Record) -> None:
        """Tell the operator that a request came again."""
        self._telemetry.note("asked again", record=record.id, phase=record.phase)
        self._telemetry.count("Replayed")

    def _again(self, call: Call, record: Record) -> Answer:
        """The kept answer in the form that is asked for now; raises what there is instead."""
        self.noted(record)
        place = f"{call.path}/{completion_id(record.id)}"
        record = looked_at(record, self._store, self._clock)
        if record.phase is not Phase.COMPLETED:
            unfinished(record, {"Location": place, "x-reelay-replayed": "true"})
        if not record.keeps:
            raise Conflict(
                "This request was made before and asked for nothing to be kept.",
                code="not_kept",
                headers={"x-should-retry": "false"},  # else OpenAI's SDKs ask twice more
            )
        stream = bool(call.body.get("stream"))
        headers = {"Content-Location": place, "x-reelay-replayed": "true"}
        return Answer(200, standard_headers(stream=stream) | headers, pieces(record.completion or {}, stream=stream))

    def _record(self, call: Call, wanted: Wanted, admitted: Admitted, invocation: Invocation) -> Record:
        now = self._clock.now()
        request = wanted.request
        keeps = request.get("store") is not False
        return Record(
            id=admitted.core,
            tenant=call.tenant,
            created=int(now),
            updated=int(now),
            model=request["model"],
            stream=bool(request.get("stream")),
            keeps=keeps,
            request=request if keeps else None,
            metadata=dict(request.get("metadata") or {}) if keeps else {},
            lease=int(now + invocation.deadline - self._clock.monotonic()) + LEASE_MARGIN_SECONDS,
            fingerprint=admitted.fingerprint,
            ask_until=int(now) + self._ask_seconds if self._ask_seconds else 0,
            video=wanted.video,
        )


def rest_of(answer: Answer) -> Callable[[], None]:
    """What is left of an answer that nobody reads any more, and what comes after it."""

    def go_on() -> None:
        deque(answer.pieces, maxlen=0)
        answer.then()

    return go_on


def _outgoing(call: Call, raw: bytes, record: Record, key: str | None) -> Outgoing:
    """The bytes to post and the documented headers; what a caller of the Videos API accepts is not what is asked for
    here."""
    accept = call.headers.get("accept") if record.video is None else None
    headers = {
        "Content-Type": "application/json",
        "Accept": accept or ("text/event-stream" if record.stream else "application/json"),
    }
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    if "x-forwarded-host" in call.headers:
        headers["X-Forwarded-Host"] = call.headers["x-forwarded-host"]
    return Outgoing(raw, headers)
