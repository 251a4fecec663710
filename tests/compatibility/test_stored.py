"""Stored completions as OpenAI's client lists, pages, relabels and deletes them, and the messages that were sent."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionStoreMessage

from tests.compatibility.said import MESSAGE, differences, strict
from tests.e2e.local_house import PROMPT, LocalHouse

ASK: Any = {"model": "sim-text", "messages": [{"role": "user", "content": PROMPT}]}
BREAKPOINT = {"mode": "explicit", "ttl": "30m"}
PARTS: Any = [
    {"type": "text", "text": PROMPT, "prompt_cache_breakpoint": BREAKPOINT},
    {
        "type": "image_url",
        "image_url": {"url": "https://example.com/dog.png", "detail": "low"},
        "prompt_cache_breakpoint": BREAKPOINT,
    },
]
SENT: Any = [{"role": "user", "content": PARTS}, MESSAGE]


def made(client: openai.OpenAI, count: int, **more: Any) -> list[str]:
    """Ids of so many completions, oldest first."""
    return [client.chat.completions.create(**{**ASK, **more}).id for _ in range(count)]


def shown(messages: list[ChatCompletionStoreMessage]) -> list[dict[str, Any]]:
    """The messages, each held against its type: as an assistant's, for the type knows no other role though the API
    lists what was sent."""
    documents = [message.to_dict() for message in messages]
    for document in documents:
        ChatCompletionStoreMessage.model_validate({**document, "role": "assistant"}, strict=True)
    return documents


@pytest.mark.shows("ChatCompletionStoreMessage", every="passed")
def test_messages_come_back_as_they_were_sent(client: openai.OpenAI, names: list[str]) -> None:
    (one,) = made(client, 1, messages=SENT)
    got = shown(client.chat.completions.messages.list(one).data)
    assert differences(names, [{**SENT[0], "content_parts": PARTS}, SENT[1]], got) == {}


@pytest.mark.shows("ChatCompletionStoreMessage", "id", "content", "content_parts")
def test_messages_have_ids_and_their_content_in_one_of_two_places(client: openai.OpenAI) -> None:
    (one,) = made(client, 1, messages=SENT)
    parts, text = client.chat.completions.messages.list(one).data
    assert [parts.id, text.id] == [f"{one}-0", f"{one}-1"]
    assert (parts.content, parts.to_dict()["content_parts"]) == (None, PARTS)
    assert (text.content, text.content_parts) == (MESSAGE["content"], None)


@pytest.mark.shows("MessageListParams", "after", "limit", "order")
def test_pages_of_messages(client: openai.OpenAI) -> None:
    (one,) = made(client, 1, messages=[{"role": "user", "content": str(number)} for number in range(4)])
    messages = client.chat.completions.messages
    assert [each.content for each in messages.list(one, limit=3)] == ["0", "1", "2", "3"]
    assert [each.content for each in messages.list(one, order="desc", limit=2).data] == ["3", "2"]
    assert [each.content for each in messages.list(one, after=f"{one}-1").data] == ["2", "3"]
    for wrong in ({"after": "nothing"}, {"limit": 0}, {"order": "sideways"}):
        with pytest.raises(openai.BadRequestError) as caught:
            messages.list(one, **wrong)
        assert caught.value.param in wrong


@pytest.mark.shows("SyncCursorPage", "data", "has_more")
@pytest.mark.shows("CompletionListParams", "after", "limit", "order", "model", "metadata")
def test_pages_of_completions(client: openai.OpenAI) -> None:
    dogs = made(client, 3, metadata={"animal": "dog", "n": "1"})
    (cat,) = made(client, 1, metadata={"animal": "cat", "n": "1"})
    first = client.chat.completions.list(limit=3)
    assert ([each.id for each in first.data], first.has_more) == (dogs, True)
    assert [each.id for each in first] == [*dogs, cat]
    rest = client.chat.completions.list(after=dogs[2])
    assert ([each.id for each in rest.data], rest.has_more) == ([cat], False)
    assert [each.id for each in client.chat.completions.list(order="desc", limit=1).data] == [cat]
    assert [each.id for each in client.chat.completions.list(metadata={"animal": "cat", "n": "1"})] == [cat]
    assert client.chat.completions.list(metadata={"animal": "cat", "n": "2"}).data == []
    assert len(client.chat.completions.list(model="sim-text").data) == 4
    assert client.chat.completions.list(model="sora-2").data == []


@pytest.mark.parametrize("wrong", [{"limit": 101}, {"order": "sideways"}, {"after": "garbage"}])
def test_a_wrong_page_is_refused_with_the_parameters_name(client: openai.OpenAI, wrong: dict[str, Any]) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.list(**wrong)
    assert caught.value.param in wrong


@pytest.mark.shows("CompletionUpdateParams", "metadata")
@pytest.mark.shows("chat.completions", "retrieve", "update", "list")
@pytest.mark.shows("chat.completions.messages", "list")
def test_labels_are_replaced_and_nothing_else_changes(client: openai.OpenAI) -> None:
    (one,) = made(client, 1, metadata={"old": "yes"})
    before = strict(client.chat.completions.retrieve(one))
    after = strict(client.chat.completions.update(one, metadata={"new": "yes"}))
    assert after == {**before, "metadata": {"new": "yes"}}
    assert [strict(each) for each in client.chat.completions.list()] == [after]
    assert client.chat.completions.update(one, metadata=None).metadata == {}
    assert [each.content for each in client.chat.completions.messages.list(one)] == [PROMPT]


@pytest.mark.shows("ChatCompletionDeleted", "id", "deleted", "object")
@pytest.mark.shows("chat.completions", "delete")
def test_a_deletion_is_told_and_leaves_nothing(client: openai.OpenAI, house: LocalHouse) -> None:
    (one,) = made(client, 1, model="sora-2")
    assert house.objects() != []
    gone = client.chat.completions.delete(one)
    assert strict(gone) == {"id": one, "deleted": True, "object": "chat.completion.deleted"}
    assert house.objects() == []
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.retrieve(one)
