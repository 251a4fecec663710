"""Whole streams: those that were seen, how they end, and the completion that their chunks make."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from reelay.shapes import Assembly, ChunkShaper
from tests.unit.captured import CAPTURED, STREAMS, V7, VIDEO, Payload, content_of
from tests.unit.shapes.place import OURS, TOKEN, USAGE, conforms, relayed


@pytest.mark.parametrize("name", STREAMS)
def test_every_stream_that_was_seen_leaves_conforming_and_with_all_its_text(name: str) -> None:
    chunks, completion = relayed(STREAMS[name])
    choice = completion["choices"][0]
    assert choice["message"]["content"] == content_of(STREAMS[name])
    assert choice["finish_reason"] == "stop"
    assert completion["model"] == "sora-2"
    assert [c["choices"][0]["finish_reason"] for c in chunks].count("stop") == 1


def test_usage_on_every_chunk_and_a_new_id_in_each_leave_one_id_and_the_last_usage() -> None:
    assert len({payload["id"] for payload in V7}) == len(V7)
    chunks, completion = relayed(V7)
    assert {chunk["id"] for chunk in chunks} == {OURS.id}
    assert completion["usage"] == V7[-1]["usage"]
    reasoning = completion["choices"][0]["message"]["reasoning_content"]
    assert reasoning.startswith("**Video Generation Begins**\n**Video Generation Progress**: 8%")


def test_a_chunk_that_names_no_model_has_the_one_named_before() -> None:
    chunks, completion = relayed([{"choices": [{}], "model": "sora-2"}, {"choices": [{}]}])
    assert [chunk["model"] for chunk in chunks] == ["sora-2"] * 3
    assert completion["model"] == "sora-2"


def test_a_stream_that_ended_well_gets_the_finish_reasons_it_did_not_send() -> None:
    shaper = ChunkShaper(OURS)
    shaper.shape({"choices": [{"index": 0, "finish_reason": "length"}, {"index": 1}]})
    shaper.shape({"choices": [{"index": 2}, {"index": 0}]})
    closing = shaper.closing()
    assert [chunk["choices"] for chunk in closing] == [
        [{"index": 1, "delta": {}, "finish_reason": "stop"}],
        [{"index": 2, "delta": {}, "finish_reason": "stop"}],
    ]
    for chunk in closing:
        conforms(chunk)
    assert shaper.closing() == []


def test_a_stream_without_any_choice_ends_with_an_empty_one() -> None:
    chunks, completion = relayed([{"choices": [], "usage": USAGE}])
    assert [[choice["index"] for choice in chunk["choices"]] for chunk in chunks] == [[], [0]]
    assert completion["usage"] == USAGE
    assert completion["choices"][0]["message"] == {"role": "assistant", "content": None, "refusal": None}


def test_nothing_assembled_has_no_completion() -> None:
    with pytest.raises(ValueError, match="at least one chunk"):
        Assembly().completion()
    assert Assembly().content == ""


def test_a_completion_is_put_together_from_its_parts() -> None:
    def part(delta: Payload, **more: Any) -> Payload:
        return {"choices": [{"index": 0, "delta": delta, **more}]}

    calls = [
        {"index": 1, "id": "c1", "type": "function", "function": {"name": "g", "arguments": ""}},
        {"index": 0, "id": "c0", "type": "function", "function": {"name": "f", "arguments": '{"a"'}},
    ]
    _, completion = relayed(
        [
            part({"role": "assistant", "content": None, "tool_calls": calls}),
            part({"tool_calls": [{"index": 0, "id": "", "function": {"name": "", "arguments": ":1"}}]}),
            part({"tool_calls": [{"index": 0, "id": None, "function": {"name": None, "arguments": "}"}}]}),
            part({"refusal": "n"}, logprobs={"content": [TOKEN], "refusal": None}),
            part({"refusal": "o", "mood": "good"}, logprobs={"content": [TOKEN], "refusal": [TOKEN]}),
            part({"function_call": {"name": "h", "arguments": "["}}),
            part({"function_call": {"arguments": "]"}, "mood": "better"}),
            part({"audio": {"id": "a", "data": "AA", "transcript": "x"}}),
            part({"audio": {"data": "==", "transcript": "y", "expires_at": 5}}),
            {**part({}, finish_reason="tool_calls", verdict={"safe": True}), "system_fingerprint": "fp", "x": 1},
            {"choices": [], "usage": USAGE, "service_tier": "default", "obfuscation": "abc", "x": None},
        ]
    )
    assert completion == {
        "id": OURS.id,
        "object": "chat.completion",
        "created": OURS.created,
        "model": "asked-for",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": None,
                    "refusal": "no",
                    "mood": "better",
                    "tool_calls": [
                        {"id": "c0", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
                        {"id": "c1", "type": "function", "function": {"name": "g", "arguments": ""}},
                    ],
                    "function_call": {"name": "h", "arguments": "[]"},
                    "audio": {"id": "a", "data": "AA==", "transcript": "xy", "expires_at": 5},
                },
                "finish_reason": "tool_calls",
                "logprobs": {"content": [TOKEN, TOKEN], "refusal": [TOKEN]},
                "verdict": {"safe": True},
            },
        ],
        "usage": USAGE,
        "service_tier": "default",
        "system_fingerprint": "fp",
        "x": 1,
    }


def test_several_choices_that_come_by_turns_are_kept_apart_and_in_order() -> None:
    _, completion = relayed({"choices": [{"index": at, "delta": {"content": f"{at}"}}]} for at in (1, 0, 1, 2, 0))
    assert [(c["index"], c["message"]["content"]) for c in completion["choices"]] == [(0, "00"), (1, "11"), (2, "2")]


def test_the_content_so_far_is_that_of_the_first_choice() -> None:
    shaper, assembly = ChunkShaper(OURS), Assembly()
    said = ""
    for payload in CAPTURED:
        chunk = shaper.shape(payload)
        assert chunk is not None
        assembly.add(chunk)
        said += payload["choices"][0]["delta"].get("content") or ""
        assert assembly.content == said
    assert assembly.content.endswith(f"({VIDEO})")


def test_an_emoji_in_two_halves_is_whole_in_the_completion() -> None:
    halves = [{"choices": [{"delta": {"content": half}}]} for half in ("a\ud83c", "\udfc3b\ud83c")]
    shaper, assembly = ChunkShaper(OURS), Assembly()
    for payload in halves:
        chunk = shaper.shape(payload)
        assert chunk is not None
        assembly.add(chunk)
    assert assembly.content == "a🏃b\ufffd"
    assert assembly.completion()["choices"][0]["message"]["content"] == "a🏃b\ufffd"


def test_the_chunks_of_a_stream_are_not_changed_by_putting_them_together() -> None:
    chunks, _ = relayed([{"choices": [{"logprobs": {"content": [TOKEN]}, "delta": {"x": [1]}}]}] * 2)
    before = copy.deepcopy(chunks)
    assembly = Assembly()
    for chunk in chunks:
        assembly.add(chunk)
    assembly.completion()
    assert chunks == before
