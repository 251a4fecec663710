"""Answers that are too much: endless, inflating, in one line, in ten thousand chunks. Streams whatever was asked."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Iterator

from dev.simulator.ask import Ask
from dev.simulator.scenes import captured
from dev.simulator.scenes.captured import FIRST, LAST
from dev.simulator.scenes.scene import Scene
from dev.simulator.steps import Frame, Pause, Reached, Steps
from dev.simulator.telling import Beat, frames, say, stream_head, streamed

DRIP_SECONDS = 0.05
LONG_LINE_BYTES = 8 * 2**20
MANY_CHUNKS = 10_000
BOMB_BYTES = 2**30
"""What the gzip bomb inflates to; on the wire it is 1/1000 of that."""

_BOMB_MEMBER_BYTES = 16 * 2**20
_WRITE_BYTES = 64 * 1024
_FLOOD_CHARACTERS = 1024


def _drip(ask: Ask) -> Steps:
    yield stream_head(ask)
    yield from frames(ask, _opening(ask))
    while True:
        yield Pause(DRIP_SECONDS)
        yield from frames(ask, [say(".")])


def _flood(ask: Ask) -> Steps:
    yield stream_head(ask)
    yield from frames(ask, _opening(ask))
    yield from frames(ask, itertools.repeat(say("." * _FLOOD_CHARACTERS)))


def _opening(ask: Ask) -> Iterator[Beat]:
    yield from captured.opening(ask)
    yield from captured.waiting(ask)


def _bomb(ask: Ask) -> Steps:
    """gzip allows several members in a row (RFC 1952 section 2.2), so one is made and repeated."""
    yield stream_head(ask, more={"Content-Encoding": "gzip"})
    member = gzip.compress(bytes(_BOMB_MEMBER_BYTES))
    yield from itertools.repeat(Frame(member), BOMB_BYTES // _BOMB_MEMBER_BYTES)


def _long_line(ask: Ask) -> Steps:
    beats = [FIRST, say("." * LONG_LINE_BYTES), *_ending(ask)]
    for step in streamed(ask, beats):
        yield Frame(step.data, write=_WRITE_BYTES) if isinstance(step, Frame) else step


def _many(ask: Ask) -> Iterator[Beat]:
    yield from _opening(ask)
    yield from itertools.repeat(say("."), MANY_CHUNKS)
    yield from _ending(ask)


def _ending(ask: Ask) -> Iterator[Beat]:
    yield Reached("completed", 100)
    yield say(captured.finish(ask, ask.link(), ask.link("webp")))
    yield LAST


SCENES = {
    "sim-endless-drip": Scene(f"a dot every {DRIP_SECONDS} s, for ever", _drip),
    "sim-endless-flood": Scene("chunks of 1024 dots at full speed, for ever", _flood),
    "sim-gzip-bomb": Scene(f"gzip that inflates to {BOMB_BYTES} zeros", _bomb),
    "sim-long-line": Scene(f"one event whose line is {LONG_LINE_BYTES} bytes and more", _long_line),
    "sim-many-chunks": Scene(
        f"{MANY_CHUNKS} chunks of one dot, then the end of sora-2", lambda a: streamed(a, _many(a))
    ),
}
