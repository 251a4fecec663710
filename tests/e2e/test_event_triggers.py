"""Requests that come as events: each becomes one job, and each outcome is where whoever asked will look."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reelay.contract import Contract
from tests.e2e.event_house import SERVICE_KEY, EventHouse
from tests.e2e.local_house import PROMPT

ASK: Any = {"model": "sora-2", "messages": [{"role": "user", "content": PROMPT}]}
TEXT: Any = {**ASK, "model": "sim-text"}


def bus_event(detail: Any, id: str = "6a7e8feb-b491-4cf7-a9f1-bf3703467718") -> dict[str, Any]:
    return {
        "version": "0",
        "id": id,
        "detail-type": "Completion Requested",
        "source": "shop",
        "account": "123456789012",
        "time": "2026-11-26T12:00:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail": detail,
    }


def created(events: EventHouse, key: str, body: bytes, sequencer: str = "617f08299329d189") -> dict[str, Any]:
    """A file put into the bucket, and S3's event of it as EventBridge delivers it."""
    tag = events.s3.put_object(Bucket=events.bucket, Key=key, Body=body)["ETag"].strip('"')
    file = {"key": key, "size": len(body), "etag": tag, "sequencer": sequencer}
    return {
        **bus_event({"version": "0", "bucket": {"name": events.bucket}, "object": file, "reason": "PutObject"}),
        "detail-type": "Object Created",
        "source": "aws.s3",
    }


def outcome(events: EventHouse, key: str) -> Any:
    return json.loads(events.s3.get_object(Bucket=events.bucket, Key=key)["Body"].read())


def test_a_message_becomes_a_completion_with_its_video_and_two_events(events: EventHouse) -> None:
    assert events.take_in(events.message({**ASK, "metadata": {"project": "space-dogs"}})) == {"batchItemFailures": []}
    assert events.work_off() == 1
    record = events.only_record()
    kept = events.call("GET", f"/v1/chat/completions/chatcmpl-{record.id}").json
    assert (kept["model"], kept["media"][0]["status"], kept["metadata"]) == (
        "sora-2", "archived", {"project": "space-dogs"},
    )  # fmt: skip
    (request,) = events.simulator.requests
    assert request.headers["authorization"] == f"Bearer {SERVICE_KEY}"
    notices = events.notices()
    assert [each["detail-type"] for each in notices] == ["Completion Completed", "Media Archived"]
    for notice in notices:
        assert Contract.load().event_faults(notice["detail-type"], notice["detail"]) == []
        assert PROMPT not in json.dumps(notice)
    assert events.marks() == []


def test_a_video_can_be_asked_for_in_the_words_of_the_videos_api(events: EventHouse) -> None:
    events.take_in(events.message({"prompt": PROMPT, "model": "sora-2", "size": "1280x720"}))
    events.work_off()
    record = events.only_record()
    video = events.call("GET", f"/v1/videos/video_{record.id}").json
    assert (video["status"], video["prompt"], video["size"]) == ("completed", PROMPT, "1280x720")


@pytest.mark.case("delivered-twice")
@pytest.mark.parametrize("times", [1, 3])
def test_an_event_delivered_more_than_once_is_one_job(events: EventHouse, times: int) -> None:
    for time in range(times):
        events.take_in(events.message(TEXT))
        events.take_in(events.message(bus_event(TEXT), id=f"other-{time}"))
    events.work_off()
    assert len([key for key in events.objects() if "/records/" in key]) == 2
    assert events.simulator.posts == 2


def test_a_sender_may_name_a_request(events: EventHouse) -> None:
    for name in ("m-1", "m-2"):
        events.take_in(events.message(TEXT, id=name, Idempotency_Key="one-video"))
    events.take_in(events.message({**TEXT, "temperature": 1}, id="m-3", Idempotency_Key="one-video"))
    events.work_off()
    assert events.simulator.posts == 1
    assert [notice["detail"]["error"]["code"] for notice in events.notices() if notice["detail"]["error"]] == [
        "idempotency_key_reused"
    ]


@pytest.mark.case("delivered-twice")
def test_a_dropped_file_has_its_outcome_laid_beside_it_once_for_each_version(events: EventHouse) -> None:
    first = created(events, "inbox/orders/köln 7+.json", json.dumps(ASK).encode(), "01")
    for name in ("m-1", "m-2", "m-3"):
        events.take_in(events.message(first, id=name))
    events.work_off()
    told = outcome(events, "outbox/orders/köln 7+.json")
    assert told["object"] == "chat.completion"
    assert told["media"][0]["status"] == "archived"
    second = created(events, "inbox/orders/köln 7+.json", json.dumps(TEXT).encode(), "02")
    events.take_in(events.message(first, id="m-4"))  # late, and the file is another one by now
    events.take_in(events.message(second, id="m-5"))
    events.work_off()
    assert outcome(events, "outbox/orders/köln 7+.json")["id"] != told["id"]
    assert events.simulator.posts == 2


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_request"),
        (b"not json", "invalid_json"),
        (b"\x89PNG\r\n", "invalid_json"),
        (b'{"model": "sora-2"}', "invalid_request"),
        (b"x" * (7 * 1024 * 1024), "request_too_large"),
    ],
)
@pytest.mark.case("poison-message")
def test_a_file_that_cannot_be_read_is_answered_in_words_and_never_comes_again(
    events: EventHouse, body: bytes, code: str
) -> None:
    dropped = created(events, "inbox/a.json", body)
    assert events.take_in(events.message(dropped)) == {"batchItemFailures": []}
    told = outcome(events, "outbox/a.json")
    assert told["error"]["code"] == code
    kept = events.call("GET", f"/v1/chat/completions/{told['id']}")
    assert (kept.status >= 400, kept.error) == (True, told["error"])
    assert (events.work_off(), events.simulator.posts, events.marks()) == (0, 0, [])
    assert [notice["detail-type"] for notice in events.notices()] == ["Completion Failed"]


@pytest.mark.case("poison-message")
def test_one_bad_message_leaves_the_others_alone(events: EventHouse) -> None:
    batch = events.batch(("a", "{"), ("b", TEXT), ("c", {**TEXT, "store": False}), ("d", {"model": 1}))
    assert events.take_in(batch) == {"batchItemFailures": []}
    assert (events.work_off(), events.simulator.posts) == (1, 1)
    failed = [notice["detail"]["error"]["status"] for notice in events.notices() if notice["detail"]["error"]]
    assert failed == [400, 400, 400]


def test_a_direct_invocation_is_told_its_job_or_what_is_wrong(events: EventHouse) -> None:
    told = events.take_in(TEXT, request_id="c0ffee")
    assert (told["object"], told["status"]) == ("chat.completion.state", "queued")
    assert events.take_in(TEXT, request_id="c0ffee")["id"] == told["id"], "Lambda's own second try"
    events.work_off()
    assert events.call("GET", f"/v1/chat/completions/{told['id']}").status == 200
    assert events.simulator.posts == 1
    wrong = events.take_in({**TEXT, "messages": []}, request_id="bad")
    assert wrong["error"]["param"] == "messages"
    assert events.call("GET", f"/v1/chat/completions/{wrong['id']}").error == wrong["error"]


def test_an_eventbridge_event_may_come_without_the_queue_between(events: EventHouse) -> None:
    told = events.take_in(bus_event(TEXT))
    events.work_off()
    assert events.call("GET", f"/v1/chat/completions/{told['id']}").status == 200
