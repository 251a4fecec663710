"""Secrets Manager is down, or says no, while the service has to pay; and a key that v98store does not take."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from dev.simulator import Simulator
from reelay.documents import decode
from reelay.model import Phase, Record
from reelay.s3 import s3_client
from reelay.s3_failures import ATTEMPTS
from reelay.service_key import FRESH_SECONDS, GRACE_SECONDS
from tests.boto_faults import Fault, passes
from tests.contract.proxy_events import rest_event
from tests.e2e.event_house import SERVICE_KEY, EventHouse
from tests.e2e.local_house import Context, Reply
from tests.e2e.test_service_pays import CHAT, OWN, ask, call, sent_keys
from tests.fakes import FakeClock
from tests.integration.test_queue import refuses
from tests.security.aws_faults import Failing, failing

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest, AWSResponse

OUTSIDE = "https://secretsmanager.test/"


def refused(_: AWSPreparedRequest) -> AWSResponse | None:
    raise EndpointConnectionError(endpoint_url=OUTSIDE)


def silent(_: AWSPreparedRequest) -> AWSResponse | None:
    raise ReadTimeoutError(endpoint_url=OUTSIDE)


DOWN: Mapping[str, Fault] = {
    "refuses connections": refused,
    "never answers": silent,
    "fails": refuses(500, "InternalServiceError"),
}
DENIED = refuses(400, "AccessDeniedException")
NONE_LEFT = [{"itemIdentifier": "j-1"}]
"""The message of `EventHouse.work` has to come again."""


@pytest.fixture
def secrets(aws_environment: None) -> Iterator[Failing]:  # noqa: ARG001 - where the clients find the server
    with failing("secrets-manager.GetSecretValue") as made:
        yield made


@pytest.fixture
def clock() -> FakeClock:
    """Beginning now, because the simulator's links expire by the real time."""
    return FakeClock(time.time())


@pytest.fixture
def paying(simulator: Simulator, bucket: str, clock: FakeClock, secrets: Failing) -> EventHouse:  # noqa: ARG001 - before the clients are made
    return EventHouse(simulator, s3_client(), bucket, clock)


def queued(house: EventHouse, model: str = "sora-2", id: str = "m-1") -> str:
    """A job that an event asked for; returns its message."""
    house.take_in(house.message(ask(model), id))
    (body,) = house.jobs()
    return body


def records(house: EventHouse) -> list[Record]:
    places = [key for key in house.objects() if "/records/" in key]
    return [decode(house.s3.get_object(Bucket=house.bucket, Key=key)["Body"].read()).record for key in places]


def assert_nothing_sent(house: EventHouse, reply: Reply, posts: int) -> None:
    assert (reply.status, reply.error["code"]) == (503, "service_key_unavailable")
    assert "x-should-retry" not in reply.headers, "nothing was charged"
    assert OUTSIDE not in reply.body.decode()
    assert house.simulator.posts == posts


@pytest.mark.case("secret-down")
@pytest.mark.parametrize("fault", DOWN)
def test_without_a_remembered_key_nothing_is_sent_until_there_is_one(
    paying: EventHouse, secrets: Failing, clock: FakeClock, fault: str
) -> None:
    body = queued(paying)
    secrets.fault = DOWN[fault]
    before = paying.objects()
    assert_nothing_sent(paying, call(paying, "POST", CHAT, ask()), 0)
    assert paying.objects() == before, "no record"
    for _ in range(2):
        assert paying.work(body) == {"batchItemFailures": NONE_LEFT}
        assert (paying.only_record().phase, paying.simulator.posts) == (Phase.QUEUED, 0)
    assert secrets.attempts == 3 * ATTEMPTS
    secrets.fault = passes
    clock.advance(1)
    assert paying.work(body) == {"batchItemFailures": []}
    assert (paying.only_record().phase, paying.simulator.posts) == (Phase.COMPLETED, 1)
    assert ".mp4" in call(paying, "POST", CHAT, ask()).content


@pytest.mark.case("secret-down")
@pytest.mark.parametrize("fault", DOWN)
def test_a_remembered_key_is_used_on_for_an_hour_by_both_doors(
    paying: EventHouse, secrets: Failing, clock: FakeClock, fault: str
) -> None:
    assert call(paying, "POST", CHAT, ask("sim-text")).status == 200
    paying.work(queued(paying))
    secrets.fault = DOWN[fault]
    clock.advance(FRESH_SECONDS)
    assert ".mp4" in call(paying, "POST", CHAT, ask()).content
    assert paying.work(queued(paying, id="m-2")) == {"batchItemFailures": []}
    assert sent_keys(paying) == [f"Bearer {SERVICE_KEY}"] * 4
    assert secrets.attempts > 2, "it was looked for"
    body = queued(paying, id="m-3")
    clock.advance(GRACE_SECONDS)
    assert_nothing_sent(paying, call(paying, "POST", CHAT, ask()), 4)
    assert paying.work(body) == {"batchItemFailures": NONE_LEFT}
    assert paying.simulator.posts == 4


@pytest.mark.case("secret-down")
def test_a_key_that_the_operator_took_away_is_no_longer_used(
    paying: EventHouse, secrets: Failing, clock: FakeClock
) -> None:
    assert call(paying, "POST", CHAT, ask("sim-text")).status == 200
    paying.work(queued(paying))
    secrets.fault = DENIED
    clock.advance(FRESH_SECONDS)
    assert_nothing_sent(paying, call(paying, "POST", CHAT, ask()), 2)
    assert paying.work(queued(paying, id="m-2")) == {"batchItemFailures": NONE_LEFT}
    assert paying.simulator.posts == 2


@pytest.mark.case("secret-down")
def test_who_brings_a_key_of_his_own_notices_nothing(paying: EventHouse, secrets: Failing) -> None:
    secrets.fault = silent
    assert ".mp4" in paying.create("sora-2").content
    assert secrets.attempts == 0


def counted(house: EventHouse) -> dict[str, Any]:
    """The metrics since the last time."""
    metrics = house.house.telemetry.metrics
    found = dict(metrics.metric_set)
    metrics.clear_metrics()
    return found


@pytest.mark.case("upstream-401")
@pytest.mark.parametrize("model", ["sim-401", "sim-401-expired", "sim-401-used-up"])
def test_a_key_that_is_not_taken_is_the_fault_of_whose_it_is(events: EventHouse, model: str) -> None:
    own = events.create(model)
    assert (own.status, own.error["code"], "x-should-retry" in own.headers) == (401, "invalid_api_key", False)
    headers = {"Authorization": f"Bearer {OWN}", "Content-Type": "application/json"}
    event = rest_event("POST", CHAT, headers=headers, body=json.dumps(ask(model)))
    event["requestContext"]["authorizer"] = {"payer": "service"}
    reply = events.house.relay().serve(event, Context())
    assert reply is not None
    assert (reply["statusCode"], json.loads(reply["body"])["error"]["code"]) == (502, "upstream_auth")
    assert ("x-should-retry" in reply["headers"], SERVICE_KEY in reply["body"]) == (False, False)
    assert counted(events)["ServiceKeyRefused"]["Value"] == [1.0]
    events.work(queued(events, model))
    assert counted(events)["ServiceKeyRefused"]["Value"] == [1.0]
    assert events.simulator.posts == 3
    for record in records(events):
        assert record.problem is None or not record.problem.charged
        assert record.phase is (Phase.QUEUED if record.by_worker else Phase.FAILED)
