"""The fields of a whole completion: what the upstream says, as the caller's client reads it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import openai
import pytest

from tests.compatibility.said import COMPLETIONS, STREAMS, differences, streamed, strict, whole

ASK: Any = {"model": "gpt-dog", "messages": [{"role": "user", "content": "say woof"}]}
Speaking = Callable[..., AbstractContextManager[openai.OpenAI]]


@pytest.mark.shows("ChatCompletion", every="passed")
def test_what_the_upstream_says_arrives(speaking: Speaking, names: list[str]) -> None:
    with speaking(*map(whole, COMPLETIONS)) as client:
        got = [strict(client.chat.completions.create(**ASK)) for _ in COMPLETIONS]
    assert differences(names, COMPLETIONS, got) == {}


@pytest.mark.shows("ChatCompletion", every="passed")
def test_what_the_upstream_says_is_stored(speaking: Speaking, names: list[str]) -> None:
    with speaking(*map(whole, COMPLETIONS)) as client:
        made = [client.chat.completions.create(**ASK).id for _ in COMPLETIONS]
        got = [strict(client.chat.completions.retrieve(one)) for one in made]
        assert [strict(each) for each in client.chat.completions.list()] == got
    assert differences(names, COMPLETIONS, got) == {}


@pytest.mark.shows("ChatCompletion", every="passed")
def test_what_came_in_pieces_is_put_together(speaking: Speaking, names: list[str]) -> None:
    with speaking(*map(streamed, STREAMS)) as client:
        got = [strict(client.chat.completions.create(**ASK)) for _ in STREAMS]
    assert differences(names, COMPLETIONS, got) == {}


@pytest.mark.shows("ChatCompletion", "id", "created", "object", "model")
def test_the_head_is_reelays_own(speaking: Speaking) -> None:
    unnamed = {"choices": COMPLETIONS[0]["choices"]}
    with speaking(whole(COMPLETIONS[0]), whole(unnamed)) as client:
        named, bare = client.chat.completions.create(**ASK), client.chat.completions.create(**ASK)
        kept = client.chat.completions.retrieve(bare.id)
    assert named.id.startswith("chatcmpl-")
    assert len({named.id, bare.id, COMPLETIONS[0]["id"]}) == 3
    assert (kept.id, kept.created, kept.object) == (bare.id, bare.created, "chat.completion")
    assert bare.created > COMPLETIONS[0]["created"]
    assert (named.model, bare.model, kept.model) == (COMPLETIONS[0]["model"], "gpt-dog", "gpt-dog")


@pytest.mark.shows(
    "ChatCompletion",
    "choices",
    "choices[].index",
    "choices[].finish_reason",
    "choices[].logprobs",
    "choices[].message",
    "choices[].message.role",
    "choices[].message.content",
    "choices[].message.refusal",
)
def test_a_bare_choice_is_filled_in(speaking: Speaking) -> None:
    parts = [{"type": "text", "text": "Wo"}, {"type": "text", "text": "of."}]
    said = [
        {"delta": {"content": parts}, "finish_reason": "STOP"},
        {"message": {"role": "bot"}, "finish_reason": "eos"},
    ]
    with speaking(whole({"choices": said})) as client:
        answer = client.chat.completions.create(**ASK)
    filled = [
        {"index": at, "message": {"role": "assistant", "content": text, "refusal": None}, "logprobs": None}
        for at, text in enumerate(["Woof.", None])
    ]
    assert strict(answer)["choices"] == [{**each, "finish_reason": "stop"} for each in filled]


@pytest.mark.shows(
    "ChatCompletion",
    "choices[].message.tool_calls[].id",
    "choices[].message.tool_calls[].type",
    "choices[].message.tool_calls[].function.arguments",
)
def test_a_bare_tool_call_is_filled_in(speaking: Speaking) -> None:
    calls = [
        {"function": {"name": "sit", "arguments": {"where": "here"}}},
        {"custom": {"name": "dig", "input": "deep"}},
    ]
    with speaking(whole({"choices": [{"message": {"tool_calls": calls}, "finish_reason": "tool_calls"}]})) as client:
        answer = client.chat.completions.create(**ASK)
    assert strict(answer)["choices"][0]["message"]["tool_calls"] == [
        {"id": "call_0", "type": "function", "function": {"name": "sit", "arguments": '{"where":"here"}'}},
        {"id": "call_1", "type": "custom", "custom": {"name": "dig", "input": "deep"}},
    ]


@pytest.mark.shows("ChatCompletion", "usage.total_tokens")
def test_a_missing_total_is_the_sum(speaking: Speaking) -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 12}
    with speaking(whole({**COMPLETIONS[0], "usage": usage}), whole(COMPLETIONS[0])) as client:
        answers = [client.chat.completions.create(**ASK) for _ in range(2)]
    assert [answer.usage and answer.usage.total_tokens for answer in answers] == [21, 21]
    assert [strict(answer)["usage"]["prompt_tokens"] for answer in answers] == [9, 9]


@pytest.mark.shows("ChatCompletion", "metadata")
def test_a_stored_one_has_the_labels_of_the_request_and_an_answer_those_of_the_upstream(speaking: Speaking) -> None:
    labelled = {**COMPLETIONS[0], "metadata": {"upstream": "yes"}}
    with speaking(whole(labelled)) as client:
        made = client.chat.completions.create(**ASK, metadata={"dog": "Rex"})
        kept = client.chat.completions.retrieve(made.id)
    assert (made.metadata, kept.metadata) == ({"upstream": "yes"}, {"dog": "Rex"})


def test_what_openai_does_not_document_arrives_too(speaking: Speaking) -> None:
    (choice,) = COMPLETIONS[0]["choices"]
    message = {**choice["message"], "reasoning_content": "A dog.", "mood": {"tail": "wags"}}
    said = {**COMPLETIONS[0], "choices": [{**choice, "message": message, "seed": 7}], "billing": [1, None]}
    with speaking(whole(said)) as client:
        answer = strict(client.chat.completions.create(**ASK))
    assert answer["choices"] == said["choices"]
    assert answer["billing"] == said["billing"]
