"""One request on its way: reads the exchange, says what the caller gets, and tells the journal.

A failure before the first byte is an HTTP status; after it, an error frame (or an error body after the spaces of a
whole answer). The exchange is read to its end whether or not anybody listens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from reelay import sse
from reelay.errors import (
    ReelayError,
    Unforeseen,
    UpstreamBroken,
    UpstreamBusy,
    UpstreamError,
    UpstreamUnreachable,
)
from reelay.ids import completion_id
from reelay.jobs import Fact, Finished, InDoubt, Progressed, Refused
from reelay.journal import Journal
from reelay.links import ProgressReader
from reelay.model import Answer, Data, End, Failed, Head, Json, Phase, Problem
from reelay.refusals import upstream_request_id
from reelay.reply import Chunk, Fault, Item, Reply, Whole
from reelay.shapes import Assembly, ChunkShaper, Identity, as_chunks, contents, whole

if TYPE_CHECKING:
    from reelay.ports import Clock, Exchange, Keys, Telemetry

FIRST_SILENCE_SECONDS = 20
"""After this long without a byte to the caller a sign of life is sent: clients and proxies on the way lose patience."""

NEXT_SILENCE_SECONDS = 15
"""And again after each of these; API Gateway closes a regional stream that is idle for 5 minutes."""

_FOREVER_SECONDS = 3600.0
"""Longer than any function lives."""

Finish = Callable[[], None]
"""Work after the answer."""


def standard_headers(*, stream: bool) -> dict[str, str]:
    """What every completion is sent with; nobody may cache what belongs to one tenant."""
    kind = "text/event-stream; charset=utf-8" if stream else "application/json"
    return {"Content-Type": kind, "Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class Form:
    """How the caller is answered: with signs of life or only when the answer is known (`live`), as a stream or as one
    object, and after how many seconds of silence the first sign is due."""

    live: bool
    streams: bool
    first_silence: float = FIRST_SILENCE_SECONDS


class Run:
    """One exchange with the upstream, turned into one answer. `keys` are there when the service pays."""

    def __init__(
        self,
        journal: Journal,
        exchange: Exchange,
        clock: Clock,
        telemetry: Telemetry,
        form: Form,
        keys: Keys | None = None,
    ) -> None:
        record = journal.record
        self._keys = keys
        self._journal = journal
        self._exchange = exchange
        self._clock = clock
        self._telemetry = telemetry
        self._live = form.live
        self._streams = form.streams
        self._identity = Identity(id=completion_id(record.id), model=record.model, created=record.created)
        self._reply = Reply()
        self._shaper = ChunkShaper(self._identity)
        self._assembly = Assembly()
        self._progress = ProgressReader()
        self._completion: Json | None = None
        self._upstream_id: str | None = None
        self._headers: dict[str, str] = {}
        self._started = self._said_at = clock.monotonic()
        self._silence: float = form.first_silence
        self._first = True
        self._answering = False
        self._task_id: str | None = None

    @property
    def completion(self) -> Json | None:
        """The whole answer, once it is here."""
        return self._completion

    def answer(self, path: str, finish: Finish) -> Answer:
        """The reply: waits until it is known whether it begins well, then lets the pieces flow."""
        if self._journal.record.keeps:
            self._headers["Content-Location"] = f"{path}/{self._identity.id}"
        if self._keys is not None:  # before anything can fail: what may have been paid counts
            self._telemetry.count("PaidCalls")
        pieces = self._pieces()
        try:
            first = next(pieces)
        except ReelayError as error:
            error.headers.update(self._headers)
            error.then = finish
            raise
        headers = {**standard_headers(stream=self._streams), **self._headers}
        return Answer(200, headers, chain((first,), pieces), then=finish)

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
            self._telemetry.count("Unforeseen")
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
            if self._streams:
                self._silence = FIRST_SILENCE_SECONDS
            match item:
                case Chunk(payload):
                    yield from self._chunk(payload)
                case Whole(payload):
                    yield from self._whole(payload)
                case Fault(error, in_doubt):
                    # Whatever its code may mean elsewhere: a job that had begun may have been charged.
                    error.charged = error.charged or bool(self._progress.task_id or self._assembly.content)
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
            if self._reply.over:
                return  # the verdict comes next, and brings the progress with it
            self._journal.note()
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
        # 5xx, silence, resets and what could not be reached; what is left is the fault of the request or the key.
        if error.status >= 500 and error.code != "model_not_found":
            self._telemetry.count("UpstreamServerErrors")
        if self._answering:
            error.message += self._whereabouts()
            error.code = "outcome_unknown" if isinstance(error, UpstreamBroken) else error.code
        error, passes = self._as_ours(error)
        in_doubt = error.charged and (error.status >= 500 or error.status == 408)
        problem = _problem(error)
        self._settle(InDoubt(problem) if in_doubt else Refused(problem, passes, error.retry_after or 0), "failed")
        raise error

    def _as_ours(self, error: ReelayError) -> tuple[ReelayError, bool]:
        """What the caller is told, and whether the same request may be taken later.

        A key that is not taken is the caller's fault where it is the caller's; the service's own is the operator's, and
        may be a new one the next time.
        """
        passes = isinstance(error, UpstreamBusy | UpstreamUnreachable)
        if error.status != 401 or self._keys is None:
            return error, passes
        self._keys.refused()
        self._telemetry.count("ServiceKeyRefused")
        return UpstreamError(_KEY_REFUSED, code="upstream_auth"), True

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
                named, self._task_id = self._progress.task_id != self._task_id, self._progress.task_id
                fact = Progressed(self._task_id) if progress is None else Progressed(self._task_id, *astuple(progress))
                self._journal.learn(fact)
                if named:  # at first sight: without its name nobody can ask after a job
                    self._journal.note()

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
        if isinstance(fact, InDoubt) and self._journal.record.phase is not Phase.RECONCILING:  # else the worker counts
            self._telemetry.count("OutcomeUnknown")
        if self._reply.malformed:
            self._telemetry.count("MalformedEvents", self._reply.malformed)
        self._telemetry.note("relayed", record=self._journal.record.id, outcome=outcome, seconds=round(seconds, 3))


_KEY_REFUSED = (
    "v98store did not take the service's key. Nothing was charged. Whoever runs this API has to put a good key into "
    "the secret that the stack's output ServiceKeySecret names."
)


def _problem(error: ReelayError) -> Problem:
    return Problem(error.message, error.type, error.param, error.code, error.status, error.charged)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
