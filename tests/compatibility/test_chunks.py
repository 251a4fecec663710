"""The fields of a stream's chunks: what the upstream says, as the caller's client reads it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import chain
from typing import Any

import openai
import pytest

from tests.compatibility.said import (
    COMPLETIONS,
    HEAD,
    LOGPROBS,
    MESSAGE,
    STREAMS,
    differences,
    streamed,
    strict,
    values,
    whole,
)

ASK: Any = {"model": "gpt-dog", "messages": [{"role": "user", "content": "say woof"}], "stream": True}
Speaking = Callable[..., AbstractContextManager[openai.OpenAI]]


@pytest.mark.shows("ChatCompletionChunk", every="passed")
def test_what_the_upstream_says_arrives_piece_by_piece(speaking: Speaking, names: list[str]) -> None:
    with speaking(*map(streamed, STREAMS)) as client:
        got = [[strict(chunk) for chunk in client.chat.completions.create(**ASK)] for _ in STREAMS]
    assert differences(names, [*chain(*STREAMS)], [*chain(*got)]) == {}


@pytest.mark.shows("ChatCompletionChunk", every="passed")
def test_what_the_upstream_says_whole_arrives_as_a_stream(speaking: Speaking, names: list[str]) -> None:
    with speaking(*map(whole, COMPLETIONS)) as client:
        got = [strict(chunk) for _ in COMPLETIONS for chunk in client.chat.completions.create(**ASK)]
    function, custom = MESSAGE["tool_calls"]
    custom = {name: value for name, value in custom.items() if name != "type"}  # chunks have no word for that one
    delta = {**MESSAGE, "tool_calls": [{**function, "index": 0}, {**custom, "index": 1}]}
    sent = [{**each, "choices": [{"index": 0, "delta": delta, "logprobs": LOGPROBS}]} for each in COMPLETIONS]
    of_streams_alone = {"obfuscation"}
    heads = {"service_tier", "system_fingerprint"}
    assert differences(set(names) - of_streams_alone - heads, sent, got) == {}
    assert [{name: chunk[name] for name in heads} for chunk in got] == [{name: HEAD[name] for name in heads}] * 4


@pytest.mark.shows("ChatCompletionChunk", "id", "created", "object", "model")
def test_every_chunk_has_one_head_and_it_is_reelays_own(speaking: Speaking) -> None:
    ids = [{**chunk, "id": f"chatcmpl-{at}", "created": at} for at, chunk in enumerate(STREAMS[0])]
    unnamed = [{"choices": chunk["choices"]} for chunk in STREAMS[0]]
    with speaking(streamed(ids), streamed(unnamed)) as client:
        named, bare = (list(client.chat.completions.create(**ASK)) for _ in range(2))
        kept = client.chat.completions.retrieve(named[0].id)
    assert {chunk.id for chunk in named} == {kept.id}
    assert kept.id not in {chunk["id"] for chunk in ids}
    assert {chunk.created for chunk in named} == {kept.created}
    assert {chunk.object for chunk in named + bare} == {"chat.completion.chunk"}
    assert {chunk.model for chunk in named} == {HEAD["model"]}
    assert {chunk.model for chunk in bare} == {"gpt-dog"}


@pytest.mark.shows(
    "ChatCompletionChunk",
    "choices",
    "choices[].index",
    "choices[].finish_reason",
    "choices[].delta",
    "choices[].delta.role",
    "choices[].delta.content",
)
def test_bare_choices_are_filled_in_and_ended(speaking: Speaking) -> None:
    said = [{"message": {"role": "bot", "content": "Wo"}}, {"delta": {"content": "Wau"}, "finish_reason": "STOP"}]
    with speaking(streamed([{"choices": said}, {"choices": {"delta": {"content": "of."}}}])) as client:
        got = [strict(chunk)["choices"] for chunk in client.chat.completions.create(**ASK)]
    assert got == [
        [
            {"index": 0, "delta": {"role": "assistant", "content": "Wo"}, "finish_reason": None},
            {"index": 1, "delta": {"content": "Wau"}, "finish_reason": "stop"},
        ],
        [{"index": 0, "delta": {"content": "of."}, "finish_reason": None}],
        [{"index": 0, "delta": {}, "finish_reason": "stop"}],
    ]


@pytest.mark.shows(
    "ChatCompletionChunk", "choices[].delta.tool_calls[].index", "choices[].delta.tool_calls[].function.arguments"
)
def test_a_bare_tool_call_is_filled_in(speaking: Speaking) -> None:
    call = {"id": "call_a", "function": {"name": "sit", "arguments": {"where": "here"}}}
    with speaking(streamed([{"choices": [{"delta": {"tool_calls": [call]}}]}])) as client:
        got = [strict(chunk) for chunk in client.chat.completions.create(**ASK)]
    filled = {"index": 0, "id": "call_a", "function": {"name": "sit", "arguments": '{"where":"here"}'}}
    assert values(got, "choices[].delta.tool_calls[]") == [filled]


@pytest.mark.shows("ChatCompletionChunk", "usage.total_tokens")
def test_a_missing_total_is_the_sum(speaking: Speaking) -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 12}
    with speaking(streamed([*STREAMS[0][:-1], {"choices": [], "usage": usage}])) as client:
        got = [strict(chunk) for chunk in client.chat.completions.create(**ASK)]
    assert values(got, "usage.total_tokens") == [21]


def test_what_openai_does_not_document_arrives_too(speaking: Speaking) -> None:
    delta = {"content": "Wo", "reasoning_content": "A dog.", "mood": {"tail": "wags"}}
    said = {"choices": [{"index": 0, "delta": delta, "finish_reason": "stop", "seed": 7}], "billing": [1, None]}
    with speaking(streamed([said])) as client:
        (chunk,) = (strict(chunk) for chunk in client.chat.completions.create(**ASK))
    assert {name: chunk[name] for name in said} == said
