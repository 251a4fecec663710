"""OpenAI's asynchronous Python client: many calls at once, over the same stack."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest

from dev.stack import Stack
from tests.clients.asks import ASK, FAILURES, MP4, POLL_MILLISECONDS, PROMPT, TOOL, WITH_PICTURE, fresh_key
from tests.clients.paid import paid_for_failures, payments, sent

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")  # ours goes on

TEXT: Any = {**ASK, "model": "sim-text"}
TOGETHER = 3
"""Calls at the same moment: each is a function's instance of its own."""


@asynccontextmanager
async def calling(stack: Stack) -> AsyncIterator[openai.AsyncOpenAI]:
    """A client with a key of its own, that repeats nothing by itself."""
    async with openai.AsyncOpenAI(base_url=f"{stack.url}/v1", api_key=fresh_key(), max_retries=0) as client:
        yield client


def test_every_failure_is_raised_as_its_own_class_when_many_come_at_once(stack: Stack) -> None:
    async def heard(client: openai.AsyncOpenAI, ask: Any) -> None:
        answer = await client.chat.completions.create(**{**ASK, **ask})
        async for _ in answer:
            pass

    async def raised(client: openai.AsyncOpenAI, failure: Any, places: asyncio.Semaphore) -> Any:
        async with places:
            with pytest.raises(openai.APIError) as caught:
                await heard(client, failure["ask"])
            return caught.value

    async def told() -> None:
        places = asyncio.Semaphore(TOGETHER)
        async with calling(stack) as client:
            errors = await asyncio.gather(*(raised(client, failure, places) for failure in FAILURES))
            for error, failure in zip(errors, FAILURES, strict=True):
                assert type(error) is getattr(openai, failure["raises"])
                assert (error.code, error.param) == (failure["code"], failure["param"])
            assert payments(stack, client.api_key) == paid_for_failures()

    asyncio.run(told())


def test_completions_made_at_once_are_one_each_and_all_are_paged_through(stack: Stack) -> None:
    async def made() -> None:
        async with calling(stack) as client:
            kept = client.chat.completions
            completions = await asyncio.gather(*(kept.create(**TEXT) for _ in range(TOGETHER)))
            ids = {each.id for each in completions}
            assert len(ids) == TOGETHER
            listed = [each.id async for each in kept.list(limit=1)]
            assert sorted(listed) == sorted(ids)
            await asyncio.gather(*(kept.delete(each) for each in ids))
            assert [each async for each in kept.list()] == []
            assert payments(stack, client.api_key) == {"sim-text": TOGETHER}

    asyncio.run(made())


def test_streams_side_by_side_do_not_mix(stack: Stack) -> None:
    async def streamed(client: openai.AsyncOpenAI, model: str) -> tuple[set[str], str]:
        ids, text = set(), ""
        async for chunk in await client.chat.completions.create(**{**ASK, "model": model}, stream=True):
            ids.add(chunk.id)
            text += chunk.choices[0].delta.content or ""
        return ids, text

    async def side_by_side() -> None:
        async with calling(stack) as client:
            told = await asyncio.gather(*(streamed(client, model) for model in ("sora-2", "sim-text", "sim-v4")))
            for ids, text in told:
                (one,) = ids
                assert (await client.chat.completions.retrieve(one)).choices[0].message.content == text
            assert [".mp4" in text for _, text in told] == [True, False, True]

    asyncio.run(side_by_side())


def test_the_clients_stream_helper_puts_a_tool_call_together(stack: Stack) -> None:
    async def called() -> None:
        async with calling(stack) as client:
            ask: Any = {"model": "sim-tools", "messages": ASK["messages"], "tools": [TOOL]}
            async with client.chat.completions.stream(**ask) as stream:
                final = await stream.get_final_completion()
            (call,) = final.choices[0].message.tool_calls or []
            assert call.function.parsed_arguments == {"location": "Shanghai"}
            assert sent(stack, client.api_key) == [{**ask, "stream": True}]

    asyncio.run(called())


def test_a_picture_arrives_untouched_and_labels_change(stack: Stack) -> None:
    async def kept() -> None:
        async with calling(stack) as client:
            messages: Any = [{"role": "user", "content": WITH_PICTURE}]
            ours = client.chat.completions
            made = await ours.create(model="sora-2", messages=messages, metadata={"project": "dogs"})
            assert [body["messages"] for body in sent(stack, client.api_key)] == [messages]
            (told,) = [each async for each in ours.messages.list(made.id)]
            assert [part.to_dict() for part in told.content_parts or ()] == WITH_PICTURE
            assert (await ours.update(made.id, metadata={"project": "cats"})).metadata == {"project": "cats"}
            assert [each.id async for each in ours.list(metadata={"project": "cats"})] == [made.id]
            assert [each async for each in ours.list(metadata={"project": "dogs"})] == []

    asyncio.run(kept())


def test_videos_made_at_once_are_downloaded_remixed_listed_and_deleted(stack: Stack) -> None:
    async def filmed() -> None:
        async with calling(stack) as client:
            ours = client.videos
            fields: Any = {"prompt": PROMPT, "poll_interval_ms": POLL_MILLISECONDS}
            one, two = await asyncio.gather(ours.create_and_poll(**fields), ours.create_and_poll(**fields))
            assert (one.status, two.status) == ("completed", "completed")
            async with ours.with_streaming_response.download_content(one.id) as response:
                assert b"".join([piece async for piece in response.iter_bytes()]) == MP4
            poster = await ours.download_content(two.id, variant="thumbnail")
            assert poster.content[:4] == b"RIFF"
            remix = await ours.remix(two.id, prompt="at night")
            done = await ours.poll(remix.id, poll_interval_ms=POLL_MILLISECONDS)
            assert (done.status, done.remixed_from_video_id) == ("completed", two.id)
            assert {each.id async for each in ours.list(limit=2)} == {one.id, two.id, remix.id}
            await asyncio.gather(*(ours.delete(each.id) for each in (one, two, remix)))
            with pytest.raises(openai.NotFoundError):
                await ours.retrieve(one.id)
            assert payments(stack, client.api_key).total() == 3

    asyncio.run(filmed())


def test_a_caller_who_closes_the_stream_finds_the_whole_of_it(stack: Stack) -> None:
    async def left() -> None:
        async with calling(stack) as client:
            stream = await client.chat.completions.create(**ASK, stream=True)
            first = await anext(aiter(stream))
            await stream.close()
            film = first.id.replace("chatcmpl-", "video_")
            done = await client.videos.poll(film, poll_interval_ms=POLL_MILLISECONDS)
            assert done.status == "completed"
            text = (await client.chat.completions.retrieve(first.id)).choices[0].message.content or ""
            assert ".mp4" in text
            assert payments(stack, client.api_key) == {"sora-2": 1}

    asyncio.run(left())
