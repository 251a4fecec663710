"""OpenAI's Python client and its videos: the ones that fail, the ones that are not ready, and their files."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from dev.simulator import Simulator
from dev.stack import Stack, running
from tests.clients.asks import ASK, MP4, PICTURE, POLL_MILLISECONDS, PROMPT, WITH_PICTURE, fresh_key
from tests.clients.paid import payments, sent

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")  # ours goes on

NOBODYS = "video_01kmbq6b80g00000000000000a"


def calling(stack: Stack) -> openai.OpenAI:
    """A client with a key of its own, that repeats nothing by itself."""
    return openai.OpenAI(base_url=f"{stack.url}/v1", api_key=fresh_key(), max_retries=0)


@pytest.fixture
def client(stack: Stack) -> Iterator[openai.OpenAI]:
    with calling(stack) as made:
        yield made


def made(client: openai.OpenAI, **more: Any) -> Any:
    """A video that is completed or failed."""
    return client.videos.create_and_poll(**{"prompt": PROMPT, **more}, poll_interval_ms=POLL_MILLISECONDS)


def test_a_file_is_downloaded_piece_by_piece_and_is_the_one_that_was_made(
    client: openai.OpenAI, tmp_path: Path
) -> None:
    film = tmp_path / "dog.mp4"
    with client.videos.with_streaming_response.download_content(made(client).id) as response:
        response.stream_to_file(film)
    assert film.read_bytes() == MP4


@pytest.mark.parametrize(
    ("model", "video", "file"),
    [
        ("sim-no-link", ("failed", "no_video"), (openai.NotFoundError, "media_unavailable")),
        ("sim-refusal-text", ("failed", "no_video"), (openai.NotFoundError, "media_unavailable")),
        ("sim-stream-error", ("failed", "video_generation_failed"),
         (openai.InternalServerError, "video_generation_failed")),
        ("sim-404-video", ("completed", None), (openai.NotFoundError, "media_unavailable")),
    ],
)  # fmt: skip
def test_a_video_without_a_file_says_why(
    client: openai.OpenAI, stack: Stack, model: str, video: tuple[str, str | None], file: tuple[type[Any], str]
) -> None:
    ended = made(client, model=model)
    assert (ended.status, ended.error and ended.error.code) == video
    assert [each.id for each in client.videos.list()] == [ended.id]
    with pytest.raises(file[0]) as caught:
        client.videos.download_content(ended.id)
    assert caught.value.code == file[1]
    assert payments(stack, client.api_key) == {model: 1}


def test_a_video_that_is_refused_at_once_is_raised_and_listed_as_failed(client: openai.OpenAI, stack: Stack) -> None:
    for model, kind in (("sim-401", openai.AuthenticationError), ("sim-moderation-blocked", openai.BadRequestError)):
        with pytest.raises(kind):
            client.videos.create(prompt=PROMPT, model=model)
    codes = [each.error and each.error.code for each in client.videos.list()]
    assert codes == ["moderation_blocked", "invalid_api_key"]
    assert payments(stack, client.api_key) == {"sim-401": 1, "sim-moderation-blocked": 1}


@pytest.mark.parametrize(
    ("ask", "kind", "param"),
    [
        (lambda client: client.videos.create(prompt=""), openai.BadRequestError, "prompt"),
        (lambda client: client.videos.list(limit=0), openai.BadRequestError, "limit"),
        (lambda client: client.videos.list(after="nonsense"), openai.BadRequestError, "after"),
        (lambda client: client.videos.download_content(NOBODYS, variant="spritesheet"), openai.BadRequestError,
         "variant"),
        (lambda client: client.videos.remix(NOBODYS, prompt="at night"), openai.NotFoundError, None),
        (lambda client: client.videos.retrieve("nonsense"), openai.NotFoundError, None),
    ],
)  # fmt: skip
def test_a_wrong_call_names_its_place(client: openai.OpenAI, stack: Stack, ask: Any, kind: Any, param: Any) -> None:
    with pytest.raises(kind) as caught:
        ask(client)
    assert caught.value.param == param
    assert sent(stack, client.api_key) == []


def test_a_picture_in_a_form_field_is_the_part_that_v98store_documents(client: openai.OpenAI, stack: Stack) -> None:
    video = made(client, model="sora-2", extra_body={"input_reference": {"image_url": PICTURE}})
    assert video.status == "completed"
    assert [body["messages"][0]["content"] for body in sent(stack, client.api_key)] == [WITH_PICTURE]


def test_a_list_is_paged_both_ways_and_a_chat_completion_is_in_it(client: openai.OpenAI) -> None:
    chat = client.chat.completions.create(**ASK).id.replace("chatcmpl-", "video_")
    video = made(client, model="sora-2")
    assert [each.id for each in client.videos.list(limit=1, order="asc")] == [chat, video.id]
    assert [each.id for each in client.videos.list(limit=1)] == [video.id, chat]
    client.videos.delete(chat)
    assert [each.id for each in client.videos.list()] == [video.id]
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.retrieve(chat.replace("video_", "chatcmpl-"))


@pytest.fixture
def held() -> Iterator[tuple[Simulator, openai.OpenAI, Stack]]:
    """A client of a stack whose upstream stops after three frames, until it is stepped on."""
    with (
        Simulator(gate=threading.Semaphore(3)) as simulator,
        running(simulator=simulator) as stack,
        calling(stack) as client,
    ):
        yield simulator, client, stack


def test_what_is_not_ready_is_a_conflict_that_says_when_to_come_back(
    held: tuple[Simulator, openai.OpenAI, Stack],
) -> None:
    simulator, client, stack = held
    key = {"Idempotency-Key": "film 1"}
    video = client.videos.create(prompt=PROMPT, model="sora-2", extra_headers=key)
    assert client.videos.create(prompt=PROMPT, model="sora-2", extra_headers=key).id == video.id
    one = video.id.replace("video_", "chatcmpl-")
    for early in (
        lambda: client.videos.download_content(video.id),
        lambda: client.videos.remix(video.id, prompt="at night"),
        lambda: client.chat.completions.messages.list(one),
        lambda: client.chat.completions.update(one, metadata={"a": "b"}),
    ):
        with pytest.raises(openai.ConflictError) as caught:
            early()
        assert caught.value.code == "not_ready"
        assert int(caught.value.response.headers["Retry-After"]) > 0
    simulator.step(10_000)
    done = client.videos.poll(video.id, poll_interval_ms=POLL_MILLISECONDS)
    assert (done.status, payments(stack, client.api_key)) == ("completed", {"sora-2": 1})
