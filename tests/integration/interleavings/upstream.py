"""An upstream that answers each job as it was told to, and counts what it may charge for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import Enum, auto
from typing import TYPE_CHECKING

from reelay.errors import UpstreamBroken, UpstreamBusy, UpstreamError, UpstreamRefused, UpstreamSilent
from reelay.errors import UpstreamUnreachable as Unreachable
from reelay.model import Data, End, Failed, Head, Outgoing, Seen, Told

if TYPE_CHECKING:
    from tests.integration.interleavings.processes import Process
    from tests.integration.interleavings.world import World

BETWEEN_SECONDS = 31.0
"""Between two pieces of an answer: long enough for progress and transcript to be due each time."""


class Outcome(Enum):
    """How one post ends."""

    WHOLE = auto()
    TEXT = auto()
    CUT = auto()
    CUT_EARLY = auto()
    SILENT = auto()
    ERROR = auto()
    BUSY = auto()
    UNREACHABLE = auto()
    KEY_REFUSED = auto()
    REFUSED = auto()


FREE = (Outcome.BUSY, Outcome.UNREACHABLE, Outcome.KEY_REFUSED, Outcome.REFUSED)
"""Of these the upstream, or the way to it, says for certain that nothing was charged."""


class Word(Enum):
    """What the upstream says when it is asked after a job."""

    NOTHING = auto()
    RUNNING = auto()
    FAILED = auto()
    DONE = auto()


def link(core: str) -> str:
    """Where the job's video is said to lie."""
    return f"https://media.test/{core}.mp4"


def told(word: Word, core: str) -> Told | None:
    """The word as the port gives it."""
    match word:
        case Word.NOTHING:
            return None
        case Word.RUNNING:
            return Told("in_progress", 50)
        case Word.FAILED:
            return Told("failed")
        case Word.DONE:
            return Told("completed", 100, link(core))


class ScriptedUpstream:
    """Keeps the promises of `ports.Upstream` towards one process that works on one job."""

    def __init__(self, world: World, process: Process) -> None:
        self._world = world
        self._process = process

    def dial(self, deadline: float) -> ScriptedLine:
        return ScriptedLine(self._world, self._process, deadline)


class ScriptedLine:
    """Keeps the promises of `ports.Line`."""

    def __init__(self, world: World, process: Process, deadline: float) -> None:
        self._world = world
        self._process = process
        self._deadline = deadline

    def post(self, outgoing: Outgoing) -> ScriptedExchange:  # noqa: ARG002 - every request is good
        core = self._process.subject or ""
        outcome = self._process.reach(lambda: self._world.books.posted(core))
        return ScriptedExchange(self._process, script(outcome, core, self._process, self._deadline))

    def close(self) -> None:
        """Nothing is open."""


class ScriptedExchange:
    """Keeps the promises of `ports.Exchange`."""

    def __init__(self, process: Process, seen: Iterator[Seen]) -> None:
        self._process = process
        self._seen = seen
        self._last: Seen | None = None

    def wait(self, seconds: float) -> Seen | None:  # noqa: ARG002 - a worker waits as long as it takes
        if self._last is None:
            seen = self._process.reach(lambda: next(self._seen))
            self._last = seen if isinstance(seen, End | Failed) else None
            return seen
        return self._last

    def close(self) -> None:
        """Nothing is open."""


def script(outcome: Outcome, core: str, process: Process, deadline: float) -> Iterator[Seen]:
    """What is seen of such an answer."""
    begun = (_event(f"\n\n> ID: `task_{core}`\n> 排队中\n"), _event("\n>🏃 进度 36..\n"))
    ended = (_event("", finish="stop"), b"data: [DONE]\n\n")
    match outcome:
        case Outcome.WHOLE:
            yield from _flowing(process, *begun, _event(f"\n[在线播放▶️]({link(core)})\n"), *ended)
            yield End()
        case Outcome.TEXT:
            yield from _flowing(process, _event("a dog is a dog"), *ended)
            yield End()
        case Outcome.CUT:
            yield from _flowing(process, *begun)
            yield Failed(UpstreamBroken("cut", charged=True))
        case Outcome.ERROR:
            yield from _flowing(process, *begun, _data({"error": {"message": "no", "type": "x", "code": "y"}}))
            yield End()
        case Outcome.SILENT:
            process.clock.advance(max(0.0, deadline - process.clock.monotonic()))
            yield Failed(UpstreamSilent("silent", charged=True))
        case _:
            yield Failed(_failure(outcome))


def _flowing(process: Process, *pieces: bytes) -> Iterator[Seen]:
    yield Head(200, {"content-type": "text/event-stream"})
    for piece in pieces:
        process.clock.advance(BETWEEN_SECONDS)
        process.heard_all = process.heard_all or b"[DONE]" in piece
        yield Data(piece)


def _failure(outcome: Outcome) -> UpstreamError:
    match outcome:
        case Outcome.BUSY:
            return UpstreamBusy("busy", retry_after=60)
        case Outcome.UNREACHABLE:
            return Unreachable("away")
        case Outcome.KEY_REFUSED:
            return UpstreamRefused("key", status=401)
        case Outcome.REFUSED:
            return UpstreamRefused("no such model", status=404, code="model_not_found")
        case _:
            return UpstreamBroken("closed", charged=True)


def _event(content: str, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": finish}
    return _data({"id": "up-1", "object": "chat.completion.chunk", "model": "sora-2", "choices": [choice]})


def _data(payload: object) -> bytes:
    return f"data: {json.dumps(payload)}\n\n".encode()
