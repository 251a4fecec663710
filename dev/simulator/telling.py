"""Saying a completion: as server-sent chunks, or whole; the shapes that v98store's answers have."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dev.simulator.ask import Ask
from dev.simulator.steps import Bytes, Frame, Framing, Head, Reached, Step, Steps

DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Say:
    """One chunk: its delta, the finish_reason, and whether it belongs to the echo, which is said faster."""

    delta: Mapping[str, Any]
    finish: str | None = None
    echo: bool = False


Beat = Say | Reached
ChunkOf = Callable[[Ask, Say], Mapping[str, Any]]


def say(text: str, *, echo: bool = False) -> Say:
    """A chunk of text."""
    return Say({"content": text}, echo=echo)


def compact(value: object) -> bytes:
    """JSON as the upstream spells it: no spaces, no escapes beyond the necessary."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def event(value: object) -> bytes:
    """One server-sent event."""
    return b"data: " + compact(value) + b"\n\n"


def chunk(ask: Ask, said: Say, **more: Any) -> dict[str, Any]:
    """A chunk as captured: id and created the same in every one, no usage."""
    choice = {"index": 0, "delta": said.delta, "finish_reason": said.finish}
    return {
        "id": "chatcmpl-" + ask.seed[:29],
        "object": "chat.completion.chunk",
        "created": int(ask.now),
        "model": ask.model,
        "choices": [choice],
        **more,
    }


def usage(ask: Ask, text: str) -> dict[str, int]:
    """Token counts, at four characters each."""
    prompt, completion = len(ask.prompt) // 4 + 1, len(text) // 4 + 1
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def completion(ask: Ask, message: Mapping[str, Any], finish: str | None = "stop") -> dict[str, Any]:
    """A whole reply in the documented shape: no `model`, no `logprobs`."""
    return {
        "id": "chatcmpl-" + ask.seed[:29],
        "object": "chat.completion",
        "created": int(ask.now),
        "choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}],
        "usage": usage(ask, message.get("content") or ""),
    }


def stream_head(ask: Ask, framing: Framing = Framing.CHUNKED, more: Mapping[str, str] | None = None) -> Head:
    """The head of a stream."""
    fields = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache", "X-Oneapi-Request-Id": ask.request_id}
    return Head(200, tuple({**fields, **(more or {})}.items()), framing)


def document(ask: Ask, body: bytes, status: int = 200, more: Mapping[str, str] | None = None) -> Steps:
    """A JSON answer of a known length."""
    fields = {"Content-Type": "application/json; charset=utf-8", "Content-Length": str(len(body))}
    yield Head(status, tuple({**fields, "X-Oneapi-Request-Id": ask.request_id, **(more or {})}.items()), Framing.LENGTH)
    yield Frame(body)


def streamed(ask: Ask, beats: Iterable[Beat], chunk_of: ChunkOf = chunk) -> Steps:
    """The beats as a stream that ends well."""
    yield stream_head(ask)
    yield from frames(ask, beats, chunk_of)
    yield Frame(DONE)


def frames(ask: Ask, beats: Iterable[Beat], chunk_of: ChunkOf = chunk) -> Iterator[Step]:
    """The beats as frames, without head and `[DONE]`."""
    for beat in beats:
        yield beat if isinstance(beat, Reached) else Frame(event(chunk_of(ask, beat)), echo=beat.echo)


def whole(ask: Ask, beats: Iterable[Beat]) -> Steps:
    """The beats as one JSON reply with the same text."""
    said, marks = _parted(beats)
    yield from marks
    text = "".join(each.delta.get("content") or "" for each in said)
    finish = next((each.finish for each in reversed(said) if each.finish), None)
    yield from document(ask, compact(completion(ask, {"content": text}, finish)))


def told(ask: Ask, beats: Iterable[Beat]) -> Steps:
    """The beats in the way that was asked for."""
    return streamed(ask, beats) if ask.stream else whole(ask, beats)


def _parted(beats: Iterable[Beat]) -> tuple[list[Say], list[Reached]]:
    said: list[Say] = []
    marks: list[Reached] = []
    for beat in beats:
        said.append(beat) if isinstance(beat, Say) else marks.append(beat)
    return said, marks


def body_of(steps: Steps) -> bytes:
    """The body that these steps would send, for scenes that send it in another way."""
    return b"".join(step.data for step in steps if isinstance(step, Frame | Bytes))
