"""Replies that come whole, as a completion or as the chunks of one."""

from __future__ import annotations

from reelay.shapes import as_chunks
from tests.unit.captured import CREATED, V5
from tests.unit.shapes.place import OURS, USAGE, chunk_of, conforms, whole_of


def test_the_documented_reply_gets_what_it_misses() -> None:
    documented = {
        "id": "chatcmpl-123",
        "object": "chat.completion",
        "created": 1677652288,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "\n\nHello there, how may I assist you today?"},
                "finish_reason": "stop",
            }
        ],
        "usage": USAGE,
    }
    completion = whole_of(documented)
    assert completion == {
        **documented,
        "id": OURS.id,
        "created": OURS.created,
        "model": "asked-for",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "\n\nHello there, how may I assist you today?",
                    "refusal": None,
                },
                "finish_reason": "stop",
                "logprobs": None,
            }
        ],
    }


def test_a_whole_reply_labelled_delta_becomes_a_message() -> None:
    assert V5["created"] == CREATED != OURS.created
    choice = whole_of(V5)["choices"][0]
    assert choice["message"]["content"].endswith("查看视频~~~")
    assert choice["finish_reason"] == "stop"
    assert "delta" not in choice


def test_a_completion_keeps_metadata_and_leaves_padding_to_chunks() -> None:
    completion = whole_of({"choices": [], "metadata": {"a": "b", "c": 7}, "obfuscation": "xyz"})
    assert completion["metadata"] == {"a": "b"}
    assert chunk_of({"choices": [], "obfuscation": "xyz"})["obfuscation"] == "xyz"
    assert "obfuscation" not in completion


def test_a_whole_completion_leaves_as_chunks_for_who_asked_for_a_stream() -> None:
    message = {"role": "assistant", "content": "hi", "refusal": None}
    choices = [{"index": at, "message": message, "finish_reason": "length", "logprobs": None} for at in (0, 1)]
    completion = whole_of({"model": "m", "choices": choices, "usage": USAGE, "system_fingerprint": "fp", "x": 1})
    chunks = as_chunks(completion)
    for chunk in chunks:
        conforms(chunk)
    assert [chunk["choices"][0] for chunk in chunks] == [
        {"index": 0, "delta": message, "finish_reason": None},
        {"index": 1, "delta": message, "finish_reason": None},
        {"index": 0, "delta": {}, "finish_reason": "length"},
        {"index": 1, "delta": {}, "finish_reason": "length"},
    ]
    assert [("x" in chunk, "usage" in chunk, chunk["model"], chunk["system_fingerprint"]) for chunk in chunks] == [
        (True, False, "m", "fp"),
        (False, False, "m", "fp"),
        (False, False, "m", "fp"),
        (False, True, "m", "fp"),
    ]


def test_a_completion_without_choices_leaves_as_one_chunk() -> None:
    chunks = as_chunks(whole_of({"choices": [], "usage": USAGE}))
    assert [(chunk["choices"], chunk["usage"]) for chunk in chunks] == [([], USAGE)]
    conforms(chunks[0])
