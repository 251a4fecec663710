"""The captured stream, beat by beat."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

from dev.simulator.ask import Ask
from dev.simulator.steps import Reached
from dev.simulator.telling import Beat, Say, say

FIRST = Say({"role": "assistant", "content": ""})
LAST = Say({}, finish="stop")
_WIDTHS = (2, 1, 2, 2, 1)
"""How many characters of the echo each chunk holds."""

_PROGRESS = ((36, ("\n\n>🏃 进度 36..",)), (44, ("44..",)), (61, ("6", "1..")), (69, ("69..",)), (81, ("81..",)))
"""Each report and the chunks it comes in; one number is split over two."""


def beats(ask: Ask, video: str | None = None, poster: str | None = None) -> Iterator[Beat]:
    """All nine steps; `video` and `poster` are the links at the end, by default fresh ones on this server."""
    yield from opening(ask)
    yield from waiting(ask)
    for percent, texts in _PROGRESS:
        yield Reached("in_progress", percent)
        yield from map(say, texts)
    yield Reached("completed", 100)
    yield say(finish(ask, video or ask.link(), poster or ask.link("webp")))
    yield LAST


def opening(ask: Ask, **more: Any) -> Iterator[Beat]:
    """The role, the echo of the parsed request (with `more` in it), and the empty delta."""
    yield FIRST
    parsed = {"prompt": ask.prompt, "orientation": ask.orientation, **more}
    if ask.earlier_sid:
        parsed["sid"] = ask.earlier_sid
    echo = f"```json\n{json.dumps(parsed, ensure_ascii=False, indent=2)}\n```"
    widths, at = itertools.cycle(_WIDTHS), 0
    while at < len(echo):
        width = next(widths)
        yield say(echo[at : at + width], echo=True)
        at += width
    yield Say({})


def waiting(ask: Ask) -> Iterator[Beat]:
    """The task id, then a dot for each poll while the job is queued and while it has begun."""
    yield Reached("queued")
    task = ask.task_id
    pages = f"[数据预览]({ask.origin}/web/{task}) | [原始数据]({ask.origin}/source/{task})"
    yield say(f"\n\n> ID: `{task}`\n>{pages}\n> 排队中")
    yield from itertools.repeat(say("."), 3)
    yield Reached("in_progress")
    yield say("\n> 生成中")
    yield from itertools.repeat(say("."), 4)


def finish(ask: Ask, video: str, poster: str) -> str:
    """The last words: the id for edits, the poster, the video."""
    return f"\n\n> 生成完成 ✅\n> sid: {ask.sid}\n\n![{poster}]({poster})\n[在线播放▶️]({video})"
