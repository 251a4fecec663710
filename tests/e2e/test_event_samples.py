"""The samples in events/ that are no HTTP requests: each through the door it is for, as it stands in the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reelay.job_messages import job_in
from reelay.model import Job
from tests.e2e.event_house import EventHouse
from tests.e2e.local_house import Context

EVENTS = Path(__file__).resolve().parents[2] / "events"
ASKS = ("sqs-request", "sqs-bus-event", "sqs-dropped-file", "eventbridge-request", "s3-dropped-file", "invoke-request")
OTHERS = ("sqs-job", "eventbridge-schedule")


def sample(name: str) -> Any:
    return json.loads((EVENTS / f"{name}.json").read_text())


def test_every_sample_is_either_asking_or_one_of_the_others() -> None:
    told = {path.stem for path in EVENTS.glob("*.json") if "httpMethod" not in json.loads(path.read_text())}
    assert told == {*ASKS, *OTHERS}


@pytest.mark.parametrize("name", ASKS)
def test_each_sample_that_asks_ends_as_one_completion_with_its_video(events: EventHouse, name: str) -> None:
    request = json.dumps(sample("invoke-request")).encode()
    events.s3.put_object(Bucket=events.bucket, Key="inbox/order 4711.json", Body=request)
    events.take_in(sample(name))
    events.work_off()
    page = events.call("GET", "/v1/chat/completions").json["data"]
    assert [(each["metadata"], each["media"][0]["status"]) for each in page] == [
        ({"project": "space-dogs"}, "archived")
    ]
    dropped = "outbox/order 4711.json" in [
        item["Key"] for item in events.s3.list_objects_v2(Bucket=events.bucket)["Contents"]
    ]
    assert dropped == ("dropped" in name)
    assert (events.simulator.posts, events.marks()) == (1, [])


def test_the_bad_message_beside_the_good_one_is_a_failed_record(events: EventHouse) -> None:
    assert events.take_in(sample("sqs-request")) == {"batchItemFailures": []}
    assert [notice["detail"]["error"]["code"] for notice in events.notices()] == ["invalid_request"]


def test_the_sample_job_names_a_record_and_one_that_is_not_there_is_done_at_once(events: EventHouse) -> None:
    job = sample("sqs-job")
    body = job["Records"][0]["body"]
    assert job_in(body) == Job("events", "01kmbq6b80g00000000000000a")
    assert events.work(body) == {"batchItemFailures": []}


def test_the_schedule_sweeps(events: EventHouse) -> None:
    assert events.house.sweep().serve(sample("eventbridge-schedule"), Context(240)) == {"sent": 0}
