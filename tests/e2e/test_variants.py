"""Every shape that the upstream has been seen to answer in, through the door: conforming answers, kept results."""

from __future__ import annotations

import json

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from reelay.model import MediaKind, Phase
from tests.e2e.local_house import KEY, LocalHouse, Reply

WITH_VIDEO = [
    "sora-2", "sim-v2", "sim-v4", "sim-v5", "sim-v7", "sim-v8", "sim-delta-for-message", "sim-message-for-delta",
    "sim-sse-called-json", "sim-sse-for-whole", "sim-whole-for-stream", "sim-bom", "sim-choices-empty", "sim-comments",
    "sim-cr", "sim-crlf", "sim-data-after-done", "sim-malformed-event", "sim-multiline-data", "sim-no-space",
    "sim-null-delta", "sim-split-bytes", "sim-two-done", "sim-unknown-fields", "sim-usage-only", "sim-finish-no-done",
    "sim-done-no-finish",
]  # fmt: skip
WITHOUT_VIDEO = ["sim-text", "sim-no-link", "sim-refusal-text", "sim-tools"]


def assert_conforms(house: LocalHouse, reply: Reply, *, stream: bool) -> str:
    """The answer is what the contract and OpenAI's own types say; returns its id."""
    contract = house.house.contract
    assert contract.answer_faults("createChatCompletion", reply.status, reply.headers, reply.body) == []
    if not stream:
        ChatCompletion.model_validate(reply.json)
        (ids, finishes) = ({reply.json["id"]}, [choice["finish_reason"] for choice in reply.json["choices"]])
    else:
        *chunks, done = reply.frames
        assert done == "[DONE]"
        assert [fault for chunk in chunks for fault in contract.chunk_faults(chunk)] == []
        for chunk in chunks:
            ChatCompletionChunk.model_validate(chunk)
        ids = {chunk["id"] for chunk in chunks}
        finishes = [c["finish_reason"] for chunk in chunks for c in chunk["choices"] if c["finish_reason"]]
    assert finishes in (["stop"], ["tool_calls"])
    (only,) = ids
    assert reply.headers["Content-Location"] == f"/live/v1/chat/completions/{only}"
    return str(only)


@pytest.mark.case("split-anyhow", "odd-events")
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("model", WITH_VIDEO)
def test_a_video_comes_out_conforming_is_kept_verbatim_and_its_files_are_copied(
    house: LocalHouse, model: str, stream: bool
) -> None:
    reply = house.create(model, stream=stream)
    assert reply.status == 200
    completion_id = assert_conforms(house, reply, stream=stream)
    assert ".mp4" in reply.content
    kept = house.call("GET", f"/v1/chat/completions/{completion_id}")
    assert kept.status == 200
    assert kept.json["choices"][0]["message"]["content"] == reply.content
    assert house.house.contract.answer_faults("getChatCompletion", 200, kept.headers, kept.body) == []
    record = house.record(completion_id)
    assert record.phase is Phase.COMPLETED
    assert [media.reason for media in record.media if media.kind is MediaKind.VIDEO] == [None]
    assert record.transcript_bytes == len(house.transcript(completion_id)) > 0
    assert house.simulator.posts == 1


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("model", WITHOUT_VIDEO)
def test_an_answer_that_ends_well_without_a_video_is_no_error(house: LocalHouse, model: str, stream: bool) -> None:
    reply = house.create(model, stream=stream, tools=[{"type": "function", "function": {"name": "look"}}])
    completion_id = assert_conforms(house, reply, stream=stream)
    assert (house.record(completion_id).phase, house.record(completion_id).media) == (Phase.COMPLETED, ())


def test_the_transcript_is_what_the_upstream_sent_to_the_byte(house: LocalHouse) -> None:
    completion_id = house.create("sora-2").frames[0]["id"]
    sent = b"".join(frame.data for frame in house.simulator.sent)
    assert house.transcript(completion_id) == sent


def test_the_upstream_receives_the_callers_bytes_and_headers(house: LocalHouse) -> None:
    body = b'{"stream":true, "x": {"deep": [1.0, 2e3]},\n "messages":[{"content":"hi","role":"user"}],"model":"sora-2"}'
    house.post(body.decode(), Accept="text/event-stream, application/json", X_Forwarded_Host="localhost:5173")
    (received,) = house.simulator.requests
    assert received.body == body
    assert received.headers["authorization"] == f"Bearer {KEY}"
    assert received.headers["accept"] == "text/event-stream, application/json"
    assert received.headers["x-forwarded-host"] == "localhost:5173"
    assert received.headers["accept-encoding"] == "identity"


def test_an_image_in_the_content_goes_on_as_it_is(house: LocalHouse) -> None:
    parts = [
        {"type": "text", "text": "the dog chases a comet"},
        {"type": "image_url", "image_url": {"url": "https://example.com/dog.png"}},
    ]
    reply = house.post({"model": "sora-2", "messages": [{"role": "user", "content": parts}], "stream": True})
    completion_id = assert_conforms(house, reply, stream=True)
    messages = house.call("GET", f"/v1/chat/completions/{completion_id}/messages").json
    assert messages["data"] == [{"id": f"{completion_id}-0", "role": "user", "content": None, "content_parts": parts}]


def test_the_earlier_answer_sent_back_makes_the_next_call_an_edit(house: LocalHouse) -> None:
    first = house.create("sora-2").content
    history = [
        {"role": "user", "content": "a dog"},
        {"role": "assistant", "content": first},
        {"role": "user", "content": "make it night"},
    ]
    edited = house.post({"model": "sora-2", "messages": history, "stream": True}).content
    echo = json.loads(edited.split("```json", 1)[1].split("```", 1)[0])
    assert echo["sid"] in first


def test_progress_and_the_task_are_in_the_record(house: LocalHouse) -> None:
    record = house.record(house.create("sora-2").frames[0]["id"])
    assert (record.status, record.progress) == ("completed", 100)
    assert str(record.task_id).startswith("task_01")
    assert record.upstream_id


def test_unknown_fields_of_the_upstream_are_passed_on(house: LocalHouse) -> None:
    frames = house.create("sim-unknown-fields").frames[:-1]
    known = set(ChatCompletionChunk.model_fields)
    assert {name for frame in frames for name in frame} - known


def test_a_live_door_sends_each_frame_as_a_piece_of_its_own(house: LocalHouse) -> None:
    live = house.live("sora-2")
    assert live.ended
    assert len(live.sent) > 20
    assert all(piece.endswith(b"\n\n") for piece in live.sent)
    assert live.sent[-1] == b"data: [DONE]\n\n"
