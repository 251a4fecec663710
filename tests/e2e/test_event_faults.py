"""Jobs that meet trouble: lost messages, dead functions, cut answers, media that come late. Paid once, lost never."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from dev.simulator import Simulator
from reelay.documents import record_key, transcript_key
from reelay.jobs import ARCHIVE_SECONDS, QUEUE_LEASE_SECONDS, TRIES
from reelay.model import Phase, Record
from reelay.s3 import s3_client
from tests.e2e.event_house import EventHouse
from tests.e2e.local_house import PROMPT
from tests.fakes import FakeClock

LATER = 3600


def ask(model: str) -> Any:
    return {"model": model, "messages": [{"role": "user", "content": PROMPT}]}


@pytest.fixture
def clock() -> FakeClock:
    """Beginning now, because the simulator's links expire by the real time."""
    return FakeClock(time.time())


@pytest.fixture
def late(simulator: Simulator, bucket: str, clock: FakeClock, aws_environment: None) -> EventHouse:  # noqa: ARG001 - sets where AWS is
    """All doors by a clock that a test moves; the simulator may be asked after a job whose answer was cut."""
    return EventHouse(simulator, s3_client(), bucket, clock, status_url=simulator.origin + "/api/share/{task_id}")


def queued(house: EventHouse, model: str) -> str:
    """A job that an event asked for; returns its message."""
    house.take_in(house.message(ask(model)))
    (body,) = house.jobs()
    return body


def test_a_job_whose_message_was_lost_is_sent_again_by_the_sweep(late: EventHouse, clock: FakeClock) -> None:
    queued(late, "sora-2")
    assert late.sweep() == 0, "its message may still be on its way"
    clock.advance(QUEUE_LEASE_SECONDS)
    assert late.sweep() == 1
    assert late.sweep() == 0, "and not at every sweep"
    late.work_off()
    assert (late.only_record().phase, late.simulator.posts, late.marks()) == (Phase.COMPLETED, 1, [])


@pytest.mark.case("delivered-twice")
def test_a_message_that_comes_many_times_is_one_post(late: EventHouse) -> None:
    body = queued(late, "sora-2")
    for _ in range(5):
        assert late.work(body) == {"batchItemFailures": []}
    assert (late.simulator.posts, late.only_record().phase) == (1, Phase.COMPLETED)
    assert [notice["detail-type"] for notice in late.notices()] == ["Completion Completed", "Media Archived"]


def test_a_cut_answer_is_asked_after_and_becomes_the_completion_with_its_video(
    late: EventHouse, clock: FakeClock
) -> None:
    body = queued(late, "sim-cut")
    late.work(body)
    doubtful = late.only_record()
    assert (doubtful.phase, bool(doubtful.task_id)) == (Phase.RECONCILING, True)
    place = f"/v1/chat/completions/chatcmpl-{doubtful.id}"
    assert late.call("GET", place).status == 202
    for _ in range(3):
        clock.advance(40)
        late.work(body)
    assert late.only_record().phase is Phase.COMPLETED
    kept = late.call("GET", place).json
    assert (kept["choices"][0]["finish_reason"], kept["media"][0]["status"]) == ("stop", "archived")
    assert (late.simulator.posts, late.marks()) == (1, [])


def test_a_caller_whose_stream_was_cut_finds_the_video_later(late: EventHouse, clock: FakeClock) -> None:
    reply = late.create("sim-cut")
    assert reply.frames[-2]["error"]["code"] == "outcome_unknown"
    made = reply.frames[0]["id"]
    assert late.call("GET", f"/v1/videos/{made}").json["status"] == "in_progress"
    record = late.record(made)
    body = json.dumps({"tenant": record.tenant, "id": record.id})
    for _ in range(3):
        clock.advance(40)
        late.work(body)
    assert late.call("GET", f"/v1/videos/{made}/content").status == 302
    assert late.simulator.posts == 1


