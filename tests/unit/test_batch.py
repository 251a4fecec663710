"""A batch of messages: each is done or comes again for itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from reelay.batch import worked_off
from reelay.errors import Conflict, KeyUnavailable, NotFound, QueueFailed, ReelayError, StoreFailed
from tests.fakes import FakeTelemetry

SECRET = "sk-secret"


def batch(*names: str) -> list[dict[str, Any]]:
    return [{"messageId": name, "body": f"{SECRET} {name}"} for name in names]


def failing(failures: Mapping[str, BaseException], done: list[str]) -> Any:
    def handle(message: Mapping[str, Any]) -> None:
        name = message["messageId"]
        if name in failures:
            raise failures[name]
        done.append(name)

    return handle


def test_what_was_done_does_not_come_again() -> None:
    done: list[str] = []
    telemetry = FakeTelemetry()
    assert worked_off(batch("a", "b"), failing({}, done), telemetry) == {"batchItemFailures": []}
    assert done == ["a", "b"]
    assert telemetry.alarms == []
    assert telemetry.counts == []


def test_an_empty_batch_is_done() -> None:
    assert worked_off((), failing({}, []), FakeTelemetry()) == {"batchItemFailures": []}


@pytest.mark.parametrize(
    "failure",
    [
        StoreFailed("down"), QueueFailed("down"), KeyUnavailable("down"), Conflict("late"), NotFound("gone"),
        ValueError(SECRET), RecursionError(), KeyError("x"), OSError(28, "full"), MemoryError(),
    ],
    ids=repr,
)  # fmt: skip
def test_one_that_fails_takes_none_of_the_others_with_it(failure: Exception) -> None:
    done: list[str] = []
    telemetry = FakeTelemetry()
    answer = worked_off(batch("a", "b", "c"), failing({"b": failure}, done), telemetry)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "b"}]}
    assert done == ["a", "c"]
    defect = [] if isinstance(failure, ReelayError) else [("Unforeseen", 1, "Count")]
    assert telemetry.counts == [*defect, ("MessagesLeft", 1, "Count")]
    assert SECRET not in repr(telemetry.alarms)


def test_all_may_fail() -> None:
    failures = {name: StoreFailed("down") for name in "abc"}
    answer = worked_off(batch(*"abc"), failing(failures, []), FakeTelemetry())
    assert answer == {"batchItemFailures": [{"itemIdentifier": name} for name in "abc"]}


def test_a_failure_that_was_foreseen_is_told_by_its_code() -> None:
    telemetry = FakeTelemetry()
    worked_off(batch("a", "b"), failing({"a": QueueFailed("down"), "b": ValueError(SECRET)}, []), telemetry)
    assert telemetry.alarms == [("message left on the queue", {"code": "queue_unavailable"}), ("unforeseen", {})]


def test_whoever_ends_the_process_is_not_held_up() -> None:
    with pytest.raises(KeyboardInterrupt):
        worked_off(batch("a"), failing({"a": KeyboardInterrupt()}, []), FakeTelemetry())


def test_a_message_without_an_id_makes_the_whole_batch_come_again() -> None:
    """SQS's rule for an empty itemIdentifier: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html"""

    def handle(_: Mapping[str, Any]) -> None:
        raise StoreFailed("down")

    assert worked_off([{"body": "x"}], handle, FakeTelemetry()) == {"batchItemFailures": [{"itemIdentifier": None}]}
