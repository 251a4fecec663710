"""Clocks that are wrong: an hour ahead or back from the beginning, and jumping in the middle of a run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from dev.simulator import Simulator
from reelay.model import Data, End, Phase
from reelay.s3 import s3_client
from tests.e2e.event_house import EventHouse
from tests.e2e.local_house import PROMPT
from tests.fakes import FakeClock, FakeExchange, FakeUpstream, Happening
from tests.security.test_cuts import BRIEF, HEAD
from tests.unit.captured import as_events, content_of

HOUR = 3600
FRAMES = [Data(f"data: {event}\n\n".encode()) for event in as_events(BRIEF)]
TASK = next(at for at, frame in enumerate(FRAMES) if b"task_" in frame.data)
EARLY, LATE, LAST = 0, TASK + 2, len(FRAMES)
"""How much of the answer was seen by then: nothing; the task's id, after which the upstream may be asked; all but
[DONE]."""

PAST_LEASE_SECONDS = 1000
"""The longest that an invocation here may take and what is added for clocks that differ, and a little more."""

ASK: Any = {"model": "sora-2", "messages": [{"role": "user", "content": PROMPT}], "stream": True}
DOORS = pytest.mark.parametrize("door", ["relay", "worker"])

Made = Callable[..., "House"]


class WrongClock:
    """`wall` seconds away from the true time; its monotonic seconds are `skipped` ahead, as after a freeze."""

    def __init__(self, wall: float = 0) -> None:
        self.wall = wall
        self.skipped = 0.0

    def now(self) -> float:
        return time.time() + self.wall

    def monotonic(self) -> float:
        return time.monotonic() + self.skipped

    def sleep(self, seconds: float) -> None:
        self.wall += seconds
        self.skipped += seconds

    def thaw(self) -> None:
        """An hour went by that nobody lived through."""
        self.sleep(HOUR)


class House(EventHouse):
    """Every door by one clock, over an upstream in whose answer something happens. Media may come from nowhere."""

    def __init__(self, simulator: Simulator, bucket: str, wall: float = 0) -> None:
        self.time = WrongClock(wall)
        nowhere = frozenset({"media.invalid"})
        asked = simulator.origin + "/api/share/{task_id}"
        super().__init__(simulator, s3_client(), bucket, self.time, media_allowed_hosts=nowhere, status_url=asked)

    def run(self, door: str, happenings: Mapping[int, Happening]) -> FakeUpstream:
        """One job to its end, with what happens when so much of its answer was seen; returns who was posted to."""
        script: list[Any] = [HEAD, *FRAMES, End()]
        for moment in sorted(happenings, reverse=True):
            script.insert(moment, happenings[moment])
        upstream = FakeUpstream(FakeExchange(FakeClock(), *script))
        self.house.upstream = upstream  # type: ignore[assignment] # a stand-in that keeps the port's promises
        self._relay, self._worker = self.house.relay(), self.house.worker()
        if door == "relay":
            assert self.post(ASK, Idempotency_Key="k").content == content_of(BRIEF)
        else:
            self.take_in(self.message(ASK, Idempotency_Key="k"))
            self.work_off()
        return upstream


@pytest.fixture
def made(simulator: Simulator, bucket: str, aws_environment: None) -> Made:  # noqa: ARG001 - where AWS is
    """Functions of one deployment, with clocks of their own."""
    return lambda wall=0: House(simulator, bucket, wall)


def assert_done_once(house: House, upstream: FakeUpstream) -> None:
    """Completed and told, with one post in all, and nothing left to do."""
    record = house.only_record()
    assert (record.phase, len(upstream.posts), house.simulator.posts) == (Phase.COMPLETED, 1, 0)
    reply = house.call("GET", f"/v1/chat/completions/chatcmpl-{record.id}")
    assert (reply.status, reply.json["choices"][0]["message"]["content"]) == (200, content_of(BRIEF))
    assert house.marks() == []


@DOORS
@pytest.mark.case("clock-jump")
@pytest.mark.parametrize("jump", [HOUR, -HOUR, None], ids=["ahead", "back", "thawed"])
def test_a_clock_that_jumps_in_mid_run_leaves_its_job_in_the_runs_own_hands(
    made: Made, jump: int | None, door: str
) -> None:
    ours, others = made(), made()
    seen: list[tuple[Phase, int]] = []

    def look() -> None:
        record = others.only_record()
        seen.append((record.phase, others.call("GET", f"/v1/chat/completions/chatcmpl-{record.id}").status))

    def happening() -> None:
        if jump is None:
            ours.time.thaw()
        else:
            ours.time.wall += jump
        look()

    upstream = ours.run(door, {LATE: happening, LAST: look})
    assert seen == [(Phase.ACCEPTED, 202)] * 2, "still running, to everybody"
    assert "Completion Failed" not in {notice["detail-type"] for notice in ours.notices()}
    others.time.wall = PAST_LEASE_SECONDS
    others.sweep()
    others.work_off()
    assert_done_once(others, upstream)


@DOORS
@pytest.mark.case("clock-jump")
@pytest.mark.parametrize(
    ("our", "their", "moment"),
    [(HOUR, 0, LATE), (-HOUR, 0, EARLY), (-HOUR, 0, LATE), (0, HOUR, EARLY), (0, HOUR, LATE), (-HOUR, HOUR, LATE)],
)
def test_whatever_others_with_another_time_do_in_mid_run_it_is_paid_once_and_completed(
    made: Made, our: int, their: int, moment: int, door: str
) -> None:
    """In mid-run they sweep, work off what that sends, get the message again, read, and are asked the same again."""
    ours, others = made(our), made(their)

    def happening() -> None:
        record = ours.only_record()
        others.sweep()
        others.work_off()
        others.work(f'{{"tenant": "{record.tenant}", "id": "{record.id}"}}')
        assert others.call("GET", f"/v1/chat/completions/chatcmpl-{record.id}").status in (202, 502)
        assert others.post(ASK, Idempotency_Key="k").status in (409, 502)

    upstream = ours.run(door, {moment: happening})
    others.time.wall = 2 * HOUR
    others.sweep()
    others.work_off()
    assert_done_once(others, upstream)


@pytest.mark.case("clock-jump")
@pytest.mark.parametrize("their", [0, HOUR, -HOUR])
def test_an_sdks_repetition_at_a_function_with_another_time_is_not_paid_again(made: Made, their: int) -> None:
    ours, others = made(), made(their)
    second = FakeUpstream(FakeExchange(FakeClock(), HEAD, *FRAMES, End()))
    others.house.upstream = second  # type: ignore[assignment] # a stand-in that keeps the port's promises
    others._relay = others.house.relay()
    script: list[Any] = [HEAD, *FRAMES, End()]
    script.insert(LATE, lambda: others.post(ASK, X_Stainless_Retry_Count="1"))
    ours.house.upstream = FakeUpstream(FakeExchange(FakeClock(), *script))  # type: ignore[assignment] # likewise
    ours._relay = ours.house.relay()
    ours.post(ASK, X_Stainless_Retry_Count="0")
    others.post(ASK, X_Stainless_Retry_Count="2")
    assert second.posts == []
