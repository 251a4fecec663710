"""What of `make sam-local` needs no container: whose each sample is, and what may come of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dev import template
from dev.intrinsics import REGION
from dev.place import Place
from dev.sam_local import ROOT, NotSo, events
from dev.template import Template

WHOSE = {
    "create-video": "RelayFunction",
    "create-video-job": "RelayFunction",
    "list-completions": "ResultsFunction",
    "get-docs-file": "ResultsFunction",
    "sqs-request": "IntakeFunction",
    "sqs-bus-event": "IntakeFunction",
    "sqs-dropped-file": "IntakeFunction",
    "s3-dropped-file": "IntakeFunction",
    "eventbridge-request": "IntakeFunction",
    "invoke-request": "IntakeFunction",
    "sqs-job": "WorkerFunction",
    "eventbridge-schedule": "SweepFunction",
}


@pytest.fixture(scope="module")
def reelay() -> Template:
    return template.read(ROOT / "template.yaml", Place("local", "http://127.0.0.1:9", REGION))


@pytest.mark.parametrize("name", WHOSE)
def test_a_sample_goes_to_the_function_that_its_trigger_sets_off(name: str, reelay: Template) -> None:
    assert events.function_of(events.read(ROOT / "events" / f"{name}.json"), reelay) == WHOSE[name]


@pytest.mark.parametrize("sample", events.SAMPLES, ids=lambda sample: sample.stem)
def test_every_sample_has_a_function_of_the_template(sample: Path, reelay: Template) -> None:
    assert events.function_of(events.read(sample), reelay) in reelay.functions


def test_a_sample_of_a_route_that_is_gone_is_told(reelay: Template) -> None:
    with pytest.raises(NotSo, match="PATCH /v1/videos"):
        events.function_of({"httpMethod": "PATCH", "resource": "/v1/videos"}, reelay)


GET: dict[str, Any] = {"httpMethod": "GET"}


@pytest.mark.parametrize(
    ("event", "answer"),
    [
        (GET, {"statusCode": 200}),
        (GET | {"pathParameters": {"video_id": "video_01"}}, {"statusCode": 404}),
        (GET | {"pathParameters": {"version": "0", "file": "app.js"}}, {"statusCode": 404}),
        ({"Records": []}, {"batchItemFailures": []}),
        ({"Records": []}, None),
        ({"model": "sora-2"}, {"id": "chatcmpl-01", "state": "queued"}),
    ],
)
def test_nothing_is_wrong_with_a_good_answer(event: Any, answer: Any) -> None:
    assert events.fault(event, answer) is None


@pytest.mark.parametrize(
    ("event", "answer", "says"),
    [
        (GET, {"errorMessage": "no", "errorType": "SettingsError"}, "SettingsError"),
        (GET, {"statusCode": 502}, "502"),
        (GET, None, "None"),
        (GET | {"pathParameters": {"completion_id": "chatcmpl-01"}}, {"statusCode": 500}, "500"),
        (GET | {"pathParameters": {"completion_id": "chatcmpl-01"}}, {"statusCode": 200}, "200"),
        ({"Records": []}, {"batchItemFailures": [{"itemIdentifier": "1"}]}, "did not take"),
        ({"model": "sora-2"}, {"error": {"type": "invalid_request_error"}}, "did not take"),
    ],
)
def test_a_bad_answer_is_told_in_words(event: Any, answer: Any, says: str) -> None:
    assert says in str(events.fault(event, answer))
