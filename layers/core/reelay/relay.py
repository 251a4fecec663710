"""Use case: run one record, piece by piece, and keep it.

The request is written ahead, posted once, and read to its end whether or not the caller stays. A failure before the
first byte is an HTTP status; after it, an error frame (or an error body after the spaces of a whole answer).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple
from itertools import chain
from typing import TYPE_CHECKING, Any

from reelay import sse
from reelay.admission import Admission, Admitted
from reelay.errors import Conflict, ReelayError, Unforeseen, UpstreamBroken
from reelay.ids import completion_id
from reelay.jobs import Fact, Finished, InDoubt, Progressed, Refused
from reelay.journal import Journal
from reelay.links import ProgressReader, media_links
from reelay.model import Answer, Call, Data, End, Failed, Head, Invocation, Json, Link, Outgoing, Phase, Problem, Record
from reelay.refusals import upstream_request_id
from reelay.replay import pieces, unfinished
from reelay.reply import Chunk, Fault, Item, Reply, Whole
from reelay.shapes import Assembly, ChunkShaper, Identity, as_chunks, contents, whole

if TYPE_CHECKING:
    from reelay.ports import Archive, Clock, Exchange, Store, Telemetry, Upstream

FIRST_SILENCE_SECONDS = 20
"""After this long without a byte to the caller a sign of life is sent (shared facts on streaming)."""

NEXT_SILENCE_SECONDS = 15
"""And again after each of these; API Gateway closes a regional stream that is idle for 5 minutes."""

KEEP_RESERVE_SECONDS = 30
"""Kept back from the invocation for writing the verdict and copying the media once the upstream's time is up."""

FINISH_RESERVE_SECONDS = 5
"""And of that, for the last words to the store and the log."""

BUFFERED_SETTLE_SECONDS = 5
"""A buffered answer waits for what comes after it, so a verdict that is owed is not tried for long."""

LEASE_MARGIN_SECONDS = 60
"""After the invocation's deadline, for clocks that differ: only then is a record taken for left behind."""

_FOREVER_SECONDS = 3600.0


Finish = Callable[[tuple[Link, ...]], None]
"""Work after the answer, given the media links to copy."""


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
        run = _Run(journal, exchange, self._clock, self._telemetry, live=invocation.live)

        def finish(links: tuple[Link, ...]) -> None:
            settle_by = invocation.deadline if invocation.live else self._clock.monotonic() + BUFFERED_SETTLE_SECONDS
            journal.finish(self._archive, links, settle_by, invocation.deadline - FINISH_RESERVE_SECONDS)

        return run.answer(call.path, finish)

    def _again(self, call: Call, record: Record) -> Answer:
        """The kept answer in the form that is asked for now; raises what there is instead."""
        self._telemetry.note("asked again", record=record.id, phase=record.phase)
        self._telemetry.count("Replayed")
        place = f"{call.path}/{completion_id(record.id)}"
        if record.phase is not Phase.COMPLETED:
            unfinished(record, {"Location": place, "x-reelay-replayed": "true"})
        if not record.keeps:
            raise Conflict("This request was made before and asked for nothing to be kept.", code="not_kept")
        stream = bool(call.body.get("stream"))
        headers = {"Content-Location": place, "x-reelay-replayed": "true"}
        return Answer(200, _standard_headers(stream=stream) | headers, pieces(record, stream=stream))

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


def _standard_headers(*, stream: bool) -> dict[str, str]:
    kind = "text/event-stream; charset=utf-8" if stream else "application/json"
    return {"Content-Type": kind, "Cache-Control": "no-store"}


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


