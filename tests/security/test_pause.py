"""The operator stops every paid call, and lets them go on: by every way in, within a minute, and nothing is lost."""

from __future__ import annotations

import pytest

from dev.simulator import Simulator
from reelay.jobs import TRIES
from reelay.s3 import s3_client
from tests.e2e.event_house import EventHouse
from tests.e2e.local_house import KEY, Reply
from tests.e2e.test_event_triggers import bus_event, created
from tests.fakes import FakeClock
from tests.security.callers import ASK, CHAT, FILM, call, made

OURS, CALLERS = "rk-caller-0123456789abc", "sk-caller-0123456789"
SWITCH = "guard/paused"
MINUTE_SECONDS = 60
TEXT = {**ASK, "model": "sim-text"}
SHORT = {"prompt": "a dog", "model": "sim-text"}
NAMED = {"Idempotency-Key": "order-7"}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def running(simulator: Simulator, bucket: str, clock: FakeClock, aws_environment: None) -> EventHouse:  # noqa: ARG001 - where AWS is
    """A house that has paid for something, so that it knows that it may."""
    house = EventHouse(simulator, s3_client(), bucket, clock)
    assert call(house, "POST", CHAT, OURS, TEXT).status == 200
    return house


def stop(house: EventHouse, clock: FakeClock) -> None:
    house.s3.put_object(Bucket=house.bucket, Key=SWITCH, Body=b"the budget is spent")
    clock.advance(MINUTE_SECONDS)


def go_on(house: EventHouse, clock: FakeClock) -> None:
    house.s3.delete_object(Bucket=house.bucket, Key=SWITCH)
    clock.advance(MINUTE_SECONDS)


def assert_paused(reply: Reply) -> None:
    assert (reply.status, reply.error["code"], reply.headers["Retry-After"]) == (503, "paused", "60")


@pytest.mark.case("pause")
def test_whoever_waits_for_an_answer_is_told_so_by_a_house_that_was_running(
    running: EventHouse, clock: FakeClock
) -> None:
    film = made(running, CALLERS)
    posts, kept = running.simulator.posts, running.objects()
    stop(running, clock)
    for key in (OURS, CALLERS):
        assert_paused(call(running, "POST", CHAT, key, TEXT))
        assert_paused(call(running, "POST", CHAT, key, {**TEXT, "stream": False}, **NAMED))
        assert_paused(call(running, "POST", CHAT, key, {**TEXT, "store": False}, Prefer="respond-async"))
    assert_paused(call(running, "POST", FILM, CALLERS, SHORT))
    assert_paused(call(running, "POST", f"{FILM}/{film}/remix", CALLERS, {"prompt": "a cat"}))
    assert (running.simulator.posts, running.objects()) == (posts, kept)
    for path in (CHAT, f"{CHAT}/{film}", f"{CHAT}/{film}/messages", FILM, f"{FILM}/{film}"):
        assert call(running, "GET", path, CALLERS).status == 200
    assert call(running, "GET", f"{FILM}/{film}/content", CALLERS).status == 302
    go_on(running, clock)
    for key in (OURS, CALLERS):
        assert call(running, "POST", CHAT, key, {**TEXT, "stream": False}, **NAMED).status == 200
    assert running.simulator.posts == posts + 2


@pytest.mark.case("pause")
def test_what_waits_for_a_worker_waits_on_and_is_done_once_when_it_may(running: EventHouse, clock: FakeClock) -> None:
    film = made(running, OURS)
    posts = running.simulator.posts
    stop(running, clock)
    ids = [call(running, "POST", FILM, OURS, SHORT).json["id"]]
    ids.append(call(running, "POST", f"{FILM}/{film}/remix", OURS, {"prompt": "a cat"}).json["id"])
    running.take_in(running.message(TEXT))
    running.take_in(running.message(bus_event(TEXT)))
    running.take_in(running.message(created(running, "inbox/a.json", b'{"prompt": "a dog", "model": "sim-text"}')))
    running.take_in(TEXT, request_id="r-1")
    for _ in range(TRIES + 1):
        running.work_off()
        clock.advance(MINUTE_SECONDS * 60)
        running.sweep()
    assert (running.simulator.posts, len(running.marks())) == (posts, 6)
    assert [call(running, "GET", f"{FILM}/{each}", OURS).json["status"] for each in ids] == ["queued", "queued"]
    go_on(running, clock)
    running.work_off()
    clock.advance(MINUTE_SECONDS * 60)
    running.sweep()
    running.work_off()
    assert running.simulator.posts == posts + 6
    assert len(call(running, "GET", CHAT, KEY).json["data"]) == 4, "what events asked for"


@pytest.mark.case("pause")
def test_what_was_paid_for_before_is_told_to_its_end_and_told_again(running: EventHouse, clock: FakeClock) -> None:
    first = call(running, "POST", CHAT, OURS, TEXT, **NAMED)
    posts = running.simulator.posts
    stop(running, clock)
    again = call(running, "POST", CHAT, OURS, TEXT, **NAMED)
    assert (again.status, again.content, again.headers["x-reelay-replayed"]) == (200, first.content, "true")
    assert running.simulator.posts == posts
