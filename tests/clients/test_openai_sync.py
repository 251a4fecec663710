"""OpenAI's Python client, as it comes: what it is given, what it raises, and what reaches v98store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from dev.stack import Stack
from tests.clients.asks import ASK, FAILURES, PROMPT, TOOL, WITH_PICTURE, fresh_key, named
from tests.clients.paid import payments, sent

TEXT: Any = {**ASK, "model": "sim-text"}


@pytest.fixture
def client(stack: Stack) -> Iterator[openai.OpenAI]:
    """Given a base URL and a key and nothing else."""
    with openai.OpenAI(base_url=f"{stack.url}/v1", api_key=fresh_key()) as made:
        yield made


@pytest.mark.parametrize("failure", FAILURES, ids=named)
def test_a_failure_is_raised_as_its_own_class(client: openai.OpenAI, stack: Stack, failure: Any) -> None:
    patient = client.with_options(max_retries=failure.get("retries", openai.DEFAULT_MAX_RETRIES))
    with pytest.raises(getattr(openai, failure["raises"])) as caught:
        list(patient.chat.completions.create(**{**ASK, **failure["ask"]}))
    error: Any = caught.value
    assert (error.code, error.param) == (failure["code"], failure["param"])
    assert getattr(error, "status_code", None) == failure["status"]
    assert payments(stack, client.api_key).total() == failure["posts"]
    if failure["status"]:
        assert error.request_id == error.response.headers["x-request-id"]
        assert error.body.keys() == {"message", "type", "param", "code"}


def test_what_came_before_a_failure_was_heard_and_the_failure_is_told_again(client: openai.OpenAI) -> None:
    chunks: list[Any] = []
    stream = client.chat.completions.create(**{**ASK, "model": "sim-stream-error"}, stream=True)
    with pytest.raises(openai.APIError) as heard:
        chunks.extend(iter(stream))
    assert "生成中" in "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    with pytest.raises(openai.InternalServerError) as told:
        client.chat.completions.retrieve(chunks[0].id)
    assert told.value.code == heard.value.code == "video_generation_failed"


def test_a_tool_is_called_and_its_result_goes_back(client: openai.OpenAI, stack: Stack) -> None:
    asked: Any = {**ASK, "model": "sim-tools", "tools": [TOOL], "tool_choice": "auto", "parallel_tool_calls": False}
    choice = client.chat.completions.create(**asked).choices[0]
    (call,) = choice.message.tool_calls or []
    assert call.type == "function"
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"location": "Shanghai"})
    result = {"role": "tool", "tool_call_id": call.id, "content": "21 degrees"}
    history = [*ASK["messages"], choice.message, result]
    answer = client.chat.completions.create(**{**asked, "messages": history})
    assert "Hello there" in (answer.choices[0].message.content or "")
    first, second = sent(stack, client.api_key)
    assert first == asked
    assert second["messages"][1]["tool_calls"] == [call.to_dict()]
    assert second["messages"][2] == result
    kept = client.chat.completions.messages.list(answer.id)
    assert [each.role for each in kept] == ["user", "assistant", "tool"]


def test_the_clients_stream_helper_puts_a_tool_call_together(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model="sim-tools", messages=ASK["messages"], tools=[TOOL]) as stream:
        (done,) = [event for event in stream if event.type == "tool_calls.function.arguments.done"]
        final = stream.get_final_completion()
    (call,) = final.choices[0].message.tool_calls or []
    assert done.parsed_arguments == call.function.parsed_arguments == {"location": "Shanghai"}
    assert client.chat.completions.retrieve(final.id).choices[0].message.tool_calls


def test_a_picture_arrives_untouched_and_is_told_as_a_part(client: openai.OpenAI, stack: Stack) -> None:
    messages: Any = [{"role": "developer", "content": "Keep it short."}, {"role": "user", "content": WITH_PICTURE}]
    one = client.chat.completions.create(model="sora-2", messages=messages).id
    assert sent(stack, client.api_key) == [{"model": "sora-2", "messages": messages}]
    shown = list(client.chat.completions.messages.list(one, limit=1, order="desc"))  # a page each
    assert [each.id for each in shown] == [f"{one}-1", f"{one}-0"]
    assert [part.to_dict() for part in shown[0].content_parts or ()] == WITH_PICTURE
    assert (shown[0].content, shown[1].content) == (None, "Keep it short.")


def test_usage_comes_in_a_last_chunk_where_it_is_asked_for(client: openai.OpenAI) -> None:
    *spoken, last = client.chat.completions.create(**TEXT, stream=True, stream_options={"include_usage": True})
    assert last.choices == []
    assert last.usage
    assert last.usage.total_tokens == last.usage.prompt_tokens + last.usage.completion_tokens > 0
    assert spoken[-1].choices[0].finish_reason == "stop"


def test_an_answer_says_where_it_is_kept_and_which_request_it_was(client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(**TEXT)
    made = raw.parse()
    assert raw.headers["content-location"] == f"/v1/chat/completions/{made.id}"
    assert made._request_id == raw.headers["x-request-id"]  # public, for all its underscore


def test_a_key_for_a_request_is_kept_to(client: openai.OpenAI, stack: Stack) -> None:
    key = {"Idempotency-Key": "order 7"}
    made = client.chat.completions.create(**TEXT, extra_headers=key)
    again = client.chat.completions.with_raw_response.create(**TEXT, extra_headers=key)
    assert again.parse() == made
    assert again.headers["x-reelay-replayed"] == "true"
    with pytest.raises(openai.UnprocessableEntityError) as other:
        client.chat.completions.create(**ASK, extra_headers=key)
    assert other.value.code == "idempotency_key_reused"
    client.chat.completions.delete(made.id)
    with pytest.raises(openai.ConflictError) as gone:
        client.with_options(max_retries=0).chat.completions.create(**TEXT, extra_headers=key)
    assert gone.value.code == "deleted"
    assert payments(stack, client.api_key) == {"sim-text": 1}


def test_what_is_kept_is_found_by_model_and_label_and_by_its_owner_alone(client: openai.OpenAI, stack: Stack) -> None:
    kept = client.chat.completions
    text, film = (kept.create(**each, metadata={"project": "dogs"}).id for each in (TEXT, ASK))
    assert [each.id for each in kept.list(model="sim-text")] == [text]
    assert [each.id for each in kept.list(order="desc", limit=1)] == [film, text]
    assert kept.update(film, metadata={"project": "cats"}).metadata == {"project": "cats"}
    assert [each.id for each in kept.list(metadata={"project": "dogs"})] == [text]
    assert kept.update(film, metadata=None).metadata == {}
    with pytest.raises(openai.BadRequestError) as long:
        kept.update(film, metadata={"project": "x" * 513})
    assert long.value.param == "metadata.project"
    stranger = client.with_options(api_key=fresh_key()).chat.completions
    for forbidden in (stranger.retrieve, stranger.delete, stranger.messages.list):
        with pytest.raises(openai.NotFoundError):
            forbidden(film)
    assert kept.delete(film).deleted
    with pytest.raises(openai.NotFoundError):
        kept.messages.list(film)
    assert [each.id for each in kept.list()] == [text]
    assert {body["messages"][0]["content"] for body in sent(stack, client.api_key)} == {PROMPT}


@pytest.mark.parametrize(("code", "more"), [("deleted", {}), ("not_kept", {"store": False})])
def test_what_repeating_cannot_mend_is_asked_once(client: openai.OpenAI, code: str, more: Any) -> None:
    key = {"Idempotency-Key": f"order 8 {code}"}
    made = client.chat.completions.create(**TEXT, **more, extra_headers=key)
    if code == "deleted":
        client.chat.completions.delete(made.id)
    with pytest.raises(openai.ConflictError) as caught:
        client.chat.completions.create(**TEXT, **more, extra_headers=key)
    assert caught.value.code == code
    assert caught.value.request.headers["x-stainless-retry-count"] == "0"
