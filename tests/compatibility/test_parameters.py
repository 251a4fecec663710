"""The parameters of a chat completion: each sent through the door by OpenAI's client, and looked at behind it."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import openai
import pydantic
import pytest
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming

from tests.compatibility.catalogue import named
from tests.compatibility.said import COMPLETIONS, whole
from tests.contract.proxy_events import rest_event
from tests.e2e.event_house import EventHouse
from tests.e2e.local_house import PROMPT, LocalHouse

ASK: Any = {"model": "sim-text", "messages": [{"role": "user", "content": PROMPT}]}
SITS: Any = {"name": "sit", "description": "Sit down.", "parameters": {"type": "object"}}
VALUES: CompletionCreateParamsNonStreaming = {
    "model": ASK["model"],
    "messages": ASK["messages"],
    "audio": {"format": "mp3", "voice": "alloy"},
    "frequency_penalty": 0.5,
    "function_call": {"name": "sit"},
    "functions": [SITS],
    "logit_bias": {"50256": -100},
    "logprobs": True,
    "max_completion_tokens": 100,
    "max_tokens": 1000,
    "modalities": ["text", "audio"],
    "moderation": {"model": "omni-moderation", "policy": {"input": {"mode": "block"}, "output": {"mode": "score"}}},
    "parallel_tool_calls": False,
    "prediction": {"type": "content", "content": "Woof."},
    "presence_penalty": -0.5,
    "prompt_cache_key": "dogs",
    "prompt_cache_options": {"mode": "explicit", "ttl": "30m"},
    "prompt_cache_retention": "24h",
    "reasoning_effort": "low",
    "response_format": {"type": "json_schema", "json_schema": {"name": "dog", "schema": {"type": "object"}}},
    "safety_identifier": "user-1",
    "seed": 7,
    "service_tier": "flex",
    "stop": ["cat"],
    "stream_options": {"include_usage": True, "include_obfuscation": False},
    "temperature": 0.5,
    "tool_choice": {"type": "function", "function": {"name": "sit"}},
    "tools": [{"type": "function", "function": SITS}, {"type": "custom", "custom": {"name": "dig"}}],
    "top_logprobs": 3,
    "top_p": 0.5,
    "user": "user-1",
    "verbosity": "low",
    "web_search_options": {
        "search_context_size": "low",
        "user_location": {"type": "approximate", "approximate": {"city": "Bonn", "country": "DE"}},
    },
}
NOWHERE_RIGHT: Any = [[]]
"""No parameter's type."""


def arrived(house: LocalHouse) -> list[Any]:
    """The bodies that reached the upstream."""
    return [json.loads(request.body) for request in house.simulator.requests]


@pytest.mark.shows("CompletionCreateParams", every="passed")
def test_each_goes_on_as_it_came(client: openai.OpenAI, house: LocalHouse, names: list[str]) -> None:
    asked: list[Any] = [{**ASK, name: VALUES[name]} for name in names]  # type: ignore[literal-required]  # each of them
    for body in asked:
        client.chat.completions.create(**body)
    assert arrived(house) == asked


@pytest.mark.parametrize(
    "name", named("CompletionCreateParams", "passed") + named("CompletionCreateParams", "supported")
)
def test_each_is_checked_before_it_costs(client: openai.OpenAI, house: LocalHouse, name: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(**{**ASK, name: NOWHERE_RIGHT})
    assert str(caught.value.param).partition("[")[0] == name
    assert house.simulator.posts == 0


def test_what_openai_does_not_document_goes_on_too(client: openai.OpenAI, house: LocalHouse) -> None:
    more = {"orientation": "portrait", "thinking": {"budget": [1, None]}}
    client.chat.completions.create(**ASK, extra_body=more)
    assert arrived(house) == [{**ASK, **more}]


@pytest.mark.shows("CompletionCreateParams", "messages", "model", "metadata")
@pytest.mark.shows("chat.completions", "create")
def test_what_was_asked_is_kept(client: openai.OpenAI, house: LocalHouse) -> None:
    made = client.chat.completions.create(**ASK, metadata={"dog": "Rex"})
    assert arrived(house) == [{**ASK, "metadata": {"dog": "Rex"}}]
    (kept,) = client.chat.completions.list(metadata={"dog": "Rex"}, model="sim-text")
    assert (kept.id, kept.metadata) == (made.id, {"dog": "Rex"})
    (message,) = client.chat.completions.messages.list(made.id)
    assert {"role": message.role, "content": message.content} == ASK["messages"][0]


@pytest.mark.shows("CompletionCreateParams", "store")
def test_what_is_not_to_be_stored_is_not(client: openai.OpenAI, house: LocalHouse) -> None:
    stored, dropped, plain = (client.chat.completions.create(**ASK, store=store) for store in (True, False, None))
    assert [each.id for each in client.chat.completions.list()] == [stored.id, plain.id]
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.retrieve(dropped.id)
    assert [body["store"] for body in arrived(house)] == [True, False, None]


@pytest.mark.shows("CompletionCreateParams", "stream")
def test_the_answer_has_the_form_that_was_asked_for(client: openai.OpenAI, house: LocalHouse) -> None:
    answer = client.chat.completions.create(**ASK, stream=False)
    chunks = list(client.chat.completions.create(**ASK, stream=True))
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert text == answer.choices[0].message.content
    assert [body["stream"] for body in arrived(house)] == [False, True]


@pytest.mark.shows("CompletionCreateParams", "n")
def test_the_service_pays_for_so_many_choices_and_a_caller_for_as_many_as_it_likes(events: EventHouse) -> None:
    headers = {"Authorization": "Bearer rk-0123456789abcdefghij", "Content-Type": "application/json"}
    event = rest_event("POST", "/v1/chat/completions", headers=headers, body=json.dumps({**ASK, "n": 2}))
    event["requestContext"]["authorizer"] = {"payer": "service", "principalId": "p"}
    refused = events.serve(event)
    assert (refused.status, refused.error["param"], events.simulator.posts) == (403, "n", 0)
    assert events.post({**ASK, "n": 2}).status == 200
    assert arrived(events) == [{**ASK, "n": 2}]


class Dog(pydantic.BaseModel):
    name: str


@pytest.mark.shows("chat.completions", "parse", "stream")
def test_the_clients_own_ways_to_ask(speaking: Callable[..., AbstractContextManager[openai.OpenAI]]) -> None:
    (choice,) = COMPLETIONS[0]["choices"]
    said = {"choices": [{**choice, "message": {"role": "assistant", "content": '{"name": "Rex"}'}}]}
    with speaking(whole(said)) as client:
        parsed = client.chat.completions.parse(**ASK, response_format=Dog)
        with client.chat.completions.stream(**ASK, response_format=Dog) as stream:
            streamed = stream.get_final_completion()
    assert [each.choices[0].message.parsed for each in (parsed, streamed)] == [Dog(name="Rex")] * 2