class _Run:
    """One request on its way: reads the exchange, says what the caller gets, and tells the journal."""

    def __init__(self, journal: Journal, exchange: Exchange, clock: Clock, telemetry: Telemetry, *, live: bool) -> None:
        record = journal.record
        self._journal = journal
        self._exchange = exchange
        self._clock = clock
        self._telemetry = telemetry
        self._live = live
        self._streams = record.stream
        self._identity = Identity(id=completion_id(record.id), model=record.model, created=record.created)
        self._reply = Reply()
        self._shaper = ChunkShaper(self._identity)
        self._assembly = Assembly()
        self._progress = ProgressReader()
        self._completion: Json | None = None
        self._upstream_id: str | None = None
        self._headers: dict[str, str] = {}
        self._started = self._said_at = clock.monotonic()
        self._silence: float = FIRST_SILENCE_SECONDS
        self._first = True
        self._answering = False
        self._task_id: str | None = None

    def answer(self, path: str, finish: Finish) -> Answer:
        """The reply: waits until it is known whether it begins well, then lets the pieces flow."""
        if self._journal.record.keeps:
            self._headers["Content-Location"] = f"{path}/{self._identity.id}"
        pieces = self._pieces()
        try:
            first = next(pieces)
        except ReelayError as error:
            error.headers.update(self._headers)
            error.then = lambda: finish(())
            raise
        headers = {**_standard_headers(stream=self._streams), **self._headers}
        return Answer(200, headers, chain((first,), pieces), then=lambda: finish(self._links()))

    def _pieces(self) -> Iterator[bytes]:
        """What the caller gets. Raises only while nothing has been said."""
        try:
            for piece in self._said():
                self._first, self._said_at = False, self._clock.monotonic()
                yield piece
        except ReelayError as error:
            if self._first:
                raise
            yield from self._last_words(error)
        except Exception as defect:
            self._telemetry.alarm("unforeseen", record=self._journal.record.id)
            unforeseen = Unforeseen(charged=True)
            self._journal.settle(InDoubt(_problem(unforeseen)))
            if self._first:
                raise unforeseen from defect
            yield from self._last_words(unforeseen)
        finally:
            self._exchange.close()

    def _last_words(self, error: ReelayError) -> Iterator[bytes]:
        if self._streams:
            yield sse.frame(error.body())
            yield sse.DONE
        else:
            yield sse.encoded(error.body())

    def _said(self) -> Iterator[bytes]:
        for item in self._items():
            if item is None:
                yield sse.comment("waiting") if self._streams else b" "
                continue
            self._silence = FIRST_SILENCE_SECONDS
            match item:
                case Chunk(payload):
                    yield from self._chunk(payload)
                case Whole(payload):
                    yield from self._whole(payload)
                case Fault(error, in_doubt):
                    problem = _problem(error)
                    self._settle(InDoubt(problem) if in_doubt else Refused(problem), "fault")
                    raise error
        yield from self._end()

    def _items(self) -> Iterator[Item | None]:
        """What the reply holds, in order; None for each time the caller is due a sign of life."""
        while not self._reply.over:
            seen = self._exchange.wait(self._patience())
            match seen:
                case Head(status, headers):
                    self._begin(status, headers)
                case Data(data):
                    self._journal.take(data)
                    yield from self._reply.feed(data)
                case End():
                    yield from self._reply.finish()
                case Failed(error, raw):
                    self._journal.take(raw)
                    yield from self._rest(error)
            if self._patience() <= 0:
                self._silence = NEXT_SILENCE_SECONDS
                yield None

    def _patience(self) -> float:
        if not self._live:
            return _FOREVER_SECONDS
        return max(0.0, self._said_at + self._silence - self._clock.monotonic())

    def _begin(self, status: int, headers: Mapping[str, str]) -> None:
        self._answering = True
        self._telemetry.note("upstream answered", record=self._journal.record.id, status=status)
        self._telemetry.count("UpstreamFirstByte", (self._clock.monotonic() - self._started) * 1000, "Milliseconds")
        request_id = upstream_request_id(headers)
        if request_id:
            self._headers["x-upstream-request-id"] = request_id

    def _rest(self, error: Exception) -> Iterator[Item]:
        """The exchange failed: what had come may be a whole answer all the same, or the upstream's own word."""
        for item in self._reply.finish(broken=True):
            if not (isinstance(item, Fault) and item.in_doubt):
                yield item
        if not self._reply.complete:
            self._broken_off(error)

    def _broken_off(self, error: Exception) -> None:
        """No whole answer came: refusal or doubt; and once the upstream had begun to answer, it names the job."""
        if not isinstance(error, ReelayError):
            raise error
        self._telemetry.count("UpstreamFailures")
        if self._answering:
            error.message += self._whereabouts()
            error.code = "outcome_unknown" if isinstance(error, UpstreamBroken) else error.code
        in_doubt = error.charged and (error.status >= 500 or error.status == 408)
        problem = _problem(error)
        self._settle(InDoubt(problem) if in_doubt else Refused(problem), "failed")
        raise error

    def _chunk(self, payload: Json) -> Iterator[bytes]:
        self._upstream_id = self._upstream_id or _text(payload.get("id"))
        chunk = self._shaper.shape(payload)
        if chunk is None:
            return
        self._assembly.add(chunk)
        self._watch(chunk)
        if self._streams:
            yield sse.frame(chunk)

    def _whole(self, payload: Json) -> Iterator[bytes]:
        self._upstream_id = _text(payload.get("id"))
        self._completion = whole(self._identity, payload)
        self._progress.feed(next(contents(self._completion), ""))
        if self._streams:
            for chunk in as_chunks(self._completion):
                yield sse.frame(chunk)

    def _watch(self, chunk: Json) -> None:
        for choice in chunk["choices"][:1]:
            delta = choice["delta"]
            progress = self._progress.feed(delta.get("content") or "", delta.get("reasoning_content") or "")
            if progress is not None or self._progress.task_id != self._task_id:
                self._task_id = self._progress.task_id
                fact = Progressed(self._task_id) if progress is None else Progressed(self._task_id, *astuple(progress))
                self._journal.note(fact)

    def _end(self) -> Iterator[bytes]:
        """The reply is over: whole, or cut. The verdict is kept before the caller hears the last of it."""
        if not self._reply.complete:
            error = self._cut()
            self._settle(InDoubt(_problem(error)), "cut")
            raise error
        if self._completion is None:
            for chunk in self._shaper.closing():
                self._assembly.add(chunk)
                if self._streams:
                    yield sse.frame(chunk)
            self._completion = self._assembly.completion()
        self._settle(Finished(self._completion, self._upstream_id, self._progress.task_id), "completed")
        yield sse.DONE if self._streams else sse.encoded(self._completion)

    def _cut(self) -> UpstreamBroken:
        return UpstreamBroken(
            "The answer from v98store broke off before it was whole, so its outcome is unknown and it may have been "
            f"charged. Reelay does not send it again by itself.{self._whereabouts()}",
            code="outcome_unknown",
            charged=True,
        )

    def _whereabouts(self) -> str:
        task = f" v98store knows it as {self._progress.task_id}." if self._progress.task_id else ""
        return f"{task} What came is kept with {self._identity.id}." if self._journal.record.keeps else task

    def _settle(self, fact: Fact, outcome: str) -> None:
        self._journal.settle(fact)
        seconds = self._clock.monotonic() - self._started
        self._telemetry.count("Latency", seconds * 1000, "Milliseconds")
        self._telemetry.count("UpstreamBytes", self._journal.bytes, "Bytes")
        if isinstance(fact, InDoubt):
            self._telemetry.count("OutcomeUnknown")
        if self._reply.malformed:
            self._telemetry.count("MalformedEvents", self._reply.malformed)
        self._telemetry.note("relayed", record=self._journal.record.id, outcome=outcome, seconds=round(seconds, 3))

    def _links(self) -> tuple[Link, ...]:
        texts = contents(self._completion) if self._completion and self._journal.record.keeps else ()
        return tuple(link for text in texts for link in media_links(text))


def _problem(error: ReelayError) -> Problem:
    return Problem(error.message, error.type, error.param, error.code, error.status, error.charged)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
