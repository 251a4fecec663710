"""Whatever objects come, what leaves conforms."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from openai import BaseModel
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from reelay.shapes import Assembly, as_chunks, endings
from reelay.sse import frame
from tests.unit.shapes.place import TOKEN, conforms, conforms_whole, relayed, whole_of


def documented(model: type[BaseModel]) -> set[str]:
    """Every field name that occurs in a published type."""
    schema = model.model_json_schema()
    return {name for part in (schema, *schema["$defs"].values()) for name in part.get("properties", ())}


KNOWN = sorted(documented(ChatCompletion) | documented(ChatCompletionChunk) | {"reasoning_content", "error", "unknown"})
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 9),
    st.just(10**400),
    st.floats(),
    st.sampled_from(["", "a", "stop", "STOP", "assistant", "function", "url_citation", "error", "moderation_results"]),
)
ANY = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(KNOWN), inner, max_size=3),
    max_leaves=4,
)


def holding(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with these fields well-formed, hostile or absent, beside any others."""
    told = st.fixed_dictionaries({}, optional={name: strategy | ANY for name, strategy in fields.items()})
    return st.builds(
        lambda others, right: {**others, **right}, st.dictionaries(st.sampled_from(KNOWN), ANY, max_size=3), told
    )


TEXT = st.sampled_from(["", "a", "进"])
CALLED = holding(name=TEXT, arguments=TEXT, input=TEXT)
CALLS = st.lists(holding(index=st.integers(0, 2), id=TEXT, function=CALLED, custom=CALLED) | ANY, max_size=3)
TOKENS = st.lists(st.just(TOKEN) | holding(token=TEXT, logprob=st.floats(), top_logprobs=st.just([])) | ANY, max_size=2)
CITATION = holding(url=TEXT, title=TEXT, start_index=st.just(0), end_index=st.just(1))
SAID = holding(
    content=TEXT,
    tool_calls=CALLS,
    function_call=CALLED,
    audio=holding(id=TEXT, data=TEXT, transcript=TEXT, expires_at=st.just(1)),
    annotations=st.lists(holding(type=st.just("url_citation"), url_citation=CITATION), max_size=2),
)
LOGPROBS = holding(content=TOKENS, refusal=TOKENS)
CHOICE = holding(index=st.integers(0, 2), delta=SAID, message=SAID, finish_reason=TEXT, logprobs=LOGPROBS)
VERDICT = holding(type=st.just("error"), code=TEXT, message=TEXT)
PAYLOAD = holding(
    choices=st.lists(CHOICE | ANY, max_size=3),
    usage=holding(prompt_tokens=st.just(1), completion_tokens=st.just(2)),
    moderation=holding(input=VERDICT, output=VERDICT),
    metadata=st.dictionaries(st.sampled_from(KNOWN), TEXT | ANY),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(PAYLOAD, max_size=3))
def test_whatever_objects_come_what_leaves_conforms(payloads: list[dict[str, Any]]) -> None:
    relayed(payloads)
    for payload in payloads:
        endings(payload)


@settings(max_examples=50, deadline=None)
@given(PAYLOAD)
def test_whatever_reply_comes_the_completion_conforms_and_its_chunks_make_it_again(payload: dict[str, Any]) -> None:
    completion = whole_of(payload)
    json.loads(frame(completion).removeprefix(b"data: "))
    assembly = Assembly()
    for chunk in as_chunks(completion):
        conforms(chunk)
        assembly.add(chunk)
    again = assembly.completion()
    conforms_whole(again)
    if len({choice["index"] for choice in completion["choices"]}) == len(completion["choices"]):
        assert [c["index"] for c in again["choices"]] == sorted(c["index"] for c in completion["choices"])
        said = {c["index"]: c["message"]["content"] for c in completion["choices"]}
        assert {c["index"]: c["message"]["content"] for c in again["choices"]} == said
