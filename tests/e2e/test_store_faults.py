"""S3 failing at every single call of a request in turn: nothing is paid twice, and the answer goes out all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dev.simulator import Simulator
from reelay.model import Phase
from reelay.s3 import s3_client
from tests.e2e.local_house import LocalHouse
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CALLS = 14
"""More than a streamed video makes: the ones beyond the last never fail."""


BEFORE = ("GetObject", "PutObject")
"""Before the upstream is asked: a new function looks whether paid calls are stopped, and the record is written."""


class Fault:
    """Fails the call with this number, once and for good: botocore does not try it again."""

    def __init__(self, client: S3Client, number: int) -> None:
        self.made: list[str] = []
        self.number = number
        client.meta.events.register("before-call.s3", self._before)

    def _before(self, model: Any, **_: Any) -> Any:
        self.made.append(model.name)
        if len(self.made) - 1 != self.number:
            return None
        error = {"Error": {"Code": "SlowDown", "Message": "x"}, "ResponseMetadata": {"HTTPStatusCode": 503}}
        return type("Response", (), {"status_code": 503, "headers": {}})(), error


@pytest.mark.case("store-503")
@pytest.mark.parametrize("number", range(CALLS))
def test_one_call_that_fails_costs_at_most_a_copy_of_the_media(
    simulator: Simulator, bucket: str, aws_environment: None, number: int  # noqa: ARG001 - sets where S3 is
) -> None:  # fmt: skip
    house = LocalHouse(simulator, s3_client(), bucket, FakeClock())
    fault = Fault(house.client, number)
    live = house.live("sora-2")
    failed = fault.made[number] if number < len(fault.made) else None
    fault.number = -1  # what this test itself asks is answered
    if number < len(BEFORE):
        assert (failed, live.status, simulator.posts) == (BEFORE[number], 503, 0)
        assert house.objects() == []
        return
    assert (live.status, live.sent[-1], simulator.posts) == (200, b"data: [DONE]\n\n", 1)
    record = house.only_record()
    assert record.phase is Phase.COMPLETED
    assert record.completion
    assert record.task_id
    assert house.transcript(f"chatcmpl-{record.id}")
    assert [each["id"] for each in house.call("GET", "/v1/chat/completions").json["data"]] == [record.completion["id"]]
    kinds = sorted(media.kind for media in record.media)
    assert kinds == ["thumbnail", "video"]
    unavailable = [media for media in record.media if not media.archived]
    assert len(unavailable) <= (failed == "PutObject")


def test_the_walk_covers_every_call(simulator: Simulator, bucket: str, aws_environment: None) -> None:  # noqa: ARG001 - as above
    house = LocalHouse(simulator, s3_client(), bucket, FakeClock())
    fault = Fault(house.client, -1)
    house.live("sora-2")
    assert 5 < len(fault.made) < CALLS
