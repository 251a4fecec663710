"""What leaves conforms, or the contract says where it does not: places and rules, never values."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reelay.contract import Contract
from reelay.errors import Conflict, NotFound, ReelayError, Unauthorized, Unforeseen, UpstreamSilent

ID = "chatcmpl-01kmbq6b80g00000000000000a"
SECRET = "not-to-be-repeated"

CHOICE = {"index": 0, "message": {"role": "assistant", "content": "hi"}, "logprobs": None, "finish_reason": "stop"}
COMPLETION: dict[str, Any] = {
    "id": ID,
    "object": "chat.completion",
    "created": 1677652288,
    "model": "sora-2",
    "choices": [CHOICE],
}
CHUNK: dict[str, Any] = {
    "id": ID,
    "object": "chat.completion.chunk",
    "created": 1677652288,
    "model": "sora-2",
    "choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": None}],
}
MEDIA = {
    "kind": "video",
    "status": "archived",
    "content": "/v1/videos/video_x/content?variant=video",
    "size": 5,
    "sha256": "0" * 64,
    "content_type": "video/mp4",
    "source": "https://example.com/x.mp4",
    "reason": None,
}
HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-store", "x-request-id": "r"}
STREAM = HEADERS | {"Content-Type": "text/event-stream; charset=utf-8", "Content-Location": f"/live/v1/{ID}"}


def faults(
    contract: Contract, body: Any, operation: str = "createChatCompletion", status: int = 200, **headers: str
) -> list[str]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return contract.answer_faults(operation, status, HEADERS | headers, data)


def frames(*data: Any) -> bytes:
    return b"".join(f"data: {each if isinstance(each, str) else json.dumps(each)}\n\n".encode() for each in data)


@pytest.mark.parametrize(
    "completion",
    [
        COMPLETION,
        COMPLETION | {"usage": {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21}},
        COMPLETION | {"usage": None, "system_fingerprint": None, "new": {"of": ["the upstream"]}},
        COMPLETION | {"choices": []},
        COMPLETION | {"choices": [CHOICE | {"message": {"role": "assistant", "content": None, "new": 1}}]},
        COMPLETION | {"metadata": None},
        COMPLETION | {"metadata": {"k": "v"}, "media": [MEDIA, MEDIA | {"sha256": None, "size": None}]},
    ],
)
def test_completions_in_every_shape_conform(contract: Contract, completion: Any) -> None:
    assert faults(contract, completion) == []
    assert faults(contract, completion, "getChatCompletion") == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"id": None}, "id: expected a string"),
        ({"id": ""}, "id: expected at least 1 character"),
        ({"object": SECRET}, 'object: expected "chat.completion"'),
        ({"created": SECRET}, "created: expected an integer"),
        ({"model": None}, "model: expected a string"),
        ({"choices": SECRET}, "choices: expected an array"),
        ({"choices": [CHOICE | {"finish_reason": None}]}, "choices[0].finish_reason: expected a string"),
        (
            {"choices": [CHOICE | {"finish_reason": "STOP"}]},
            (
                'choices[0].finish_reason: expected one of "stop", "length", "tool_calls", "content_filter", '
                '"function_call"'
            ),
        ),
        ({"choices": [{"index": 0, "finish_reason": "stop"}]}, "choices[0].message: required, but missing"),
        ({"choices": [CHOICE | {"message": {"content": SECRET}}]}, "choices[0].message.role: required, but missing"),
        ({"choices": [CHOICE | {"message": {"role": SECRET}}]}, 'choices[0].message.role: expected "assistant"'),
        ({"usage": {"prompt_tokens": 1, "completion_tokens": 1}}, "usage.total_tokens: required, but missing"),
        ({"metadata": {"k": 5}}, "metadata.k: expected a string"),
        ({"media": [MEDIA | {"sha256": SECRET}]}, "media[0].sha256: expected 64 hexadecimal digits"),
    ],
)
def test_a_completion_that_does_not_conform_is_told_by_place_and_rule(
    contract: Contract, change: Any, fault: str
) -> None:
    assert faults(contract, COMPLETION | change) == [fault]


@pytest.mark.parametrize("missing", ["id", "object", "created", "model", "choices"])
def test_a_completion_is_whole(contract: Contract, missing: str) -> None:
    partial = {name: value for name, value in COMPLETION.items() if name != missing}
    assert faults(contract, partial) == [f"{missing}: required, but missing"]


@pytest.mark.parametrize(
    "chunk",
    [
        CHUNK,
        CHUNK | {"choices": []},
        CHUNK | {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}},
        CHUNK | {"usage": None, "error": None},
        CHUNK | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        CHUNK | {"choices": [{"index": 0, "delta": {"role": None, "content": None, "tool_calls": None}}]},
        CHUNK | {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": "{"}}]}}]},
        CHUNK | {"choices": [{"index": 0, "delta": {"reasoning_content": "r"}, "new": 1}]},
        {"error": {"message": "m", "type": "t", "param": None, "code": None}},
    ],
)
def test_chunks_and_error_frames_conform(contract: Contract, chunk: Any) -> None:
    assert contract.chunk_faults(chunk) == []


@pytest.mark.parametrize(
    ("chunk", "fault"),
    [
        ({}, "id: required, but missing"),
        (CHUNK | {"object": "chat.completion"}, 'object: expected "chat.completion.chunk"'),
        (CHUNK | {"choices": [{"index": 0, "message": {}}]}, "choices[0].delta: required, but missing"),
        (
            CHUNK | {"choices": [{"index": 0, "delta": {"content": 5}}]},
            "choices[0].delta.content: expected a string or null",
        ),
        (
            CHUNK | {"choices": [{"index": 0, "delta": {}, "finish_reason": SECRET}]},
            (
                'choices[0].finish_reason: expected one of "stop", "length", "tool_calls", "content_filter", '
                '"function_call", null'
            ),
        ),
        ({"error": SECRET}, "error: expected an object"),
        ({"error": {"message": "m", "type": "t", "code": None}}, "error.param: required, but missing"),
    ],
)
def test_a_chunk_that_does_not_conform_is_told_by_place_and_rule(contract: Contract, chunk: Any, fault: str) -> None:
    assert contract.chunk_faults(chunk)[0] == fault


@pytest.mark.parametrize("levels", [300, 5000])
@pytest.mark.parametrize("place", ["id", "new"])
def test_whatever_depth_the_upstream_passes_on_is_survived(contract: Contract, place: str, levels: int) -> None:
    deep: Any = 1
    for _ in range(levels):
        deep = [deep]
    told = contract.chunk_faults({**CHUNK, place: deep, "model": 5})
    assert told in (["model: expected a string"], ["the body: nests deeper than can be checked"])


def test_a_stream_of_chunks_with_signs_of_life_conforms(contract: Contract) -> None:
    body = b": waiting\n\n" + frames(CHUNK, CHUNK, "[DONE]")
    assert contract.answer_faults("createChatCompletion", 200, STREAM, body) == []
    failed = frames(CHUNK, Unforeseen().body(), "[DONE]")
    assert contract.answer_faults("createChatCompletion", 200, STREAM, failed) == []


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (frames(CHUNK), "the stream: expected [DONE] as its last event"),
        (frames("[DONE]", CHUNK), "the stream: expected [DONE] as its last event"),
        (b": waiting\n\n", "the stream: expected [DONE] as its last event"),
        (frames(CHUNK, CHUNK | {"id": 5}, "[DONE]"), "event 1: id: expected a string"),
        (frames([], "[DONE]"), "event 0: the body: expected an object"),
        (frames("{", "[DONE]"), "event 0: The body cannot be read as JSON: line 1, column 2 is not JSON."),
        (b"", "the body: required, but empty"),
    ],
)
def test_a_stream_that_does_not_conform_is_told_by_event(contract: Contract, body: bytes, fault: str) -> None:
    assert contract.answer_faults("createChatCompletion", 200, STREAM, body)[0] == fault


@pytest.mark.parametrize(
    ("operation", "status", "error"),
    [
        ("createChatCompletion", 401, Unauthorized("no")),
        ("createChatCompletion", 409, Conflict("no")),
        ("createChatCompletion", 418, Unforeseen()),
        ("createChatCompletion", 504, UpstreamSilent("no", charged=True)),
        ("getChatCompletion", 404, NotFound("no")),
        ("getChatCompletion", 502, UpstreamSilent("no")),
        ("retrieveVideoContent", 409, Conflict("no", code="not_ready")),
        ("getContractYaml", 500, Unforeseen()),
    ],
)
def test_errors_conform_at_every_status_that_is_documented(
    contract: Contract, operation: str, status: int, error: ReelayError
) -> None:
    headers = {"Retry-After": "5", "x-should-retry": "false", "WWW-Authenticate": "Bearer"}
    assert faults(contract, error.body(), operation, status, **headers) == []


@pytest.mark.parametrize("missing", ["message", "type", "param", "code"])
def test_an_error_has_all_four_keys(contract: Contract, missing: str) -> None:
    body = Unforeseen().body()
    del body["error"][missing]
    assert faults(contract, body, status=500) == [f"error.{missing}: required, but missing"]


@pytest.mark.parametrize(
    ("operation", "status", "headers", "body", "fault"),
    [
        ("createChatCompletion", 206, HEADERS, COMPLETION, "status 206: not documented"),
        ("listChatCompletions", 418, HEADERS, {}, "status 418: not documented"),
        (
            "createChatCompletion",
            200,
            HEADERS | {"Content-Type": "text/html"},
            COMPLETION,
            "Content-Type: not documented for this status",
        ),
        ("createChatCompletion", 200, {}, COMPLETION, "Content-Type: not documented for this status"),
        ("createChatCompletion", 200, HEADERS, b"", "the body: required, but empty"),
        (
            "createChatCompletion",
            200,
            HEADERS,
            b"<html>" + SECRET.encode(),
            "The body cannot be read as JSON: line 1, column 1 is not JSON.",
        ),
        (
            "createChatCompletion",
            503,
            HEADERS | {"retry-after": SECRET},
            Unforeseen().body(),
            "Retry-After: expected an integer",
        ),
        (
            "createChatCompletion",
            504,
            HEADERS | {"X-Should-Retry": SECRET},
            Unforeseen().body(),
            'x-should-retry: expected "false"',
        ),
        ("retrieveVideoContent", 302, {}, b"", "Location: required, but missing"),
    ],
)
def test_status_headers_and_body_are_all_held_to_the_contract(
    contract: Contract, operation: str, status: int, headers: dict[str, str], body: Any, fault: str
) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    assert contract.answer_faults(operation, status, headers, data) == [fault]


def test_a_redirect_has_no_body(contract: Contract) -> None:
    headers = {"Location": "https://example.com/x", "Cache-Control": "no-store"}
    assert contract.answer_faults("retrieveVideoContent", 302, headers, b"") == []


def test_pages_conform(contract: Contract) -> None:
    page = {"object": "list", "data": [COMPLETION | {"metadata": {}}], "first_id": ID, "last_id": ID, "has_more": True}
    assert faults(contract, page, "listChatCompletions") == []
    empty: dict[str, Any] = {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}
    assert faults(contract, empty, "listChatCompletions") == []
    assert faults(contract, empty, "getChatCompletionMessages") == []
    broken = page | {"data": [COMPLETION, COMPLETION | {"object": "x"}]}
    assert faults(contract, broken, "listChatCompletions") == ['data[1].object: expected "chat.completion"']


def test_the_messages_of_a_completion_conform(contract: Contract) -> None:
    parts = [{"type": "text", "text": "t"}, {"type": "image_url", "image_url": {"url": "u"}}]
    data = [
        {"id": f"{ID}-0", "role": "user", "content": "c", "name": "n"},
        {"id": f"{ID}-1", "role": "user", "content": None, "content_parts": parts},
    ]
    page = {"object": "list", "data": data, "first_id": f"{ID}-0", "last_id": f"{ID}-1", "has_more": False}
    assert faults(contract, page, "getChatCompletionMessages") == []
    page["data"] = [{"id": f"{ID}-0", "role": "user", "content": parts}]
    assert faults(contract, page, "getChatCompletionMessages") == ["data[0].content: expected a string or null"]


def test_a_deletion_conforms(contract: Contract) -> None:
    body = {"object": "chat.completion.deleted", "id": ID, "deleted": True}
    assert faults(contract, body, "deleteChatCompletion") == []
    assert faults(contract, body | {"deleted": False}, "deleteChatCompletion") == ["deleted: expected true"]


def test_the_contract_that_is_served_conforms_to_itself(contract: Contract) -> None:
    assert contract.answer_faults("getContractYaml", 200, {"Content-Type": "application/yaml"}, contract.yaml) == []
    assert contract.answer_faults("getContractJson", 200, {"Content-Type": "application/json"}, contract.json) == []


def test_no_more_than_five_faults_are_told(contract: Contract) -> None:
    assert len(faults(contract, COMPLETION | {"choices": [{}] * 10})) == 5
    body = frames(*[{}] * 10, "[DONE]")
    assert len(contract.answer_faults("createChatCompletion", 200, STREAM, body)) == 5


def test_an_operation_that_is_not_in_the_contract_is_a_defect_of_the_caller(contract: Contract) -> None:
    with pytest.raises(KeyError):
        contract.answer_faults("nonsense", 200, HEADERS, b"{}")
