"""What one key may make the service pay for, through the doors."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dev.simulator import Simulator
from reelay.model import Order
from reelay.s3 import s3_client
from tests.contract.proxy_events import rest_event
from tests.e2e.event_house import EventHouse
from tests.e2e.local_house import Reply
from tests.fakes import FakeClock

OWN, ANOTHERS = "rk-0123456789abcdefghij", "rk-another-0123456789abc"
CHAT, FILM = "/v1/chat/completions", "/v1/videos"
DAY_SECONDS = 24 * 3600
RACERS = 20


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def opened(simulator: Simulator, bucket: str, clock: FakeClock, **limits: Any) -> EventHouse:
    return EventHouse(simulator, s3_client(), bucket, clock, **limits)


def ask(house: EventHouse, path: str = CHAT, key: str = OWN, **headers: str) -> Reply:
    body: dict[str, Any] = {"model": "sim-text", "messages": [{"role": "user", "content": "a dog"}], "stream": True}
    if path == FILM:
        body = {"model": "sim-text", "prompt": "a dog"}
    sent = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", **headers}
    event = rest_event("POST", path, headers=sent, body=json.dumps(body))
    if key.startswith("rk-"):
        event["requestContext"]["authorizer"] = {"payer": "service", "principalId": "p"}
    return house.serve(event)


def code(reply: Reply) -> str:
    return str(reply.json["error"]["code"])


@pytest.mark.case("spend-limit")
@pytest.mark.usefixtures("aws_environment")
def test_a_day_has_so_many_jobs_for_each_key_and_the_refusal_says_when_the_next_begins(
    simulator: Simulator, bucket: str, clock: FakeClock
) -> None:
    house = opened(simulator, bucket, clock, max_jobs_per_day=2)
    assert [ask(house).status for _ in range(2)] == [200, 200]
    refused = ask(house)
    assert (refused.status, code(refused)) == (429, "jobs_per_day_limit")
    wait = int(refused.headers["Retry-After"])
    assert 0 < wait <= DAY_SECONDS
    assert refused.headers["x-should-retry"] == "false"
    assert ask(house, FILM).status == 429
    assert simulator.posts == 2
    assert ask(house, key=ANOTHERS).status == 200
    assert ask(house, key="sk-callers-own").status == 200, "who pays for itself has no limit of ours"
    clock.advance(wait)
    assert ask(house).status == 200


@pytest.mark.case("spend-limit")
@pytest.mark.usefixtures("aws_environment")
def test_a_request_that_comes_again_is_not_counted_again(simulator: Simulator, bucket: str, clock: FakeClock) -> None:
    house = opened(simulator, bucket, clock, max_jobs_per_day=1, max_jobs_in_flight=1)
    named = {"Idempotency-Key": "order-7"}
    assert [ask(house, **named).status for _ in range(3)] == [200, 200, 200]
    assert simulator.posts == 1


@pytest.mark.case("spend-limit")
@pytest.mark.usefixtures("aws_environment")
def test_so_many_jobs_are_in_flight_those_that_wait_included(
    simulator: Simulator, bucket: str, clock: FakeClock
) -> None:
    house = opened(simulator, bucket, clock, max_jobs_in_flight=2)
    assert [ask(house, FILM).status for _ in range(2)] == [200, 200]
    for path in (FILM, CHAT):
        refused = ask(house, path)
        assert (refused.status, code(refused)) == (429, "jobs_in_flight_limit")
        assert int(refused.headers["Retry-After"]) > 0
    house.work_off()
    assert simulator.posts == 2
    assert ask(house, FILM).status == 200


@pytest.mark.case("spend-limit")
@pytest.mark.usefixtures("aws_environment")
def test_an_event_beyond_the_day_becomes_a_failed_record_that_says_so(
    simulator: Simulator, bucket: str, clock: FakeClock
) -> None:
    house = opened(simulator, bucket, clock, max_jobs_per_day=1)
    body = {"model": "sim-text", "messages": [{"role": "user", "content": "a dog"}]}
    told = house.take_in(house.batch(("m-1", body), ("m-2", body)))
    assert told == {"batchItemFailures": []}
    house.work_off()
    assert simulator.posts == 1
    records = list(house.house.store.walk(house.house.settings.events_tenant, Order.DESC, None))
    assert len(records) == 2
    assert [(each.problem.status, each.problem.code) for each in records if each.problem] == [
        (429, "jobs_per_day_limit")
    ]


@pytest.mark.case("spend-limit-race")
@pytest.mark.usefixtures("aws_environment")
@pytest.mark.parametrize("limits", [{"max_jobs_per_day": 7}, {"max_jobs_in_flight": 7}])
def test_of_many_at_the_same_moment_as_many_are_paid_as_the_limit_allows(
    simulator: Simulator, bucket: str, clock: FakeClock, limits: dict[str, int]
) -> None:
    house = opened(simulator, bucket, clock, **limits)
    with ThreadPoolExecutor(RACERS) as pool:
        statuses = sorted(reply.status for reply in pool.map(lambda _: ask(house, FILM), range(RACERS)))
    assert statuses == [200] * 7 + [429] * (RACERS - 7)
    house.work_off()
    assert simulator.posts == 7