def test_without_a_task_id_doubt_stays_doubt(late: EventHouse) -> None:
    late.work(queued(late, "sim-cut-before-task"))
    assert late.only_record().phase is Phase.UNKNOWN
    (notice,) = late.notices()
    assert notice["detail"]["error"] == {
        "type": "upstream_error", "code": "outcome_unknown", "status": 502, "charged": True,
    }  # fmt: skip
    assert late.marks() == []


def put_back(house: EventHouse, record: Record, **fields: Any) -> None:
    """The record as a function that died would have left it."""
    place = record_key(record.tenant, record.id)
    document = json.loads(house.s3.get_object(Bucket=house.bucket, Key=place)["Body"].read())
    changed = {**document, **fields, "write_id": "dead"}
    house.s3.put_object(Bucket=house.bucket, Key=place, Body=json.dumps(changed).encode())
    house.s3.put_object(Bucket=house.bucket, Key=f"open/{record.id}/{record.tenant}", Body=b"")


LEFT: dict[str, Any] = {"phase": "accepted", "status": "in_progress", "completion": None, "media": [], "finished": 0}


def test_an_answer_that_was_whole_when_its_function_died_is_found_in_the_transcript(
    late: EventHouse, clock: FakeClock
) -> None:
    frames = late.create("sora-2").frames
    record = late.record(frames[0]["id"])
    told = late.call("GET", f"/v1/chat/completions/{frames[0]['id']}").json
    put_back(late, record, **LEFT)
    clock.advance(LATER)
    assert late.sweep() == 1
    late.work_off()
    again = late.call("GET", f"/v1/chat/completions/{frames[0]['id']}").json
    assert again["choices"] == told["choices"]
    assert again["media"][0]["status"] == "archived"
    assert (late.simulator.posts, late.marks()) == (1, [])


def test_what_a_dead_function_left_in_doubt_ends_as_unknown_and_is_told(late: EventHouse, clock: FakeClock) -> None:
    frames = late.create("sora-2").frames
    record = late.record(frames[0]["id"])
    half = late.transcript(frames[0]["id"])[:4000]
    late.s3.put_object(Bucket=late.bucket, Key=transcript_key(record.tenant, record.id), Body=half)
    put_back(late, record, **LEFT, ask_until=0)
    late.notices()
    clock.advance(LATER)
    late.sweep()
    late.work_off()
    assert late.record(frames[0]["id"]).phase is Phase.UNKNOWN
    assert [notice["detail"]["error"]["code"] for notice in late.notices()] == ["outcome_unknown"]
    assert (late.simulator.posts, late.marks()) == (1, [])


@pytest.mark.case("content-early-late")
def test_media_that_come_late_are_tried_again_for_an_hour(late: EventHouse, clock: FakeClock) -> None:
    late.work(queued(late, "sim-500-video"))
    record = late.only_record()
    assert (record.phase, record.media[0].again) == (Phase.COMPLETED, True)
    missing = late.call("GET", f"/v1/videos/video_{record.id}/content")
    assert (missing.status, missing.error["code"]) == (409, "not_ready")
    assert len(late.marks()) == 1
    late.notices()
    clock.advance(1000)
    assert late.sweep() == 1
    late.work_off()
    assert "Media Archived" not in [notice["detail-type"] for notice in late.notices()]
    clock.advance(ARCHIVE_SECONDS)
    late.sweep()
    late.work_off()
    assert late.marks() == []
    (told,) = [notice for notice in late.notices() if notice["detail-type"] == "Media Archived"]
    assert told["detail"]["media"][0]["status"] == "unavailable"


