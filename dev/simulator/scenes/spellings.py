"""The same stream spelled in every way the event stream format allows, and in some that it does not.

What is said stays the captured answer, so whoever reads it right ends with the same text. With stream false these
answer as sora-2 does, split-bytes and unknown-fields in their own way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from dev.simulator.ask import Ask
from dev.simulator.scenes import captured
from dev.simulator.scenes.scene import Scene
from dev.simulator.steps import Frame, Head, Reached, Steps
from dev.simulator.telling import (
    DONE,
    Say,
    body_of,
    chunk,
    compact,
    document,
    event,
    say,
    streamed,
    told,
    usage,
    whole,
)

_TASK = Reached("queued")


def _spelled(how: Callable[[bytes], bytes]) -> Callable[[Ask], Steps]:
    """Every frame respelled."""

    def play(ask: Ask) -> Steps:
        for step in told(ask, captured.beats(ask)):
            yield replace(step, data=how(step.data)) if ask.stream and isinstance(step, Frame) else step

    return play


def _bom(ask: Ask) -> Steps:
    first = b"\xef\xbb\xbf"
    for step in told(ask, captured.beats(ask)):
        if ask.stream and isinstance(step, Frame):
            yield replace(step, data=first + step.data)
            first = b""
        else:
            yield step


def _multiline(frame: bytes) -> bytes:
    """Each event's JSON over several data lines, which a reader joins with line feeds."""
    if frame == DONE:
        return frame
    text = json.dumps(json.loads(frame.removeprefix(b"data: ")), ensure_ascii=False, indent=1)
    return "".join(f"data: {line}\n" for line in text.split("\n")).encode() + b"\n"


def _split(ask: Ask) -> Steps:
    for step in told(ask, captured.beats(ask)):
        yield replace(step, write=1) if isinstance(step, Frame) else step


def _comments(ask: Ask) -> Steps:
    for step in told(ask, captured.beats(ask)):
        yield step
        if ask.stream and isinstance(step, Frame):
            yield Frame(b": ping\n\n")


def _with(
    *,
    first: Callable[[Ask], bytes] | None = None,
    middle: Callable[[Ask], bytes] | None = None,
    before_done: Callable[[Ask], bytes] | None = None,
    last: Callable[[Ask], bytes] | None = None,
) -> Callable[[Ask], Steps]:
    """One more frame: before all others, before the task id, before `[DONE]`, or after it."""

    def play(ask: Ask) -> Steps:
        if not ask.stream:
            yield from told(ask, captured.beats(ask))
            return
        for step in streamed(ask, captured.beats(ask)):
            if middle and step == _TASK:
                yield Frame(middle(ask))
            if before_done and step == Frame(DONE):
                yield Frame(before_done(ask))
            yield step
            if first and isinstance(step, Head):
                yield Frame(first(ask))
        if last:
            yield Frame(last(ask))

    return play


def _choices_empty(ask: Ask) -> bytes:
    filters = [{"prompt_index": 0, "content_filter_results": {}}]
    return event(chunk(ask, captured.FIRST) | {"choices": [], "prompt_filter_results": filters})


def _usage_only(ask: Ask) -> bytes:
    return event(chunk(ask, captured.LAST) | {"choices": [], "usage": usage(ask, "")})


def _null_delta(ask: Ask) -> bytes:
    return event(chunk(ask, Say({})) | {"choices": [{"index": 0, "delta": None, "finish_reason": None}]})


def _after_done(ask: Ask) -> bytes:
    return event(chunk(ask, say("[晚了](https://late.example/after-done.mp4)")))


def _unknown_fields(ask: Ask) -> Steps:
    if ask.stream:
        return streamed(ask, captured.beats(ask), _more)
    reply = json.loads(body_of(whole(ask, captured.beats(ask))))
    return document(ask, compact(reply | _UNKNOWN))


def _more(ask: Ask, said: Say) -> Mapping[str, Any]:
    delta = {**said.delta, "vendor_note": "说明"}
    choice = {"index": 0, "delta": delta, "finish_reason": said.finish, "vendor_rank": 0.5}
    return chunk(ask, said) | _UNKNOWN | {"choices": [choice]}


_UNKNOWN = {"vendor_trace": {"hop": [1, None, True]}, "provider": "v98"}

SCENES = {
    "sim-crlf": Scene("line ends CRLF", _spelled(lambda data: data.replace(b"\n", b"\r\n"))),
    "sim-cr": Scene("line ends CR", _spelled(lambda data: data.replace(b"\n", b"\r"))),
    "sim-bom": Scene("a byte order mark before the first event", _bom),
    "sim-no-space": Scene("data: without a space", _spelled(lambda data: data.replace(b"data: ", b"data:", 1))),
    "sim-multiline-data": Scene("each event over several data lines", _spelled(_multiline)),
    "sim-split-bytes": Scene("one byte to a chunk and a write: emoji come in four", _split),
    "sim-comments": Scene("a comment (: ping) after each frame", _comments),
    "sim-malformed-event": Scene("one event that is not JSON", _with(middle=lambda _: b'data: {"id":"chatcmpl-\n\n')),
    "sim-two-done": Scene("[DONE] twice", _with(last=lambda _: DONE)),
    "sim-data-after-done": Scene("a chunk with another video link after [DONE]", _with(last=_after_done)),
    "sim-choices-empty": Scene("first a chunk with choices []", _with(first=_choices_empty)),
    "sim-usage-only": Scene("last a chunk with usage and choices []", _with(before_done=_usage_only)),
    "sim-null-delta": Scene("a chunk whose delta is null", _with(middle=_null_delta)),
    "sim-unknown-fields": Scene("fields nobody documents, on every level", _unknown_fields),
}
