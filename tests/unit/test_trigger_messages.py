"""Messages as Lambda's event, and what the function's answer says of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dev.surroundings import Queue
from dev.triggers.messages import failed_ids, sqs_event

IDS = frozenset({"a", "b"})
QUEUE = Queue("Jobs", "here-Jobs", "http://aws/1/here-Jobs", "arn:aws:sqs:eu-west-1:1:here-Jobs", {})


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        (None, set()),
        ({}, set()),
        ({"batchItemFailures": None}, set()),
        ({"batchItemFailures": []}, set()),
        ({"batchItemFailures": [{"itemIdentifier": "a"}]}, {"a"}),
        ({"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "a"}]}, {"a"}),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, IDS),
        ({"batchItemFailures": [{"itemIdentifier": None}]}, IDS),
        ({"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "c"}]}, IDS),
        ({"batchItemFailures": [{"item": "a"}]}, IDS),
        ({"batchItemFailures": ["a"]}, IDS),
        ({"batchItemFailures": {"itemIdentifier": "a"}}, IDS),
        ("done", IDS),
    ],
)
def test_which_messages_failed_is_read_as_lambda_reads_it(answer: Any, failed: set[str]) -> None:
    assert failed_ids(answer, IDS) == failed


SEQUENCER = "617f08299329d189"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no JSON",
        '{"source": "aws.s3", "detail": {"object": {"etag": "x", "sequencer": "1"}}}',
        SEQUENCER,
        f'"{SEQUENCER}"',
        f'{{"detail": "{SEQUENCER}"}}',
        f'{{"detail": {{"object": "{SEQUENCER}"}}}}',
        f'{{"detail": {{"object": {{"sequencer": "{SEQUENCER}"}}}}}}',
        "[" * 100_000 + SEQUENCER,
    ],
)
def test_what_is_no_event_of_motos_stays_as_it_is(body: str) -> None:
    assert sqs_event([message(body)], QUEUE)["Records"][0]["body"] == body


def test_an_event_of_s3_keeps_its_version_where_there_is_one() -> None:
    file = {"eTag": "x", "version-id": "v1", "sequencer": SEQUENCER}
    moto = {"id": "same", "source": "aws.s3", "detail": {"object": file}}
    (record,) = sqs_event([message(json.dumps(moto))], QUEUE)["Records"]
    assert json.loads(record["body"]) == {
        "id": "one",
        "source": "aws.s3",
        "detail": {"object": {"etag": "x", "version-id": "v1", "sequencer": "000000000000000A"}},
    }


def message(body: str) -> Any:
    names = ("ApproximateReceiveCount", "SenderId", "ApproximateFirstReceiveTimestamp")
    attributes = {"SentTimestamp": "10", **dict.fromkeys(names, "1")}
    return {"MessageId": "one", "ReceiptHandle": "r", "Body": body, "Attributes": attributes}
