"""When an answer is whole, however it was cut, framed or told in several choices."""

from __future__ import annotations

import json

import pytest

from reelay.errors import UpstreamBroken
from reelay.model import Data, End, Failed, Phase
from tests.unit.relay.place import DONE, HEAD, House, chunk


def test_a_whole_document_is_whole_though_its_framing_broke() -> None:
    reply = {"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}
    broken = Failed(UpstreamBroken("cut", charged=True))
    house = House(HEAD, Data(json.dumps(reply).encode()), broken, stream=False)
    assert json.loads(house.said()[-1])["choices"][0]["message"]["content"] == "hi"
    without_end = {"choices": [{"message": {"content": "hi"}}]}
    with pytest.raises(UpstreamBroken):
        House(HEAD, Data(json.dumps(without_end).encode()), broken, stream=False).create()


def test_the_last_event_counts_though_its_blank_line_was_cut() -> None:
    last = Data(chunk("hi", "stop").data.rstrip(b"\n"))
    house = House(HEAD, last, Failed(UpstreamBroken("reset", charged=True)))
    assert house.said()[-1] == b"data: [DONE]\n\n"
    assert house.record.phase is Phase.COMPLETED


def test_an_error_after_the_end_takes_nothing_from_the_answer() -> None:
    house = House(HEAD, chunk("hi", "stop"), Data(b'data: {"error": {"message": "late"}}\n\n'), End())
    assert house.said()[-1] == b"data: [DONE]\n\n"
    assert house.record.phase is Phase.COMPLETED


def test_one_choice_that_ended_does_not_end_the_others() -> None:
    both = [{"index": n, "delta": {"content": "a"}, "finish_reason": "stop" if n == 0 else None} for n in (0, 1)]
    house = House(HEAD, Data(b"data: " + json.dumps({"choices": both}).encode() + b"\n\n"), End(), n=2)
    house.said()
    assert house.record.phase is Phase.UNKNOWN


def test_done_after_nothing_is_no_answer() -> None:
    with pytest.raises(UpstreamBroken):
        House(HEAD, DONE, End()).create()


def test_pings_before_a_document_are_passed_over() -> None:
    reply = {"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}
    house = House(HEAD, Data(b": ping\n\n: pi"), Data(b"ng\n\n" + json.dumps(reply).encode()), End(), stream=False)
    assert json.loads(house.said()[-1])["choices"][0]["message"]["content"] == "hi"