def test_a_job_that_the_upstream_is_too_busy_for_waits_and_is_tried_again_but_not_for_ever(
    late: EventHouse, clock: FakeClock
) -> None:
    body = queued(late, "sim-429")
    for tries in range(1, TRIES + 1):
        assert late.work(body) == {"batchItemFailures": []}
        record = late.only_record()
        assert record.tries == tries
        assert record.phase is (Phase.QUEUED if tries < TRIES else Phase.FAILED)
        clock.advance(LATER)
    kept = late.call("GET", f"/v1/chat/completions/chatcmpl-{late.only_record().id}")
    assert kept.error["code"] == "rate_limit_exceeded"
    assert late.marks() == []


def test_a_service_key_that_is_not_taken_is_told_as_ours_and_tried_again(late: EventHouse) -> None:
    late.work(queued(late, "sim-401"))
    assert late.only_record().phase is Phase.QUEUED


@pytest.mark.case("secret-down")
def test_without_the_services_key_nothing_is_sent_and_the_message_comes_again(
    simulator: Simulator,
    bucket: str,
    aws_environment: None,  # noqa: ARG001 - sets where AWS is
) -> None:
    house = EventHouse(simulator, s3_client(), bucket, service_key_secret="nowhere")
    body = queued(house, "sora-2")
    assert house.work(body) == {"batchItemFailures": [{"itemIdentifier": "j-1"}]}
    assert (house.only_record().phase, simulator.posts) == (Phase.QUEUED, 0)


@pytest.mark.case("poison-message")
def test_a_message_that_names_no_job_is_done_with(events: EventHouse) -> None:
    for body in ("", "{", "{}", '{"tenant": "../x", "id": "y"}', json.dumps({"tenant": "events", "id": "0" * 26})):
        assert events.work(body) == {"batchItemFailures": []}


@pytest.mark.case("poison-message")
def test_a_job_deleted_by_its_owner_is_never_run(events: EventHouse) -> None:
    body = queued(events, "sora-2")
    record = events.only_record()
    assert events.call("DELETE", f"/v1/videos/video_{record.id}").status == 200
    assert events.work(body) == {"batchItemFailures": []}
    events.take_in(events.message(ask("sora-2")))  # the event again
    assert (events.jobs(), events.simulator.posts, events.objects(), events.marks()) == ([], 0, [], [])


def test_a_job_that_nobody_began_within_a_day_fails_unpaid(late: EventHouse, clock: FakeClock) -> None:
    body = queued(late, "sora-2")
    clock.advance(25 * 3600)
    late.work(body)
    assert late.call("GET", f"/v1/chat/completions/chatcmpl-{late.only_record().id}").error["code"] == "not_begun"
    assert late.simulator.posts == 0


def test_what_a_strangers_key_was_refused_is_told_to_nobody_else(events: EventHouse) -> None:
    assert events.create("sim-401").status == 401
    assert (events.notices(), events.marks()) == ([], [])


@pytest.mark.case("delivered-twice")
def test_a_file_that_is_put_there_twice_is_one_job_and_its_sender_may_name_a_request_anywhere(
    events: EventHouse,
) -> None:
    body = json.dumps({**ask("sim-text"), "idempotency_key": "order-7"})
    for sequencer in ("01", "02"):
        tag = events.s3.put_object(Bucket=events.bucket, Key="inbox/a.json", Body=body)["ETag"]
        file = {"key": "inbox/a.json", "etag": tag, "sequencer": sequencer}
        created = {"source": "aws.s3", "time": f"2026-11-26T12:00:{sequencer}Z"}
        events.take_in({**created, "detail": {"bucket": {"name": events.bucket}, "object": file}})
    told = events.take_in(json.loads(body), request_id="another")
    events.take_in(events.message(body, id="m-9"))
    events.work_off()
    assert events.simulator.posts == 1
    (request,) = events.simulator.requests
    assert "idempotency_key" not in json.loads(request.body)
    assert told["id"] == f"chatcmpl-{events.only_record().id}"
    wrong = events.take_in({**ask("sim-text"), "idempotency_key": 7}, request_id="wrong")
    assert wrong["error"]["param"] == "idempotency_key"
