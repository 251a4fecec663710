"""The other shapes in which a good answer comes: V2 to V8, and whole where a stream is due or the reverse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from dev.simulator import names
from dev.simulator.ask import Ask
from dev.simulator.scenes import captured
from dev.simulator.scenes.captured import FIRST, LAST
from dev.simulator.scenes.scene import Scene
from dev.simulator.steps import Frame, Framing, Head, Reached, Steps
from dev.simulator.telling import (
    DONE,
    Beat,
    Say,
    chunk,
    compact,
    completion,
    document,
    frames,
    say,
    streamed,
    told,
    usage,
    whole,
)

_FOOTER = '\n\n<p align="center"><small>视频由 AI 生成 · 链接 24 小时内有效</small></p>'


def _v2_beats(ask: Ask) -> Iterator[Beat]:
    yield from captured.opening(ask, duration=15)
    yield from captured.waiting(ask)
    yield Reached("in_progress", 50)
    yield say("\n\n>🏃 进度 50..")
    yield Reached("completed", 100)
    yield say(captured.finish(ask, ask.link(), ask.link("webp")) + _FOOTER)
    yield LAST


def _v4_beats(ask: Ask) -> Iterator[Beat]:
    yield FIRST
    yield Reached("queued")
    yield say("⌛️ 任务正在队列中，请耐心等待...\n\n")
    for percent in (9, 36, 74):
        yield Reached("in_progress", percent)
        yield say(f"🏃 进度：{percent}.0%\n\n")
    yield Reached("completed", 100)
    yield say(f"✅ 视频生成成功，[点击这里]({ask.link()}) 查看视频~~~\n\n")
    yield LAST


def _v5(ask: Ask) -> Steps:
    said = _text(ask)
    reply = completion(ask, {}, finish=None)
    reply["choices"] = [{"index": 0, "delta": {"role": "assistant", "content": said}, "finish_reason": None}]
    return document(ask, compact(reply))


def _v7(ask: Ask) -> Steps:
    return streamed(ask, _v7_beats(ask), _NumberedChunks(ask)) if ask.stream else whole(ask, _v7_beats(ask))


def _v7_beats(ask: Ask) -> Iterator[Beat]:
    yield Say({"role": "assistant", "content": None, "reasoning_content": "**Video Generation Process Started**\n"})
    for percent in (0, 40, 80):
        yield Reached("in_progress", percent)
        progress = f"**Video Generation Progress**: {percent}% (processing)\n"
        yield Say({"content": None, "reasoning_content": progress})
    yield Reached("completed", 100)
    yield say(f"```html\n<video src='{ask.link()}' controls></video>\n```")
    yield Say({"content": None}, finish="STOP")


class _NumberedChunks:
    """A new id in each chunk, and usage on every one."""

    def __init__(self, ask: Ask) -> None:
        self._number = 0
        self._usage = usage(ask, "")

    def __call__(self, ask: Ask, said: Say) -> dict[str, Any]:
        self._number += 1
        return chunk(ask, said, usage=self._usage) | {"id": f"chatcmpl-{names.digest(ask.seed, self._number)[:29]}"}


def _v8(ask: Ask) -> Steps:
    link = ask.link()
    query = names.signed_query(urlsplit(link).path, ask.now, ask.now + ask.link_seconds)
    return told(ask, captured.beats(ask, video=f"{link}?{query}"))


def _text(ask: Ask) -> str:
    return "".join(beat.delta.get("content", "") for beat in captured.beats(ask) if isinstance(beat, Say))


def _message_for_delta(ask: Ask) -> Steps:
    def renamed(ask: Ask, said: Say) -> dict[str, Any]:
        return chunk(ask, said) | {"choices": [{"index": 0, "message": said.delta, "finish_reason": said.finish}]}

    return streamed(ask, captured.beats(ask), renamed)


def _delta_for_message(ask: Ask) -> Steps:
    text = _text(ask)
    reply = completion(ask, {"content": text})
    choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return document(ask, compact(reply | {"choices": [choice]}))


def _stream_called_json(ask: Ask) -> Steps:
    fields = (("Content-Type", "application/json"), ("X-Oneapi-Request-Id", ask.request_id))
    yield Head(200, fields, Framing.CHUNKED)
    yield from frames(ask, captured.beats(ask))
    yield Frame(DONE)


SCENES = {
    "sora-2": Scene(
        "the captured stream, all nine steps; whole with stream false", lambda a: told(a, captured.beats(a))
    ),
    "sim-v2": Scene("V2: duration in the echo, an HTML footer after the link", lambda a: told(a, _v2_beats(a))),
    "sim-v4": Scene("V4: percent signs, [点击这里](link)", lambda a: told(a, _v4_beats(a))),
    "sim-v5": Scene("V5: one JSON object whose choice has a delta, finish_reason null", _v5),
    "sim-v7": Scene("V7: progress in reasoning_content, <video>, STOP, a new id and usage in each chunk", _v7),
    "sim-v8": Scene("V8: the video link is signed (st, se, sig with %2F) and expires", _v8),
    "sim-whole-for-stream": Scene("a whole JSON reply to a stream request", lambda a: whole(a, captured.beats(a))),
    "sim-sse-for-whole": Scene("a stream whatever was asked for", lambda a: streamed(a, captured.beats(a))),
    "sim-sse-called-json": Scene("a stream labelled application/json", _stream_called_json),
    "sim-message-for-delta": Scene("a stream whose choices hold message instead of delta", _message_for_delta),
    "sim-delta-for-message": Scene("a whole reply whose choice holds delta instead of message", _delta_for_message),
}
