"""Answers that begin well and tell of a failure: error events, a refusal as text, an end without a link."""

from __future__ import annotations

from collections.abc import Iterator

from dev.simulator.ask import Ask
from dev.simulator.scenes import captured
from dev.simulator.scenes.captured import FIRST, LAST
from dev.simulator.scenes.errors import Refusal
from dev.simulator.scenes.scene import Scene
from dev.simulator.steps import Frame, Reached, Steps
from dev.simulator.telling import DONE, Beat, Say, event, frames, say, stream_head, told

_FAILED = Refusal(500, "视频生成失败，请稍后重试", "video_generation_failed", "new_api_error", None)
_LATE_PERCENT = 90


def _error_at(ask: Ask, mark: Reached | None, *, done: bool = True, late: bool = False) -> Steps:
    """The stream up to `mark` (None: at once), then the error event; a whole reply is the error with its status."""
    if not ask.stream:
        yield Reached("failed")
        yield from _FAILED.play(ask)
        return
    yield stream_head(ask)
    for step in frames(ask, captured.beats(ask)):
        if mark in (None, step):
            break
        yield step
    if late:
        yield from frames(ask, [Reached("in_progress", _LATE_PERCENT), say(f"{_LATE_PERCENT}..")])
    yield Reached("failed")
    yield Frame(event(_FAILED.envelope(ask)))
    if done:
        yield Frame(DONE)


def _refusal() -> Iterator[Beat]:
    yield FIRST
    yield Reached("queued")
    yield Reached("failed")
    yield say("❌ 生成失败: 提示词可能违反内容政策 (content policy violation)，请修改后重试\n")
    yield Say({}, finish="STOP")


def _no_link(ask: Ask) -> Iterator[Beat]:
    yield from captured.opening(ask)
    yield from captured.waiting(ask)
    yield Reached("completed", 100)
    yield say(f"\n\n> 生成完成 ✅\n> sid: {ask.sid}\n")
    yield LAST


_MIDDLE = Reached("in_progress", 36)
_END = Reached("completed", 100)

SCENES = {
    "sim-stream-error": Scene("an error event at 36 %, then [DONE]", lambda a: _error_at(a, _MIDDLE)),
    "sim-stream-error-no-done": Scene("an error event at 36 %, no [DONE]", lambda a: _error_at(a, _MIDDLE, done=False)),
    "sim-stream-error-first": Scene("an error event before anything else", lambda a: _error_at(a, None)),
    "sim-stream-error-late": Scene("an error event after 90 %", lambda a: _error_at(a, _END, late=True)),
    "sim-refusal-text": Scene("a policy refusal as ordinary text, STOP", lambda a: told(a, _refusal())),
    "sim-no-link": Scene("ends well without a link", lambda a: told(a, _no_link(a))),
}
