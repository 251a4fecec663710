"""What the tests of the shapes share: what came made into what leaves, checked against OpenAI's published types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from openai.types.chat import ChatCompletion, ChatCompletionChunk

from reelay.shapes import Assembly, ChunkShaper, Identity, whole
from tests.unit.captured import Payload

OURS = Identity(id="chatcmpl-01k7e5w9z5f2d91pekrqy59rwc", model="asked-for", created=1_760_000_000)
USAGE = {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21}
TOKEN = {"token": "a", "bytes": [97], "logprob": -0.5, "top_logprobs": [{"token": "a", "bytes": None, "logprob": -1}]}


def chunk_of(payload: Payload) -> dict[str, Any]:
    """The chunk for a payload that comes alone, checked against the published type."""
    chunk = ChunkShaper(OURS).shape(payload)
    assert chunk is not None
    conforms(chunk)
    return chunk


def choice_of(choice: Payload) -> dict[str, Any]:
    """One choice as it goes out in a chunk."""
    return dict(chunk_of({"choices": [choice]})["choices"][0])


def delta_of(delta: Payload) -> dict[str, Any]:
    return dict(choice_of({"delta": delta})["delta"])


def whole_of(payload: Payload) -> dict[str, Any]:
    completion = whole(OURS, payload)
    conforms_whole(completion)
    return completion


def message_of(message: Payload) -> dict[str, Any]:
    return dict(whole_of({"choices": [{"message": message}]})["choices"][0]["message"])


def conforms(chunk: Mapping[str, Any]) -> None:
    ChatCompletionChunk.model_validate(chunk, strict=True)
    assert (chunk["id"], chunk["created"]) == (OURS.id, OURS.created)
    for choice in chunk["choices"]:
        assert choice.keys() >= {"index", "delta", "finish_reason"}


def conforms_whole(completion: Mapping[str, Any]) -> None:
    ChatCompletion.model_validate(completion, strict=True)
    assert (completion["id"], completion["created"]) == (OURS.id, OURS.created)
    for choice in completion["choices"]:  # what OpenAI's description requires and its Python types leave optional
        assert choice.keys() >= {"index", "message", "finish_reason", "logprobs"}
        assert choice["message"].keys() >= {"role", "content", "refusal"}


def relayed(payloads: Iterable[Payload]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What leaves for a stream that ended well: its chunks, and the completion they make."""
    shaper, assembly = ChunkShaper(OURS), Assembly()
    shaped = (shaper.shape(payload) for payload in payloads)
    chunks = [chunk for chunk in shaped if chunk is not None]
    chunks += shaper.closing()
    for chunk in chunks:
        conforms(chunk)
        assembly.add(chunk)
    completion = assembly.completion()
    conforms_whole(completion)
    return chunks, completion
