"""S3 failing at every single call of a request in turn: nothing is paid twice, and the answer goes out all the same."""

from __future__ import annotations

import pytest

from dev.simulator import Simulator
from reelay.model import Phase
from reelay.s3 import s3_client
from reelay.s3_rest import Attempt, Carry, Received
from reelay.wiring import House
from tests.e2e.local_house import LocalHouse
from tests.fakes import FakeClock
from tests.s3_tap import tap_house

CALLS = 14
"""More than a streamed video makes: the ones beyond the last never fail."""


BEFORE = ("GetObject", "PutObject")
"""Before the upstream is asked: a new function looks whether paid calls are stopped, and the record is written."""


class Fault:
    """Fails the call with this number, at each of its attempts."""

    def __init__(self, house: House, number: int) -> None:
        self.made: list[str] = []
        self.number = number
        tap_house(house, self._around)

    def _around(self, attempt: Attempt, carry: Carry) -> Received:
        if attempt.number == 1:
            self.made.append(attempt.operation)
        if len(self.made) - 1 == self.number and attempt.operation == self.made[-1]:
            return Received(503, {}, b"<Error><Code>SlowDown</Code></Error>")
        return carry(attempt)


@pytest.mark.case("store-503")
@pytest.mark.parametrize("number", range(CALLS))
def test_one_call_that_fails_costs_at_most_a_copy_of_the_media(
    simulator: Simulator, bucket: str, aws_environment: None, number: int  # noqa: ARG001 - sets where S3 is
) -> None:  # fmt: skip
    house = LocalHouse(simulator, s3_client(), bucket, FakeClock())
    fault = Fault(house.house, number)
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
    fault = Fault(house.house, -1)
    house.live("sora-2")
    assert 5 < len(fault.made) < CALLS
