"""The Videos API as a view: requests become chat completions, records become videos."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from reelay.contract import Contract
from reelay.ids import video_id
from reelay.jobs import ARCHIVE_SECONDS, OPEN
from reelay.model import Media, MediaKind, Phase, Problem, Record, VideoRequest
from reelay.shapes import Identity, whole
from reelay.videos import ALMOST_PERCENT, is_video, remixed, view, wanted
from tests.fakes import NOON, new_record

LINK = "https://files.example/a.mp4"
PICTURE = "data:image/png;base64,iVBORw0KGgo="
PROBLEM = Problem("It broke.", "upstream_error", None, "upstream_broken", 502, charged=True)
KEPT = Media(MediaKind.VIDEO, LINK, key="k", size=3)


def completion(text: str | None) -> dict[str, Any]:
    return whole(Identity("chatcmpl-x", "sora-2", 1), {"choices": [{"message": {"content": text}}]})


def completed(text: str | None = f"[▶️ watch]({LINK})", **fields: Any) -> Record:
    ended = {"phase": Phase.COMPLETED, "finished": int(NOON) + 60, "progress": 100, "status": "completed"}
    return new_record(**{**ended, "completion": completion(text), **fields})


@pytest.fixture(scope="module")
def contract() -> Contract:
    return Contract.load()


# ── Asking ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_prompt_alone_is_said_as_it_is() -> None:
    request, video = wanted({"prompt": "a dog", "model": "sora-2"})
    assert request == {"model": "sora-2", "messages": [{"role": "user", "content": "a dog"}], "stream": True}
    assert video == VideoRequest("a dog")


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ({"seconds": "8"}, "(8 seconds)"),
        ({"size": "1280x720"}, "(landscape, 1280x720)"),
        ({"size": "720x1280"}, "(portrait, 720x1280)"),
        ({"size": "720x720"}, "(square, 720x720)"),
        ({"seconds": "12", "size": "720x1280"}, "(12 seconds, portrait, 720x1280)"),
    ],
)
def test_length_and_size_are_said_in_a_line_of_their_own(said: dict[str, str], line: str) -> None:
    request, video = wanted({"prompt": "a dog", "model": "sora-2", **said})
    assert request["messages"][0]["content"] == f"a dog\n\n{line}"
    assert video == VideoRequest("a dog", said.get("seconds"), said.get("size"))


def test_a_picture_goes_with_the_words() -> None:
    request, _ = wanted({"prompt": "a dog", "model": "m", "seconds": "4", "input_reference": {"image_url": PICTURE}})
    words, picture = request["messages"][0]["content"]
    assert words == {"type": "text", "text": "a dog\n\n(4 seconds)"}
    assert picture == {"type": "image_url", "image_url": {"url": PICTURE}}


@pytest.mark.parametrize("more", [{}, {"seconds": "8", "size": "1280x720", "input_reference": {"image_url": PICTURE}}])
def test_what_is_asked_for_is_a_chat_completion_of_the_contract(contract: Contract, more: Any) -> None:
    request, _ = wanted({"prompt": "a dog", "model": "sora-2", **more})
    assert contract.read_event(json.dumps(request).encode()).body == request


def test_a_remix_sends_the_conversation_back_with_the_answer_and_the_new_prompt() -> None:
    before = completed("> sid: s_1\n" + LINK, video=VideoRequest("a dog", "8", "720x1280"), model="sora-2-pro")
    asked = remixed(before, {"prompt": "now at night"})
    assert asked
    request, video = asked
    assert request["model"] == "sora-2-pro"
    assert request["messages"] == [
        {"role": "user", "content": "a golden retriever"},
        {"role": "assistant", "content": "> sid: s_1\n" + LINK},
        {"role": "user", "content": "now at night"},
    ]
    assert video == VideoRequest("now at night", "8", "720x1280", before.id)


def test_a_remix_leaves_what_it_changes_as_it_was() -> None:
    before = completed()
    messages = list((before.request or {})["messages"])
    remixed(before, {"prompt": "now at night"})
    assert (before.request or {})["messages"] == messages


@pytest.mark.parametrize("missing", [{"request": None}, {"completion": None}])
def test_what_was_not_kept_cannot_be_remixed(missing: Any) -> None:
    assert remixed(replace(completed(), **missing), {"prompt": "now at night"}) is None


# ── Seeing ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_video_that_was_asked_for_as_one_says_so() -> None:
    video = VideoRequest("a dog", "8", "720x1280", "01k9zzzzzzzzzzzzzzzzzzzzzz")
    record = new_record(phase=Phase.ACCEPTED, status="in_progress", progress=36, video=video)
    assert view(record, NOON) == {
        "id": video_id(record.id),
        "object": "video",
        "model": "sora-2",
        "status": "in_progress",
        "progress": 36,
        "created_at": int(NOON),
        "completed_at": None,
        "expires_at": None,
        "prompt": "a dog",
        "size": "720x1280",
        "seconds": "8",
        "remixed_from_video_id": "video_01k9zzzzzzzzzzzzzzzzzzzzzz",
        "error": None,
    }


@pytest.mark.parametrize(
    ("content", "prompt"),
    [
        ("a dog", "a dog"),
        ([{"type": "text", "text": "a dog"}, {"type": "image_url", "image_url": {"url": PICTURE}}], "a dog"),
        ([{"type": "text", "text": "a dog"}, {"type": "text", "text": "at night"}], "a dog\nat night"),
        ([{"type": "image_url", "image_url": {"url": PICTURE}}], None),
    ],
)
def test_the_prompt_of_a_chat_completion_is_the_last_thing_a_user_said(content: Any, prompt: str | None) -> None:
    earlier = [{"role": "user", "content": "a cat"}, {"role": "assistant", "content": "done"}]
    messages = [*earlier, {"role": "user", "content": content}, {"role": "assistant"}]
    assert view(new_record(request={"messages": messages}), NOON)["prompt"] == prompt


@pytest.mark.parametrize("request_", [None, {"messages": []}, {"messages": [{"role": "system", "content": "x"}]}])
def test_there_may_be_no_prompt(request_: Any) -> None:
    assert view(new_record(request=request_), NOON)["prompt"] is None


@pytest.mark.parametrize("phase", OPEN)
def test_an_open_record_is_queued_or_in_progress(phase: Phase) -> None:
    seen = [view(new_record(phase=phase, status=status), NOON)["status"] for status in (None, "queued", "in_progress")]
    assert seen == ["queued", "queued", "in_progress"]


@pytest.mark.parametrize("said", ["completed", "failed"])
def test_a_video_that_the_upstream_calls_finished_does_not_go_back_into_the_queue(said: str) -> None:
    """The text says so a moment before the answer is whole; to its caller the video is still being made."""
    record = new_record(phase=Phase.ACCEPTED, status=said, progress=100)
    seen = view(record, NOON)
    assert (seen["status"], seen["progress"]) == ("in_progress", ALMOST_PERCENT)


@pytest.mark.parametrize("phase", [Phase.FAILED, Phase.UNKNOWN])
def test_a_failure_is_told_with_its_code_and_words(phase: Phase) -> None:
    seen = view(new_record(phase=phase, problem=PROBLEM, finished=int(NOON) + 9), NOON + 9)
    assert (seen["status"], seen["completed_at"]) == ("failed", None)
    assert seen["error"] == {"code": "upstream_broken", "message": "It broke."}
    assert view(new_record(phase=phase, problem=replace(PROBLEM, code=None)), NOON)["error"]["code"] == "failed"
    assert view(new_record(phase=phase), NOON)["error"]["code"] == "failed"


def test_a_video_is_completed_when_it_can_be_downloaded() -> None:
    seen = view(completed(media=(KEPT,)), NOON + 61)
    assert (seen["status"], seen["progress"], seen["completed_at"]) == ("completed", 100, int(NOON) + 60)


def test_a_video_that_is_being_copied_is_in_progress_for_as_long_as_that_is_tried() -> None:
    seen = view(completed(), NOON + 60 + ARCHIVE_SECONDS - 1)
    assert (seen["status"], seen["progress"], seen["completed_at"]) == ("in_progress", ALMOST_PERCENT, None)
    assert view(completed(), NOON + 60 + ARCHIVE_SECONDS)["status"] == "completed"


def test_a_video_that_cannot_be_copied_is_completed_all_the_same() -> None:
    assert view(completed(media=(replace(KEPT, key=None, reason="gone"),)), NOON + 61)["status"] == "completed"


@pytest.mark.parametrize("text", ["I cannot draw that.", "", None, "```json\n" + LINK + "\n```"])
def test_an_answer_without_a_video_has_failed(text: str | None) -> None:
    seen = view(completed(text), NOON + 61)
    assert (seen["status"], seen["error"]["code"]) == ("failed", "no_video")


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("status", [None, "queued", "in_progress", "completed", "failed"])
def test_every_record_is_a_video_of_the_contract(contract: Contract, phase: Phase, status: str | None) -> None:
    ended: dict[str, Any] = {} if phase in OPEN else {"finished": int(NOON) + 60}
    known: dict[str, Any] = {"completion": completion(LINK)} if phase is Phase.COMPLETED else {}
    record = new_record(phase=phase, status=status, progress=100, problem=PROBLEM, **ended, **known)
    for each in (record, replace(record, media=(KEPT,)), replace(record, video=VideoRequest("a dog", "8"))):
        body = json.dumps(view(each, NOON + 61)).encode()
        assert contract.answer_faults("getVideo", 200, {"content-type": "application/json"}, body) == []


def test_a_list_of_videos_holds_what_was_asked_for_as_one_or_turned_out_to_be_one() -> None:
    assert not is_video(new_record())
    assert is_video(new_record(video=VideoRequest("a dog")))
    assert is_video(completed(media=(KEPT,)))
    assert not is_video(completed(media=(KEPT,), keeps=False))
