"""What an upstream may say beside the answer itself, through the door: odd events, and comments for ten minutes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import chain
from typing import Any

import pytest

from reelay.model import Data, End, Phase
from tests.e2e.local_house import Pieces
from tests.fakes import Silence
from tests.security.test_cuts import BRIEF, HEAD, STREAM, AtTheDoor

MINUTES = 10
PING = b": ping\n\n"


def event(payload: Any) -> bytes:
    return b"data: " + (payload if isinstance(payload, bytes) else json.dumps(payload).encode()) + b"\n\n"


def like(**choice: Any) -> dict[str, Any]:
    """A chunk of the stream with another choice."""
    return {**BRIEF[1], "choices": [{"index": 0, **choice}]}


ODD: Mapping[str, tuple[bytes, bytes]] = {
    "malformed": (event(b'{"choices": [{'), b""),
    "no object": (event([1]) + event(b"NaN"), b""),
    "two DONE": (b"", event(b"[DONE]")),
    "data behind DONE": (b"", event(like(delta={"content": "https://evil.example/late.mp4"}))),
    "an error behind DONE": (b"", event({"error": {"message": "too late", "code": "x"}})),
    "empty choices": (event({**BRIEF[1], "choices": []}), b""),
    "unknown fields": (event({**like(delta={}, from_the="future"), "deep": {"er": [1]}}), b""),
    "null delta": (event(like(delta=None, finish_reason=None)), b""),
}
"""What comes in the middle of the stream, and what comes behind its end."""


@pytest.mark.case("odd-events")
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("oddity", ODD)
def test_an_odd_event_changes_nothing_of_what_is_said_and_the_first_done_counts(oddity: str, stream: bool) -> None:
    inside, behind = ODD[oddity]
    middle = STREAM.index(b"data: ", len(STREAM) // 2)
    plain = AtTheDoor(HEAD, Data(STREAM), End(), stream=stream)
    odd = AtTheDoor(HEAD, Data(STREAM[:middle] + inside + STREAM[middle:] + behind), End(), stream=stream)
    reply, expected = odd.serve(), plain.serve()
    assert reply.content == expected.content
    assert (odd.record.phase, odd.posts) == (Phase.COMPLETED, 1)
    assert reply.body.count(b"[DONE]") == expected.body.count(b"[DONE]") == stream
    assert b"late" not in reply.body


@pytest.mark.case("long-comments")
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_comments_each_second_for_ten_minutes_cost_neither_the_answer_nor_a_write_each(stream: bool) -> None:
    seconds = MINUTES * 60
    middle = STREAM.index(b"data: ", STREAM.index(b"task_"))
    pings = chain.from_iterable((Silence(1), Data(PING)) for _ in range(seconds))
    door = AtTheDoor(HEAD, Data(STREAM[:middle]), *pings, Data(STREAM[middle:]), End(), stream=stream)
    pieces = Pieces()
    reply = door.serve(pieces)
    assert reply.content == AtTheDoor(HEAD, Data(STREAM), End(), stream=stream).serve().content
    assert (door.record.phase, door.posts) == (Phase.COMPLETED, 1)
    assert door.fakes.store.transcripts[door.record.id] == STREAM[:middle] + PING * seconds + STREAM[middle:]
    assert door.record.rev < MINUTES, "comments are no progress"
    assert door.record.lease > door.fakes.clock.now()
    waiting = [piece for piece in pieces.sent if piece in (b": waiting\n\n", b" ")]
    assert seconds // 20 <= len(waiting) <= seconds // 15, "the caller hears ours"
