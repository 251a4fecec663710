"""One chunk of a stream: what of it is kept, found elsewhere, filled in or left out."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from reelay.shapes import ChunkShaper, endings, whole
from tests.unit.captured import CAPTURED, Payload
from tests.unit.shapes.place import OURS, TOKEN, USAGE, choice_of, chunk_of, whole_of


def test_an_ordinary_chunk_keeps_everything_but_its_id_and_time() -> None:
    assert chunk_of(CAPTURED[0]) == {**CAPTURED[0], "id": OURS.id, "created": OURS.created}


def test_the_payload_is_left_as_it_came() -> None:
    payload = {"choices": [{"message": {"content": "a", "role": None}, "finish_reason": "STOP"}], "usage": {}}
    before = copy.deepcopy(payload)
    ChunkShaper(OURS).shape(payload)
    whole(OURS, payload)
    assert payload == before


def test_a_bare_choice_is_filled_in() -> None:
    assert chunk_of({"choices": [{"delta": {"content": "a"}}]}) == {
        "id": OURS.id,
        "object": "chat.completion.chunk",
        "created": OURS.created,
        "model": "asked-for",
        "choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": None}],
    }


SWAPPED: dict[str, tuple[Payload, Payload]] = {
    "message": ({"message": {"content": "a"}}, {"content": "a"}),
    "message beside an empty delta": ({"message": {"content": "a"}, "delta": {}}, {"content": "a"}),
    "delta before message": ({"message": {"content": "a"}, "delta": {"content": "b"}}, {"content": "b"}),
    "null delta": ({"delta": None}, {}),
    "delta of another type": ({"delta": ["a"]}, {}),
    "nothing": ({}, {}),
}


@pytest.mark.parametrize(("choice", "delta"), SWAPPED.values(), ids=SWAPPED)
def test_a_delta_is_found_under_either_name(choice: Payload, delta: Payload) -> None:
    shaped = choice_of(choice)
    assert shaped["delta"] == delta
    assert "message" not in shaped


@pytest.mark.parametrize(
    ("came", "leaves"),
    [
        ("stop", "stop"),
        ("STOP", "stop"),
        (" Length ", "length"),
        ("TOOL_CALLS", "tool_calls"),
        ("content_filter", "content_filter"),
        ("function_call", "function_call"),
        ("end_turn", "stop"),
        ("", None),
        ("null", None),
        (None, None),
        (1, None),
        ([], None),
    ],
)
def test_a_finish_reason_leaves_in_openai_words(came: Any, leaves: str | None) -> None:
    choice = {"delta": {"content": "a"}, "finish_reason": came}
    assert choice_of(choice)["finish_reason"] == leaves
    assert whole_of({"choices": [choice]})["choices"][0]["finish_reason"] == (leaves or "stop")
    assert endings({"choices": [{}, choice]}) == {0: False, 1: leaves is not None}


@pytest.mark.parametrize(
    "payload", [{}, {"choices": None}, {"choices": 7}, {"choices": []}, {"choices": [None, "stop"]}]
)
def test_no_choice_has_no_finish(payload: Payload) -> None:
    assert not any(endings(payload).values())


@pytest.mark.parametrize("payload", [{}, {"choices": None}, {"id": "x", "object": "y", "usage": None, "a": None}])
def test_a_payload_that_says_nothing_leaves_no_chunk(payload: Payload) -> None:
    assert ChunkShaper(OURS).shape(payload) is None


@pytest.mark.parametrize("payload", [{"choices": []}, {"choices": [], "usage": USAGE}, {"usage": USAGE}, {"ping": 1}])
def test_a_payload_without_choices_that_says_something_leaves_with_none(payload: Payload) -> None:
    chunk = chunk_of(payload)
    assert chunk["choices"] == []
    assert {name: chunk[name] for name in payload} == payload


def test_choices_are_told_apart_by_index_and_by_place_where_they_have_none() -> None:
    choices = chunk_of({"choices": [{"index": 3}, {"index": -1}, None, {"index": True}, {"index": 4.0}]})["choices"]
    assert [choice["index"] for choice in choices] == [3, 1, 2, 4]
    assert chunk_of({"choices": {"delta": {"content": "alone"}}})["choices"][0]["delta"] == {"content": "alone"}


def test_unknown_fields_pass_at_every_level() -> None:
    call = {"index": 0, "id": "c", "x": 1, "function": {"name": "f", "arguments": "", "x": [None]}}
    choice = {
        "index": 0,
        "delta": {"content": "a", "x": {"y": None}, "tool_calls": [call]},
        "finish_reason": None,
        "x": [1],
        "logprobs": {"content": [{**TOKEN, "x": 1}], "refusal": None, "x": 1},
    }
    payload = {"choices": [choice], "x": None, "y": "z", "usage": {**USAGE, "x": 1, "prompt_tokens_details": {"x": 1}}}
    chunk = chunk_of(payload)
    assert {name: chunk[name] for name in payload} == payload
    message = {"role": "assistant", "content": "a", "refusal": None, "x": 1}
    completion = {
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None, "x": 1}],
        "x": 1,
    }
    left = whole_of(completion)
    assert {name: left[name] for name in completion} == completion


@pytest.mark.parametrize(("model", "leaves"), [("sora-2", "sora-2"), ("", "asked-for"), (7, "asked-for")])
def test_the_model_is_the_one_the_upstream_names_or_the_one_asked_for(model: Any, leaves: str) -> None:
    assert chunk_of({"choices": [], "model": model})["model"] == leaves
    assert whole_of({"choices": [], "model": model})["model"] == leaves
