"""Workers in processes of their own: the same message to two at the same moment, and SIGKILL at any moment."""

from __future__ import annotations

import json
import os
import random
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from dev.simulator import Simulator
from reelay.aws import client
from reelay.job_messages import job_in
from reelay.model import Job, Phase, Record
from reelay.settings import Settings
from reelay.wiring import House
from tests.e2e.local_house import KEY, Context
from tests.e2e.worker_process import INVOCATION_SECONDS, LaterClock, Task, WorkerProcess
from tests.fakes import TENANT

JOBS = 200

LEASE_SECONDS = 2 * INVOCATION_SECONDS + 1
"""After this a record is taken for left behind, for a worker has at most INVOCATION_SECONDS and the margin is 60 s."""

HOUR = 3600
"""What a job may wait in the queue before the sweep sends it once more."""

SEED = 3
KILLED_SHARE = 0.9
KILLED_ROUNDS = 4
"""In the first rounds so many of the deliveries are let live for a random time only."""

RUN_SECONDS = 0.1
"""What a run takes on a busy machine; a worker is killed at a random point of that, or ends before."""

DOUBLED_SHARE = 0.2
LOST_SHARE = 0.3
"""Of the messages so many go to both workers at once; of those whose worker was killed so many never come again, so
that only the sweep can find their jobs."""

LEFT_SHARE = 0.05
"""Of the deliveries so many at most may end with the message left on the queue, which is what a local S3 that is slow
to answer on a busy machine makes of one: the queue hands it out again."""

TEST_SECONDS = 300
"""Ten times what either test takes on an idle machine; it took four times that with five busy loops beside it."""

ROUNDS = 12
"""Of redelivery: those with kills, the one after the hour, and some for what those leave to be asked after."""


@dataclass
class Shop:
    """What the processes share, and this process's own view of it."""

    simulator: Simulator
    settings: Settings
    environment: Mapping[str, str]

    def __post_init__(self) -> None:
        self.clock = LaterClock()
        self.house = House(self.settings, self.clock)
        self.sqs = client("sqs")
        self._intake = self.house.intake()
        self._sweep = self.house.sweep()

    def worker(self) -> WorkerProcess:
        return WorkerProcess(self.settings, self.environment)

    def ask(self, count: int, model: str) -> None:
        """So many requests, each by a message."""
        for number in range(count):
            body = json.dumps({"model": model, "messages": [{"role": "user", "content": f"job {number}"}]})
            told = self._intake.serve({"Records": [message(f"request-{number}", body)]}, Context())
            assert told == {"batchItemFailures": []}
            self.house.telemetry.metrics.clear_metrics()  # what a function's decorator does after each event

    def sweep(self, offset: float) -> None:
        self.clock.offset = offset
        self._sweep.serve({}, Context())
        self.house.telemetry.metrics.clear_metrics()  # likewise

    def taken(self) -> list[str]:
        """The bodies of all messages that are in the queue, which is then empty."""
        return list(self._messages())

    def _messages(self) -> Iterator[str]:
        queue = str(self.settings.jobs_queue_url)
        while messages := self.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for each in messages:
                self.sqs.delete_message(QueueUrl=queue, ReceiptHandle=each["ReceiptHandle"])
                yield each["Body"]

    def record(self, job: Job) -> Record:
        return self.house.store.load(job.tenant, job.id)

    def marked(self) -> bool:
        return any(True for _ in self.house.store.watched())

    def paid(self) -> Counter[str]:
        """How often the simulator was asked for each job."""
        return Counter(json.loads(each.body)["messages"][0]["content"] for each in self.simulator.requests)


def message(name: str, body: str) -> dict[str, Any]:
    return {
        "messageId": name,
        "body": body,
        "eventSource": "aws:sqs",
        "attributes": {"SentTimestamp": "1795510800000", "ApproximateReceiveCount": "1"},
        "messageAttributes": {},
    }


def task(body: str, offset: float = 0) -> Task:
    return Task({"Records": [message("job", body)]}, offset)


def left(answer: object) -> bool:
    """Whether the door left the message on the queue."""
    assert answer in ({"batchItemFailures": []}, {"batchItemFailures": [{"itemIdentifier": "job"}]})
    return answer != {"batchItemFailures": []}


