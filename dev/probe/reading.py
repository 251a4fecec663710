"""A recorded answer as the relay reads it, with the times at which each thing became known. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from dev.recording import Ending, Recording
from reelay.links import Progress, ProgressReader, media_links
from reelay.model import Json, Link
from reelay.refusals import refusal
from reelay.reply import Chunk, Fault, Item, Reply, Whole
from reelay.shapes import Assembly, ChunkShaper, Identity, contents, whole

_OURS = Identity(id="chatcmpl-probe", model="", created=0)
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
"""A code that is a name; anything longer or freer may be text, and is not shown."""


@dataclass
class Reading:
    """What an answer came to. `completed` says whether a whole completion came, `outcome` the same in words; `progress`
    holds each change and `task` the job's id, both with seconds after the request."""

    completed: bool = False
    outcome: str = ""
    items: int = 0
    progress: list[tuple[float, Progress]] = field(default_factory=list)
    task: tuple[float, str] | None = None
    links: tuple[Link, ...] = ()


def read(recording: Recording) -> Reading:
    """The relay's own reading of it."""
    status = recording.status
    if status is None:
        return Reading(outcome="the connection ended before an HTTP answer came; it may have been charged")
    if not 200 <= status < 300:
        return Reading(outcome=_refused(recording, status))
    reader = _Reader()
    for piece in recording.pieces:
        reader.take(piece.after, reader.reply.feed(piece.data))
    reader.take(recording.ended_after, reader.reply.finish(broken=recording.ending is not Ending.WHOLE))
    return reader.closed()


def _refused(recording: Recording, status: int) -> str:
    headers = {name.lower(): value for name, value in recording.headers}
    error = refusal(status, headers, recording.body, now=0)
    charged = "it may have been charged" if error.charged else "nothing was charged"
    return f"no completion: status {status}{_coded(error.code)}; {charged}"


def _coded(code: str | None) -> str:
    """What the relay would tell its caller: the upstream's code, or its own word where there is none."""
    if code is None:
        return ""
    return f", told as {code}" if _CODE.fullmatch(code) else f", told as a code of {len(code)} characters"


class _Reader:
    """Goes through the items of one reply, as `reelay.run` does."""

    def __init__(self) -> None:
        self.reply = Reply()
        self._reading = Reading()
        self._shaper = ChunkShaper(_OURS)
        self._assembly = Assembly()
        self._progress = ProgressReader()
        self._document: Json | None = None
        self._fault: Fault | None = None

    def take(self, after: float, items: Iterable[Item]) -> None:
        """What became known at a time."""
        for item in items:
            self._reading.items += 1
            match item:
                case Chunk(payload):
                    self._chunk(after, self._shaper.shape(payload))
                case Whole(payload):
                    self._document = whole(_OURS, payload)
                    self._say(after, next(contents(self._document), ""))
                case Fault():
                    self._fault = item

    def closed(self) -> Reading:
        """The whole of it."""
        for chunk in self._shaper.closing():
            self._assembly.add(chunk)
        completion = self._document or self._assembly.completion()
        self._reading.links = tuple(link for text in contents(completion) for link in media_links(text))
        self._reading.completed = self.reply.complete and self._fault is None
        self._reading.outcome = self._outcome()
        return self._reading

    def _chunk(self, after: float, chunk: Json | None) -> None:
        if chunk is None:
            return
        self._assembly.add(chunk)
        for choice in chunk["choices"][:1]:
            self._say(after, choice["delta"].get("content") or "", choice["delta"].get("reasoning_content") or "")

    def _say(self, after: float, text: str, reasoning: str = "") -> None:
        changed = self._progress.feed(text, reasoning)
        if changed is not None:
            self._reading.progress.append((after, changed))
        if self._progress.task_id is not None and self._reading.task is None:
            self._reading.task = (after, self._progress.task_id)

    def _outcome(self) -> str:
        if self._fault is not None:
            what = "nothing that can be read" if self._fault.in_doubt else "an error where a completion was due"
            return f"no completion: {what}{_coded(self._fault.error.code)}; it may have been charged"
        if not self.reply.complete:
            return "no completion: it broke off before it was whole; it may have been charged"
        if any(each.status == "failed" for _, each in self._reading.progress):
            return "a whole completion that says in words that the job failed"
        return f"a whole completion {'with' if self._reading.links else 'without'} a link to a video"
