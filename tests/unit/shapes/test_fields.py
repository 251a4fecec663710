"""Each field of OpenAI's types, put right or left out by itself."""

from __future__ import annotations

import pytest

from tests.unit.captured import Payload
from tests.unit.shapes.place import TOKEN, USAGE, choice_of, chunk_of, delta_of, message_of, whole_of

DELTAS: dict[str, tuple[Payload, Payload]] = {
    "null content": ({"content": None}, {"content": None}),
    "parts": ({"content": [{"type": "text", "text": "a"}, "b", {"type": "image"}, 7]}, {"content": "ab"}),
    "content that is no text": ({"content": 7}, {}),
    "another role": ({"role": "MODEL"}, {"role": "assistant"}),
    "null role": ({"role": None}, {}),
    "refusal": ({"refusal": "no"}, {"refusal": "no"}),
    "refusal that is no text": ({"refusal": {}}, {}),
    "reasoning": ({"reasoning_content": "a"}, {"reasoning_content": "a"}),
    "null reasoning": ({"reasoning_content": None}, {"reasoning_content": None}),
    "reasoning that is no text": ({"reasoning_content": ["a"]}, {}),
    "null calls": ({"tool_calls": None, "function_call": None, "audio": None}, {}),
    "no calls": ({"tool_calls": [None, 7]}, {}),
    "a call without index": (
        {"tool_calls": [{"id": "c", "type": "FUNCTION", "function": {"name": "f", "arguments": {"a": 1}}}]},
        {
            "tool_calls": [
                {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
            ]
        },
    ),
    "a call with wrong types": (
        {"tool_calls": [{"index": 2, "id": 7, "type": "other", "function": "f"}]},
        {"tool_calls": [{"index": 2}]},
    ),
    "a function call": ({"function_call": {"name": 7, "arguments": "{"}}, {"function_call": {"arguments": "{"}}),
    "audio": ({"audio": {"id": "a", "data": 7, "expires_at": 8.0}}, {"audio": {"id": "a", "expires_at": 8}}),
}


@pytest.mark.parametrize(("came", "leaves"), DELTAS.values(), ids=DELTAS)
def test_a_delta_is_put_right_or_left_out_field_by_field(came: Payload, leaves: Payload) -> None:
    assert delta_of(came) == leaves


MODERATED = {
    "type": "moderation_result",
    "model": "m",
    "flagged": False,
    "categories": {"a": True},
    "category_scores": {"a": 0.5},
    "category_applied_input_types": {"a": ["text"]},
}
MODERATION = {
    "input": {"type": "error", "code": "c", "message": "m"},
    "output": {"type": "moderation_results", "model": "m", "results": [MODERATED]},
}
REPLIES: dict[str, tuple[Payload, Payload]] = {
    "usage": ({"usage": USAGE}, {"usage": USAGE}),
    "usage without its total": (
        {"usage": {"prompt_tokens": 1, "completion_tokens": 2.0}},
        {"usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}},
    ),
    "usage that cannot be made up": ({"usage": {"total_tokens": 3, "prompt_tokens": "1"}}, {}),
    "usage of another type": ({"usage": [USAGE]}, {}),
    "usage details": (
        {"usage": {**USAGE, "completion_tokens_details": {"reasoning_tokens": -1, "audio_tokens": 2}}},
        {"usage": {**USAGE, "completion_tokens_details": {"audio_tokens": 2}}},
    ),
    "service tier": ({"service_tier": "Default"}, {"service_tier": "default"}),
    "service tier of their own": ({"service_tier": "gold"}, {}),
    "fingerprint": ({"system_fingerprint": "fp"}, {"system_fingerprint": "fp"}),
    "null fingerprint": ({"system_fingerprint": None}, {}),
    "moderation": ({"moderation": MODERATION}, {"moderation": MODERATION}),
    "half a moderation": ({"moderation": {"input": MODERATION["input"]}}, {}),
}


@pytest.mark.parametrize(("came", "leaves"), REPLIES.values(), ids=REPLIES)
def test_a_reply_is_put_right_or_left_out_field_by_field(came: Payload, leaves: Payload) -> None:
    for reply in (chunk_of({"choices": [], **came}), whole_of({"choices": [], **came})):
        assert {name: reply[name] for name in reply.keys() - {"id", "object", "created", "model", "choices"}} == leaves


def test_log_probabilities_are_checked_token_by_token() -> None:
    shaped = choice_of({"logprobs": {"content": [TOKEN, {"token": "b"}, {**TOKEN, "logprob": float("nan")}, 7]}})
    assert shaped["logprobs"] == {"content": [TOKEN], "refusal": None}
    assert "logprobs" not in choice_of({"logprobs": {"content": "a"}})


MESSAGES: dict[str, tuple[Payload, Payload]] = {
    "calls": (
        {
            "tool_calls": [
                {"index": 0, "function": {"name": "f", "arguments": {"a": 1}}},
                {"id": "c", "type": "custom", "custom": {"name": "g", "input": "x"}},
                {"id": "d", "type": "function", "function": {"name": "h"}},
                {"id": "e", "type": "function", "function": {"arguments": "{}"}},
                {"id": "f", "type": "custom", "custom": {"name": "g"}},
            ]
        },
        {
            "tool_calls": [
                {"id": "call_0", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
                {"id": "c", "type": "custom", "custom": {"name": "g", "input": "x"}},
                {"id": "d", "type": "function", "function": {"name": "h", "arguments": ""}},
            ]
        },
    ),
    "half a function call": ({"function_call": {"name": "f"}}, {}),
    "half an audio": ({"audio": {"id": "a", "data": "AA=="}}, {}),
    "annotations": (
        {
            "annotations": [
                {"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 1, "title": "t", "url": "u"}},
                {"type": "url_citation", "url_citation": {"url": "u"}},
                {"type": "other"},
            ]
        },
        {
            "annotations": [
                {"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 1, "title": "t", "url": "u"}}
            ]
        },
    ),
}


@pytest.mark.parametrize(("came", "leaves"), MESSAGES.values(), ids=MESSAGES)
def test_a_message_is_put_right_or_left_out_field_by_field(came: Payload, leaves: Payload) -> None:
    assert message_of(came) == {"role": "assistant", "content": None, "refusal": None, **leaves}
