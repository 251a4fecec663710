"""What a caller hears while the upstream is silent, and how long anybody waits for it."""

from __future__ import annotations

import json

import pytest

from reelay.errors import UpstreamSilent
from reelay.model import Data, End, Failed
from tests.fakes import Silence
from tests.unit.relay.place import DONE, HEAD, House, chunk


def test_silence_is_filled_with_a_comment_after_20_seconds_and_then_every_15() -> None:
    house = House(HEAD, chunk("a"), Silence(51), chunk("b", "stop"), DONE, End())
    pieces = house.said()
    assert [piece for piece in pieces if piece.startswith(b":")] == [b": waiting\n\n"] * 3
    assert pieces[1:4] == [b": waiting\n\n"] * 3
    assert pieces[-1] == b"data: [DONE]\n\n"


def test_an_upstream_that_only_pings_does_not_leave_the_caller_in_silence() -> None:
    pings = [each for _ in range(7) for each in (Silence(10), Data(b": ping\n\n"))]
    house = House(HEAD, chunk("a"), *pings, chunk("b", "stop"), DONE, End())
    assert house.said().count(b": waiting\n\n") == 4


def test_a_whole_answer_is_kept_alive_with_spaces_and_stays_one_json_document() -> None:
    reply = {"id": "up-1", "choices": [{"message": {"content": "hi"}}]}
    house = House(Silence(36), HEAD, Data(json.dumps(reply).encode()), End(), stream=False)
    pieces = house.said()
    assert pieces[:-1] == [b" ", b" "]
    assert json.loads(b"".join(pieces))["choices"][0]["message"]["content"] == "hi"


def test_a_buffered_door_says_nothing_before_the_answer_is_known() -> None:
    error = UpstreamSilent("nothing came", charged=True)
    with pytest.raises(UpstreamSilent):
        House(Silence(200), Failed(error)).create(live=False)
    assert House(Silence(200), HEAD, chunk("a", "stop"), DONE, End()).said(live=False)[-1] == b"data: [DONE]\n\n"


def test_nothing_after_done_is_waited_for() -> None:
    house = House(
        HEAD, chunk("hi", "stop"), DONE, Silence(600), Data(b'data: {"error": {"message": "late"}}\n\n'), End()
    )
    assert house.said()[-1] == b"data: [DONE]\n\n"
    assert house.clock.monotonic() < 1
    assert house.exchange.closed
