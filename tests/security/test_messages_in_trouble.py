"""Messages that cannot be sent, and such as come twice: one post for each job, and nothing lost."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import EndpointConnectionError

from dev.simulator import Simulator
from reelay.model import Phase
from reelay.s3 import s3_client
from tests.boto_faults import Fault, loses, passes
from tests.e2e.event_house import EventHouse
from tests.e2e.local_house import Context
from tests.e2e.test_event_triggers import created
from tests.e2e.test_service_pays import call
from tests.fakes import FakeClock
from tests.integration.test_queue import refuses
from tests.security.aws_faults import Failing, failing
from tests.security.store_doors import FILMS, ask

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest, AWSResponse

DONE: dict[str, Any] = {"batchItemFailures": []}
STEPS = 10_000
"""More than any scene has frames."""


def unreachable(request: AWSPreparedRequest) -> AWSResponse | None:
    raise EndpointConnectionError(endpoint_url=request.url)


DOWN: Mapping[str, Fault] = {
    "refuses connections": unreachable,
    "is busy": refuses(503, "ServiceUnavailable"),
    "denies": refuses(403, "AccessDenied"),
    "takes it and is not heard": loses,
}


@pytest.fixture
def sending(aws_environment: None) -> Iterator[Failing]:  # noqa: ARG001 - where the clients find the server
    with failing("sqs.SendMessage") as made:
        yield made


@pytest.fixture
def clock() -> FakeClock:
    """Beginning now, because the simulator's links expire by the real time."""
    return FakeClock(time.time())


@pytest.fixture
def house(simulator: Simulator, bucket: str, clock: FakeClock, sending: Failing) -> EventHouse:  # noqa: ARG001 - before the clients are made
    return EventHouse(simulator, s3_client(), bucket, clock)


def by_message(house: EventHouse) -> None:
    assert house.take_in(house.message(ask("sora-2"))) == DONE


def by_file(house: EventHouse) -> None:
    told = house.take_in(created(house, "inbox/a.json", json.dumps(ask("sora-2")).encode()))
    assert told["status"] in ("queued", "completed")


def by_sdk(house: EventHouse) -> None:
    reply = call(house, "POST", FILMS, {"model": "sora-2", "prompt": "a dog"}, Idempotency_Key="order-7")
    assert (reply.status, reply.json["status"] in ("queued", "completed")) == (200, True)


@pytest.mark.case("queue-down")
@pytest.mark.parametrize("fault", DOWN)
@pytest.mark.parametrize("asks", [by_message, by_file, by_sdk])
def test_a_job_that_the_queue_does_not_take_stands_and_is_sent_by_the_next_sweep(
    house: EventHouse, sending: Failing, asks: Callable[[EventHouse], None], fault: str
) -> None:
    sending.fault = DOWN[fault]
    for _ in range(2):  # it stands, and asking again finds it
        asks(house)
    record = house.only_record()
    assert (record.phase, house.simulator.posts) == (Phase.QUEUED, 0)
    unheard = house.jobs()
    assert bool(unheard) == (DOWN[fault] is loses)
    sending.fault = passes
    assert house.sweep() == 1, "at once"
    house.work_off()
    for body in unheard:
        assert house.work(body) == DONE
    asks(house)
    assert house.work_off() == 0
    assert (house.only_record().id, house.only_record().phase) == (record.id, Phase.COMPLETED)
    assert (house.simulator.posts, house.marks()) == (1, [])


@pytest.mark.case("queue-down")
def test_asking_again_sends_the_job_as_soon_as_the_queue_is_back(house: EventHouse, sending: Failing) -> None:
    sending.fault = unreachable
    by_message(house)
    sending.fault = passes
    by_message(house)
    assert house.work_off() == 1
    assert house.sweep() == 0
    assert (house.only_record().phase, house.simulator.posts, house.marks()) == (Phase.COMPLETED, 1, [])


@pytest.mark.case("delivered-twice")
@pytest.mark.usefixtures("aws_environment")
def test_a_message_that_comes_again_while_its_job_runs_is_done_with_and_nothing_is_sent(
    bucket: str, clock: FakeClock
) -> None:
    with Simulator(gate=threading.Semaphore(0)) as simulator, ThreadPoolExecutor(1) as pool:
        house = EventHouse(simulator, s3_client(), bucket, clock)
        by_message(house)
        (job,) = house.jobs()
        running = pool.submit(house.work, job)
        while not any(b"task_" in frame.data for frame in simulator.sent):
            sent = len(simulator.sent)
            simulator.step()
            while len(simulator.sent) == sent:  # no frame too many, or the job ends
                assert not running.done()
        while house.only_record().task_id is None:
            assert not running.done()
        another = house.house.worker()
        for _ in range(2):
            assert another.serve(house.batch(("j-1", job)), Context()) == DONE
        by_message(house)
        assert house.jobs() == [], "a job that runs is not sent again"
        assert (house.only_record().phase, simulator.posts) == (Phase.ACCEPTED, 1)
        simulator.step(STEPS)
        assert running.result() == DONE
        record = house.only_record()
        assert (record.phase, [media.archived for media in record.media]) == (Phase.COMPLETED, [True, True])
        assert (simulator.posts, house.marks()) == (1, [])
