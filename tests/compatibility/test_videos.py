"""The Videos API as OpenAI's client speaks it: every field, every parameter, every method."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import openai
import pytest
from openai.types import Video, VideoCreateParams

from tests.compatibility.said import strict
from tests.e2e.local_house import PROMPT, LocalHouse

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")  # ours goes on

ASK: VideoCreateParams = {"model": "sora-2", "prompt": PROMPT, "seconds": "8", "size": "1280x720"}
PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)


def asked(house: LocalHouse) -> list[Any]:
    """The bodies that reached the upstream."""
    return [json.loads(request.body) for request in house.simulator.requests]


@pytest.mark.shows(
    "Video",
    "id",
    "completed_at",
    "created_at",
    "error",
    "expires_at",
    "model",
    "object",
    "progress",
    "prompt",
    "remixed_from_video_id",
    "seconds",
    "size",
    "status",
)
def test_a_video_from_its_beginning_to_its_end(client: openai.OpenAI, house: LocalHouse) -> None:
    told = b"".join(house.streamed("/v1/videos", ASK).sent)
    begun = Video.model_validate_json(told, strict=True)
    assert (begun.status, begun.progress, begun.completed_at) == ("queued", 0, None)
    done = client.videos.retrieve(begun.id)
    assert done.completed_at
    assert done.completed_at >= done.created_at == begun.created_at
    assert strict(done) == {
        "id": begun.id,
        "object": "video",
        "model": ASK["model"],
        "status": "completed",
        "progress": 100,
        "created_at": done.created_at,
        "completed_at": done.completed_at,
        "expires_at": None,
        "prompt": PROMPT,
        "size": ASK["size"],
        "seconds": ASK["seconds"],
        "remixed_from_video_id": None,
        "error": None,
    }
    chat = client.chat.completions.retrieve(begun.id.replace("video_", "chatcmpl-"))
    assert ".mp4" in (chat.choices[0].message.content or "")


def test_what_was_not_asked_for_is_null(client: openai.OpenAI) -> None:
    video = client.videos.create(prompt=PROMPT)
    nothing = {name: video.to_dict()[name] for name in ("seconds", "size")}
    assert (video.model, nothing) == ("sora-2", {"seconds": None, "size": None})


@pytest.mark.shows("Video", "error", "error.code", "error.message", "error.param", "error.type", "status", "progress")
def test_a_failed_video_says_why(client: openai.OpenAI, house: LocalHouse) -> None:
    house.streamed("/v1/videos", {**ASK, "model": "sim-moderation-blocked"})
    (video,) = client.videos.list().data
    assert (video.status, video.completed_at) == ("failed", None)
    assert video.progress < 100
    assert video.error
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.retrieve(video.id.replace("video_", "chatcmpl-"))
    envelope: Any = caught.value.body
    assert strict(video)["error"] == {"code": envelope["code"], "message": envelope["message"]}
    assert video.error.code == "moderation_blocked"
    assert envelope.keys() == {"code", "message", "param", "type"}


@pytest.mark.shows("VideoCreateParams", "prompt", "model", "seconds", "size")
def test_what_is_asked_for_is_said_to_the_upstream(client: openai.OpenAI, house: LocalHouse) -> None:
    client.videos.create(**ASK)
    client.videos.create(prompt=PROMPT)
    (said, plain) = asked(house)
    assert said["messages"] == [{"role": "user", "content": f"{PROMPT}\n\n(8 seconds, landscape, {ASK['size']})"}]
    assert plain == {"model": "sora-2", "messages": [{"role": "user", "content": PROMPT}], "stream": True}


@pytest.mark.shows("VideoCreateParams", "input_reference")
def test_a_picture_goes_along(client: openai.OpenAI, house: LocalHouse) -> None:
    link = {"image_url": "https://example.com/dog.png"}
    client.videos.create(prompt=PROMPT, input_reference=("dog.png", PNG, "image/png"))
    house.call("POST", "/v1/videos", body={"prompt": PROMPT, "input_reference": link})  # this client sends files only
    pictures = [body["messages"][0]["content"][1]["image_url"]["url"] for body in asked(house)]
    assert pictures == [f"data:image/png;base64,{base64.b64encode(PNG).decode()}", link["image_url"]]


@pytest.mark.parametrize(
    ("param", "wrong"),
    [
        ("prompt", {"prompt": ""}),
        ("model", {"model": ""}),
        ("seconds", {"seconds": "soon"}),
        ("size", {"size": "large"}),
        ("input_reference", {"input_reference": b"GIF? no"}),
    ],
)
def test_what_cannot_be_is_refused_before_it_costs(
    client: openai.OpenAI, house: LocalHouse, param: str, wrong: Any
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.videos.create(**{**ASK, **wrong})
    assert (caught.value.param, house.simulator.posts) == (param, 0)


def test_a_file_of_openais_is_refused_before_it_costs(house: LocalHouse) -> None:
    refused = house.call("POST", "/v1/videos", body={"prompt": PROMPT, "input_reference": {"file_id": "file-1"}})
    assert (refused.status, refused.error["param"]) == (400, "input_reference.file_id")
    assert house.simulator.posts == 0


@pytest.mark.shows("VideoRemixParams", "prompt")
@pytest.mark.shows("Video", "remixed_from_video_id", "prompt")
@pytest.mark.shows("videos", "create", "remix")
def test_a_remix_says_what_it_is_of(client: openai.OpenAI, house: LocalHouse) -> None:
    first = client.videos.create(**ASK)
    remix = client.videos.remix(first.id, prompt="at night")
    assert strict(remix)["remixed_from_video_id"] == first.id
    assert (remix.prompt, remix.seconds, remix.size) == ("at night", ASK["seconds"], ASK["size"])
    assert asked(house)[1]["messages"][-1] == {"role": "user", "content": "at night"}


@pytest.mark.shows("SyncConversationCursorPage", "data", "has_more", "last_id")
@pytest.mark.shows("VideoListParams", "after", "limit", "order")
@pytest.mark.shows("videos", "list")
def test_pages_of_videos(client: openai.OpenAI) -> None:
    made = [client.videos.create(**ASK).id for _ in range(3)]
    first = client.videos.list(limit=2)
    assert ([each.id for each in first.data], first.has_more, first.last_id) == (made[:0:-1], True, made[1])
    assert [each.id for each in first] == made[::-1]
    rest = client.videos.list(after=made[1], order="asc")
    assert ([each.id for each in rest.data], rest.has_more) == (made[2:], False)
    for wrong in ({"after": "garbage"}, {"limit": 0}, {"order": "sideways"}):
        with pytest.raises(openai.BadRequestError) as caught:
            client.videos.list(**wrong)
        assert caught.value.param in wrong


@pytest.mark.shows("VideoDownloadContentParams", "variant")
@pytest.mark.shows("videos", "download_content")
def test_each_file_there_is_can_be_had(client: openai.OpenAI) -> None:
    video = client.videos.create(**ASK)
    assert client.videos.download_content(video.id).content[4:8] == b"ftyp"
    assert client.videos.download_content(video.id, variant="video").content[4:8] == b"ftyp"
    assert client.videos.download_content(video.id, variant="thumbnail").content[:4] == b"RIFF"
    with pytest.raises(openai.BadRequestError) as caught:
        client.videos.download_content(video.id, variant="spritesheet")
    assert caught.value.param == "variant"


@pytest.mark.shows("videos", "create_and_poll", "poll", "retrieve")
def test_polling_ends_with_the_video(client: openai.OpenAI) -> None:
    video = client.videos.create_and_poll(**ASK)
    assert strict(client.videos.poll(video.id)) == strict(client.videos.retrieve(video.id)) == strict(video)
    assert video.status == "completed"


@pytest.mark.shows("VideoDeleteResponse", "id", "deleted", "object")
@pytest.mark.shows("videos", "delete")
def test_a_deletion_is_told_and_leaves_nothing(client: openai.OpenAI, house: LocalHouse) -> None:
    video = client.videos.create(**ASK)
    assert house.objects() != []
    assert strict(client.videos.delete(video.id)) == {"id": video.id, "deleted": True, "object": "video.deleted"}
    assert house.objects() == []


ELSEWHERE: dict[str, Callable[[openai.OpenAI], object]] = {
    "create_character": lambda client: client.videos.create_character(name="Rex", video=b"mp4"),
    "edit": lambda client: client.videos.edit(prompt="at night", video=b"mp4"),
    "extend": lambda client: client.videos.extend(prompt="and then", seconds="8", video=b"mp4"),
    "get_character": lambda client: client.videos.get_character("char_1"),
}


@pytest.mark.shows("videos", every="not")
def test_what_is_not_there_is_refused_and_costs_nothing(
    client: openai.OpenAI, house: LocalHouse, names: list[str]
) -> None:
    assert ELSEWHERE.keys() == set(names)
    for ask in ELSEWHERE.values():
        with pytest.raises(openai.APIStatusError) as caught:
            ask(client)
        assert caught.value.status_code in (404, 405)
    assert house.simulator.posts == 0
