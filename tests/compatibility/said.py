"""All that OpenAI's types have a field for, as an upstream says it whole and in pieces, and how to find it again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import openai

from tests.integration.fault_server import Script, http, replies

TOKEN = {"token": "Hi", "bytes": [72, 105], "logprob": -0.25, "top_logprobs": []}
LIKELIEST = {"token": "Ho", "bytes": [72, 111], "logprob": -1.5}
LOGPROBS = {"content": [TOKEN | {"top_logprobs": [LIKELIEST]}], "refusal": [TOKEN | {"top_logprobs": [LIKELIEST]}]}
VERDICT = {
    "type": "moderation_result",
    "model": "omni-moderation-1",
    "flagged": True,
    "categories": {"violence": True},
    "category_scores": {"violence": 0.75},
    "category_applied_input_types": {"violence": ["text", "image"]},
}
JUDGED = {"type": "moderation_results", "model": "omni-moderation", "results": [VERDICT]}
NOT_JUDGED = {"type": "error", "code": "server_error", "message": "It could not be judged."}
USAGE = {
    "prompt_tokens": 9,
    "completion_tokens": 12,
    "total_tokens": 21,
    "prompt_tokens_details": {
        "audio_tokens": 1,
        "cache_write_tokens": 2,
        "cached_tokens": 3,
        "image_tokens": 4,
        "text_tokens": 5,
    },
    "completion_tokens_details": {
        "accepted_prediction_tokens": 1,
        "audio_tokens": 2,
        "reasoning_tokens": 3,
        "rejected_prediction_tokens": 4,
        "text_tokens": 5,
    },
}
CITATION = {"start_index": 0, "end_index": 4, "title": "Dogs", "url": "https://example.com/dogs"}
MESSAGE: dict[str, Any] = {
    "role": "assistant",
    "content": "Woof.",
    "refusal": "No cats.",
    "annotations": [{"type": "url_citation", "url_citation": CITATION}],
    "audio": {"id": "audio_1", "data": "V29vZi4=", "expires_at": 1795510800, "transcript": "Woof."},
    "function_call": {"name": "fetch", "arguments": '{"what":"stick"}'},
    "tool_calls": [
        {"id": "call_a", "type": "function", "function": {"name": "sit", "arguments": '{"where":"here"}'}},
        {"id": "call_b", "type": "custom", "custom": {"name": "dig", "input": "deep"}},
    ],
}
HEAD = {"created": 1677652288, "model": "gpt-dog-1", "service_tier": "flex", "system_fingerprint": "fp_1"}


def completion(moderation: Any) -> dict[str, Any]:
    """Every field of a completion has a value in one of `COMPLETIONS`."""
    choice = {"index": 0, "message": MESSAGE, "logprobs": LOGPROBS, "finish_reason": "tool_calls"}
    own = {"id": "chatcmpl-123", "object": "chat.completion"}
    return {**own, **HEAD, "choices": [choice], "usage": USAGE, "moderation": moderation}


def chunks(moderation: Any) -> list[dict[str, Any]]:
    """The same in pieces."""
    calls = [
        {"index": 0, "id": "call_a", "type": "function", "function": {"name": "sit", "arguments": '{"where"'}},
        {"index": 1, "id": "call_b", "custom": {"name": "dig", "input": "deep"}},
    ]
    begun = {
        **{name: MESSAGE[name] for name in ("role", "refusal", "annotations")},
        "content": "Wo",
        "audio": {"id": "audio_1", "data": "V29v", "transcript": "Wo"},
        "function_call": {"name": "fetch", "arguments": '{"what"'},
        "tool_calls": calls,
    }
    ended = {
        "content": "of.",
        "audio": {"data": "Zi4=", "expires_at": 1795510800, "transcript": "of."},
        "function_call": {"arguments": ':"stick"}'},
        "tool_calls": [{"index": 0, "function": {"arguments": ':"here"}'}}],
    }
    return [
        _chunk([{"index": 0, "delta": begun, "logprobs": LOGPROBS, "finish_reason": None}], obfuscation="xK9"),
        _chunk([{"index": 0, "delta": ended, "finish_reason": None}], obfuscation="q"),
        _chunk([{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]),
        _chunk([], usage=USAGE, moderation=moderation),
    ]


def _chunk(choices: list[Any], **more: Any) -> dict[str, Any]:
    return {"id": "chatcmpl-123", "object": "chat.completion.chunk", **HEAD, "choices": choices, **more}


MODERATIONS = ({"input": JUDGED, "output": NOT_JUDGED}, {"input": NOT_JUDGED, "output": JUDGED})
COMPLETIONS = [completion(moderation) for moderation in MODERATIONS]
STREAMS = [chunks(moderation) for moderation in MODERATIONS]


def whole(document: Any) -> Script:
    """An upstream that answers with one JSON document."""
    return replies(http("200 OK", json.dumps(document).encode(), Content_Type="application/json"))


def streamed(payloads: Iterable[Any]) -> Script:
    """An upstream that answers with a stream."""
    frames = "".join(f"data: {json.dumps(payload)}\n\n" for payload in payloads) + "data: [DONE]\n\n"
    return replies(http("200 OK", frames.encode(), Content_Type="text/event-stream"))


def strict(answer: openai.BaseModel) -> dict[str, Any]:
    """The answer as it was sent. Raises pydantic's ValidationError where it is not all that its type says: the
    client itself takes anything."""
    document = answer.to_dict()
    type(answer).model_validate(document, strict=True)
    return document


def values(document: Any, path: str) -> list[Any]:
    """All that is found at a path of the catalogue, which begins behind a list at each of its items."""
    found = document if isinstance(document, list) else [document]
    for name in path.replace("[]", ".[]").split("."):
        if name == "[]":
            found = [item for each in found for item in each or ()]
        else:
            found = [each[name] for each in found if isinstance(each, dict) and name in each]
    return found


def differences(names: Iterable[str], sent: Any, got: Any) -> dict[str, tuple[list[Any], list[Any]]]:
    """What was sent and what arrived for each name where that is not the same, or where nothing was sent."""
    pairs = {name: (values(sent, name), values(got, name)) for name in names}
    return {name: pair for name, pair in pairs.items() if not pair[0] or pair[0] != pair[1]}
