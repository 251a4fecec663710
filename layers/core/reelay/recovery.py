"""What a transcript, or a word of the upstream's, still tells of a job whose run is gone. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain

from reelay.ids import completion_id
from reelay.jobs import Finished, Progressed, Refused
from reelay.links import ProgressReader, media_links
from reelay.model import Json, Problem, Record, Told
from reelay.reply import Chunk, Reply, Whole
from reelay.shapes import Assembly, ChunkShaper, Identity, contents, whole


@dataclass
class _Reading:
    """A transcript read again, as `run` reads a stream."""

    identity: Identity
    reply: Reply = field(default_factory=Reply)
    assembly: Assembly = field(default_factory=Assembly)
    progress: ProgressReader = field(default_factory=ProgressReader)
    upstream_id: str | None = None
    document: Json | None = None

    def read(self, transcript: bytes) -> None:
        shaper = ChunkShaper(self.identity)
        for item in chain(self.reply.feed(transcript), self.reply.finish(broken=True)):
            if isinstance(item, Whole):
                self.document = whole(self.identity, item.payload)
                self.progress.feed(next(contents(self.document), ""))
            elif isinstance(item, Chunk) and (chunk := shaper.shape(item.payload)):
                self.upstream_id = self.upstream_id or _text(item.payload.get("id"))
                self._add(chunk)
        for chunk in shaper.closing():
            self.assembly.add(chunk)

    def completion(self) -> Json:
        return self.document or self.assembly.completion()

    def _add(self, chunk: Json) -> None:
        self.assembly.add(chunk)
        for choice in chunk["choices"][:1]:
            delta = choice["delta"]
            self.progress.feed(delta.get("content") or "", delta.get("reasoning_content") or "")


def found(record: Record, transcript: bytes) -> Finished | None:
    """The completion that a transcript holds, or None when it is not whole.

    So a run that died between the last byte and the verdict loses nothing.
    """
    reading = _read(record, transcript)
    if not reading.reply.complete:
        return None
    return Finished(reading.completion(), reading.upstream_id, reading.progress.task_id)


def learned(record: Record, transcript: bytes, told: Told | None) -> Finished | Refused | Progressed:
    """What the upstream's answer to a question after the job makes known; None is no answer.

    A finished job becomes the completion that had begun to come, with the link at its end.
    """
    if told is None:
        return Progressed()
    if told.status == "failed":
        return Refused(_FAILED)
    if told.status != "completed" or told.link is None:
        return Progressed(status="in_progress" if told.status == "completed" else told.status, percent=told.percent)
    completion = _read(record, transcript).completion()
    first, *others = completion["choices"]
    text = _linked(first["message"]["content"] or "", told.link)
    choices = [{**first, "message": {**first["message"], "content": text}}, *others]
    return Finished({**completion, "choices": choices})


def _linked(text: str, link: str) -> str:
    """The text with the link at its end, unless it offers it already; an echo that was cut has to be closed first, for
    what stands in there is the caller's and never believed."""
    for end in ("", f"\n\n[▶️ video]({link})", f"\n```\n\n[▶️ video]({link})"):
        if any(found.url == link for found in media_links(text + end)):
            return (text + end).lstrip()
    return text


def _read(record: Record, transcript: bytes) -> _Reading:
    reading = _Reading(Identity(id=completion_id(record.id), model=record.model, created=record.created))
    reading.read(transcript)
    return reading


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


_FAILED = Problem(
    message="The answer from v98store broke off, and asked after the job, v98store says that it failed. It may have "
    "been charged; Reelay does not send it again by itself.",
    type="upstream_error",
    param=None,
    code="video_generation_failed",
    status=502,
    charged=True,
)