@pytest.fixture
def shop(
    simulator: Simulator, bucket: str, aws_environment: None, monkeypatch: pytest.MonkeyPatch  # noqa: ARG001 - sets where AWS is
) -> Shop:  # fmt: skip
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", "ERROR")  # what pytest shows when a test fails
    name = f"race-{uuid.uuid4().hex}"
    queue = client("sqs").create_queue(QueueName=name)["QueueUrl"]
    client("secretsmanager").create_secret(Name=name, SecretString=KEY)
    client("events").create_event_bus(Name=name)
    settings = Settings(
        bucket,
        upstream_base_url=simulator.url,
        upstream_plain_http=True,
        media_trusted_origins=frozenset({simulator.origin}),
        jobs_queue_url=queue,
        event_bus=name,
        service_key_secret=name,
        events_tenant=TENANT,
        status_url=f"{simulator.origin}/api/share/{{task_id}}",
    )
    names = [name for name in os.environ if name.startswith(("AWS_", "POWERTOOLS_"))]
    return Shop(simulator, settings, {name: os.environ[name] for name in names})


@pytest.mark.case("delivered-twice")
@pytest.mark.timeout(TEST_SECONDS)
def test_the_same_message_to_two_workers_at_the_same_moment_is_one_paid_call(shop: Shop) -> None:
    shop.ask(JOBS, "sim-text")
    bodies = shop.taken()
    assert len(bodies) == JOBS
    workers = shop.worker(), shop.worker()
    for body in bodies:
        for worker in workers:
            worker.hand(task(body))
        for worker in [worker for worker in workers if left(worker.answer())]:
            worker.hand(task(body))
            assert not left(worker.answer())
    for worker in workers:
        worker.kill()
    assert shop.simulator.posts == JOBS
    assert set(shop.paid().values()) == {1}
    assert {shop.record(job_in(body)).phase for body in bodies} == {Phase.COMPLETED}
    assert not shop.marked()


class Crew:
    """Two workers, each replaced when it is killed."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._random = random.Random(SEED)  # noqa: S311 - the same kills each time
        self._workers = [shop.worker(), shop.worker()]
        self.deliveries = self.kills = self.left = 0

    def deliver(self, bodies: list[str], offset: float, *, share: float) -> list[str]:
        """Hand out the messages, two at a time; returns those that come again."""
        again, waiting = [], list(bodies)
        while waiting:
            body = waiting.pop()
            doubled = not waiting or self._random.random() < DOUBLED_SHARE
            pair = (body, body if doubled else waiting.pop())
            for worker, given in zip(self._workers, pair, strict=True):
                worker.hand(task(given, offset))
            for at, given in enumerate(pair):
                if self._comes_again(at, share):
                    again.append(given)
        return again

    def _comes_again(self, at: int, share: float) -> bool:
        worker = self._workers[at]
        self.deliveries += 1
        doomed, seconds = self._random.random() < share, self._random.uniform(0, RUN_SECONDS)
        if doomed and not worker.answers_within(seconds):
            worker.kill()
            self.kills += 1
            self._workers[at] = self._shop.worker()
            return self._random.random() >= LOST_SHARE
        unfinished = left(worker.answer())
        self.left += unfinished
        return unfinished

    def go_home(self) -> None:
        for worker in self._workers:
            worker.kill()


@pytest.mark.case("killed", "delivered-twice")
@pytest.mark.timeout(TEST_SECONDS)
def test_workers_killed_at_any_moment_never_pay_twice_and_leave_nothing_open(shop: Shop) -> None:
    shop.ask(JOBS, "sora-2")
    bodies = shop.taken()
    jobs = [job_in(body) for body in bodies]
    crew, offset, rounds = Crew(shop), 0.0, 0
    while bodies or shop.marked():
        again = crew.deliver(bodies, offset, share=KILLED_SHARE if rounds < KILLED_ROUNDS else 0)
        rounds += 1
        assert rounds <= ROUNDS
        offset += HOUR if rounds == KILLED_ROUNDS else LEASE_SECONDS
        shop.sweep(offset)
        bodies = list(dict.fromkeys([*again, *shop.taken()]))
    crew.go_home()
    records = [shop.record(job) for job in jobs]
    ends = Counter(record.problem.code if record.problem else str(record.phase) for record in records)
    paid = Counter(shop.paid().values())
    print(f"{JOBS} jobs, {crew.kills} kills, {crew.left} left, {rounds} rounds: {dict(ends)}; paid: {dict(paid)}")  # noqa: T201 - to be seen
    assert set(paid) == {1}
    assert {record.phase for record in records} <= {Phase.COMPLETED, Phase.FAILED, Phase.UNKNOWN}
    assert set(ends) <= {"completed", "outcome_unknown"}
    assert all(record.media for record in records if record.phase is Phase.COMPLETED)
    assert crew.kills > JOBS / 10
    assert crew.left <= crew.deliveries * LEFT_SHARE
