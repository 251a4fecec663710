"""The Videos API through the doors: a job that is a chat completion, read through both APIs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reelay.contract import Contract
from reelay.model import Phase
from reelay.video_jobs import REQUEST_BYTES
from tests.contract.proxy_events import rest_event
from tests.e2e.local_house import PROMPT, LocalHouse, Pieces, Reply

ASK: Any = {"model": "sora-2", "prompt": PROMPT}
FILM = "/v1/videos"


def conforms(operation: str, reply: Reply) -> bool:
    return Contract.load().answer_faults(operation, reply.status, reply.headers, reply.body) == []


def told(pieces: Pieces) -> Any:
    return json.loads(b"".join(pieces.sent))


def film(house: LocalHouse, **more: Any) -> Any:
    """A video that is made when this returns, as it is read back."""
    made = told(house.streamed(FILM, {**ASK, **more}))
    return house.call("GET", f"{FILM}/{made['id']}").json


def test_a_job_is_told_at_once_and_goes_on_after_the_answer(house: LocalHouse) -> None:
    pieces = house.streamed(FILM, {**ASK, "seconds": "8", "size": "1280x720"})
    made = told(pieces)
    assert (pieces.status, made["object"], made["status"], made["progress"]) == (200, "video", "queued", 0)
    assert (made["prompt"], made["seconds"], made["size"], made["error"]) == (PROMPT, "8", "1280x720", None)
    reply = house.call("GET", str(pieces.headers["Location"]).removeprefix("/live"))
    assert (reply.json["id"], reply.json["status"], reply.json["progress"]) == (made["id"], "completed", 100)
    assert reply.json["completed_at"] >= reply.json["created_at"]
    assert conforms("getVideo", reply)
    assert "openai-poll-after-ms" not in reply.headers
    assert house.call("GET", f"{FILM}/{made['id']}/content").status == 302


def test_what_the_caller_said_of_length_and_shape_is_said_to_the_upstream_in_words(house: LocalHouse) -> None:
    film(house, seconds="8", size="720x1280")
    film(house)
    said, plain = (json.loads(request.body) for request in house.simulator.requests)
    assert said["messages"][0]["content"] == f"{PROMPT}\n\n(8 seconds, portrait, 720x1280)"
    assert plain == {"model": "sora-2", "messages": [{"role": "user", "content": PROMPT}], "stream": True}


def test_labels_are_kept_and_found(house: LocalHouse) -> None:
    video = film(house, metadata={"project": "space-dogs"})
    told(house.streamed(f"{FILM}/{video['id']}/remix", {"prompt": "at night", "metadata": {"project": "night"}}))
    for project, count in (("space-dogs", 1), ("night", 1), ("day", 0)):
        page = house.call("GET", "/v1/chat/completions", query={"metadata[project]": [project]})
        assert len(page.json["data"]) == count


def test_a_picture_goes_along_as_a_part_of_the_message(house: LocalHouse) -> None:
    film(house, input_reference={"image_url": "https://example.com/dog.png"})
    (request,) = house.simulator.requests
    assert json.loads(request.body)["messages"][0]["content"] == [
        {"type": "text", "text": PROMPT},
        {"type": "image_url", "image_url": {"url": "https://example.com/dog.png"}},
    ]


def test_a_video_is_a_chat_completion_and_a_chat_completion_a_video(house: LocalHouse) -> None:
    video = film(house)
    chat = house.call("GET", f"/v1/chat/completions/{video['id'].replace('video_', 'chatcmpl-')}")
    assert ".mp4" in chat.json["choices"][0]["message"]["content"]
    asked = house.create("sora-2").frames[0]["id"].replace("chatcmpl-", "video_")
    again = house.call("GET", f"{FILM}/{asked}").json
    assert (again["status"], again["prompt"], again["seconds"]) == ("completed", PROMPT, None)
    for order, ids in (("asc", [video["id"], asked]), ("desc", [asked, video["id"]])):
        page = house.call("GET", FILM, query={"order": [order]})
        assert [each["id"] for each in page.json["data"]] == ids
        assert conforms("listVideos", page)


def test_pages_of_videos_go_on_behind_their_last_one(house: LocalHouse) -> None:
    made = [film(house)["id"] for _ in range(3)]
    house.create("sim-text")  # no video, and in no list of them
    first = house.call("GET", FILM, query={"limit": ["2"]}).json
    assert ([each["id"] for each in first["data"]], first["has_more"]) == (made[:0:-1], True)
    rest = house.call("GET", FILM, query={"limit": ["2"], "after": [first["last_id"]]}).json
    assert ([each["id"] for each in rest["data"]], rest["has_more"]) == (made[:1], False)


def test_a_remix_sends_the_earlier_conversation_and_its_answer_back(house: LocalHouse) -> None:
    video = film(house, seconds="8")
    remix = told(house.streamed(f"{FILM}/{video['id']}/remix", {"prompt": "the same, at night"}))
    assert (remix["remixed_from_video_id"], remix["prompt"]) == (video["id"], "the same, at night")
    first, second = (json.loads(request.body)["messages"] for request in house.simulator.requests)
    assert second[:1] == first
    assert "sid: s_" in second[1]["content"]
    assert second[2] == {"role": "user", "content": "the same, at night"}
    assert house.call("GET", f"{FILM}/{remix['id']}").json["status"] == "completed"


def test_a_remix_of_what_is_not_there_or_has_failed_costs_nothing(house: LocalHouse) -> None:
    assert house.streamed(f"{FILM}/video_{'0' * 26}/remix", {"prompt": "x"}).status == 404
    assert house.streamed(f"{FILM}/nonsense/remix", {"prompt": "x"}).status == 404
    failed = film(house, model="sim-cut")
    posts = house.simulator.posts
    assert house.streamed(f"{FILM}/{failed['id']}/remix", {"prompt": "x"}).status == 502
    assert house.simulator.posts == posts


def test_a_deleted_video_is_gone_from_both_apis(house: LocalHouse) -> None:
    video = film(house)
    gone = house.call("DELETE", f"{FILM}/{video['id']}")
    assert gone.json == {"id": video["id"], "object": "video.deleted", "deleted": True}
    assert conforms("deleteVideo", gone)
    assert house.call("GET", f"{FILM}/{video['id']}").status == 404
    assert house.objects() == []


@pytest.mark.parametrize(
    ("model", "code"),
    [("sim-cut", "outcome_unknown"), ("sim-text", "no_video"), ("sim-stream-error", None)],
)
def test_a_video_that_fails_says_why(house: LocalHouse, model: str, code: str | None) -> None:
    reply = house.call("GET", f"{FILM}/{film(house, model=model)['id']}")
    assert (reply.status, reply.json["status"]) == (200, "failed")
    assert reply.json["error"]["message"]
    assert code in (None, reply.json["error"]["code"])
    assert conforms("getVideo", reply)


@pytest.mark.case("link-dead")
def test_a_video_whose_link_died_is_completed_and_its_file_says_why_it_is_not_there(house: LocalHouse) -> None:
    video = film(house, model="sim-403-video")
    assert video["status"] == "completed"
    missing = house.call("GET", f"{FILM}/{video['id']}/content")
    assert (missing.status, missing.error["code"]) == (404, "media_unavailable")


def test_the_same_key_and_prompt_is_one_video(house: LocalHouse) -> None:
    first, again = (house.streamed(FILM, ASK, Idempotency_Key="k") for _ in range(2))
    assert told(first)["id"] == told(again)["id"]
    assert (told(again)["status"], again.headers["x-reelay-replayed"]) == ("completed", "true")
    other = house.streamed(FILM, {**ASK, "seconds": "4"}, Idempotency_Key="k")
    assert (other.status, house.simulator.posts) == (422, 1)


def test_where_answers_are_buffered_the_answer_is_the_finished_video(house: LocalHouse) -> None:
    sent = {"Content-Type": "application/json", "Authorization": "Bearer sk-1"}
    reply = house.serve(rest_event("POST", FILM, headers=sent, body=json.dumps(ASK)))
    assert (reply.status, reply.json["status"]) == (200, "completed")
    assert conforms("createVideo", reply)
    assert house.only_record().phase is Phase.COMPLETED


def test_a_conversation_that_grew_beyond_what_can_be_sent_is_not_remixed(house: LocalHouse) -> None:
    picture = "data:image/png;base64," + "A" * (REQUEST_BYTES - 2000)
    part = {"type": "image_url", "image_url": {"url": picture}}
    messages = [{"role": "user", "content": [{"type": "text", "text": PROMPT}, part]}]
    made = house.post({"model": "sora-2", "messages": messages, "stream": True}).frames[0]["id"]
    reply = house.streamed(f"{FILM}/{made}/remix", {"prompt": "x" * 3000})
    assert (reply.status, told(reply)["error"]["code"]) == (413, "request_too_large")
    assert house.simulator.posts == 1
