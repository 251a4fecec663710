"""The doors of events: what Lambda hands over goes to the use case, and only what has to comes again."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from reelay.admission import Admission
from reelay.aftercare import Aftercare, Means
from reelay.contract import Contract
from reelay.errors import StoreFailed
from reelay.event_doors import IntakeDoor, SweepDoor, WorkerDoor
from reelay.gateway import REPLY_RESERVE_SECONDS
from reelay.intake import Desk, Intake
from reelay.job_messages import job_in
from reelay.model import Data, End, Head, Job, Phase, Record
from reelay.spending import Spending
from reelay.sweep import AGAIN_SECONDS, Sweep
from reelay.worker import Tools, Worker
from tests.fakes import (
    NOON,
    TENANT,
    FakeArchive,
    FakeClaims,
    FakeClock,
    FakeDrops,
    FakeExchange,
    FakeKeys,
    FakeQueue,
    FakeStore,
    FakeSwitch,
    FakeTelemetry,
    FakeUpstream,
    new_record,
)

REQUEST = {"model": "sora-2", "messages": [{"role": "user", "content": "a dog"}]}
ANSWER = (
    Head(200, {}),
    Data(b'data: {"choices": [{"index": 0, "delta": {"content": "hi"}, "finish_reason": "stop"}]}\n\n'),
    End(),
)


@dataclass
class Context:
    """Lambda's context object."""

    aws_request_id: str = "r-1"
    seconds: float = 900

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


@dataclass
class House:
    """The three doors over the same fakes."""

    contract: Contract
    clock: FakeClock = field(default_factory=FakeClock)
    store: FakeStore = field(default_factory=FakeStore)
    queue: FakeQueue = field(default_factory=FakeQueue)
    claims: FakeClaims = field(default_factory=FakeClaims)
    drops: FakeDrops = field(default_factory=FakeDrops)
    telemetry: FakeTelemetry = field(default_factory=FakeTelemetry)
    upstream: FakeUpstream = field(default_factory=FakeUpstream)

    @property
    def aftercare(self) -> Aftercare:
        return Aftercare(
            Means(self.store, FakeArchive(), self.clock, self.telemetry, queue=self.queue, drops=self.drops)
        )

    @property
    def intake(self) -> IntakeDoor:
        desk = Desk(
            read=self.contract.read_event,
            store=self.store,
            claims=self.claims,
            admission=Admission(self.claims, self.store, self.clock),
            drops=self.drops,
            queue=self.queue,
            aftercare=self.aftercare,
            spending=Spending(FakeSwitch()),
            clock=self.clock,
            telemetry=self.telemetry,
            tenant=TENANT,
        )
        return IntakeDoor(Intake(desk), self.clock, self.telemetry)

    @property
    def worker(self) -> WorkerDoor:
        tools = Tools(
            self.upstream, self.store, FakeKeys(), self.aftercare, Spending(FakeSwitch()), self.clock, self.telemetry
        )
        return WorkerDoor(Worker(tools), job_in, self.clock, self.telemetry)

    @property
    def sweep(self) -> SweepDoor:
        return SweepDoor(Sweep(self.store, self.queue, self.clock, self.telemetry), self.clock)

    @property
    def records(self) -> list[Record]:
        return list(self.store.records.values())


@pytest.fixture(scope="module")
def contract() -> Contract:
    return Contract.load()


@pytest.fixture
def house(contract: Contract) -> House:
    return House(contract)


def sqs(*bodies: Any) -> dict[str, Any]:
    return {"Records": [message(f"m-{n}", body) for n, body in enumerate(bodies)]}


def message(name: str, body: Any) -> dict[str, Any]:
    return {
        "messageId": name,
        "body": body if isinstance(body, str) else json.dumps(body),
        "attributes": {"SentTimestamp": str(int(NOON * 1000))},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
    }


def created(key: str, tag: str = "t") -> dict[str, Any]:
    return {
        "source": "aws.s3", "detail-type": "Object Created", "id": "e-1", "time": "2026-05-28T20:26:40Z",
        "detail": {"bucket": {"name": "b"}, "object": {"key": key, "etag": tag, "sequencer": "1"}},
    }  # fmt: skip


NOTHING: dict[str, Any] = {"batchItemFailures": []}


# ── Requests ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_message_of_a_batch_is_a_job(house: House) -> None:
    assert house.intake.serve(sqs(REQUEST, {"prompt": "a dog"}), Context()) == NOTHING
    assert [record.phase for record in house.records] == [Phase.QUEUED] * 2


def test_a_bad_message_is_done_and_takes_none_of_the_others_with_it(house: House) -> None:
    batch = sqs("no JSON", REQUEST, "", {"model": 7}, "[" * 100_000, '"\\ud800"', created("a.json"), REQUEST)
    assert house.intake.serve(batch, Context()) == NOTHING
    phases = [record.phase for record in house.records]
    assert (phases.count(Phase.QUEUED), phases.count(Phase.FAILED)) == (2, 5)


def test_what_could_not_be_accepted_comes_again(house: House) -> None:
    house.store.fail_once("create")
    first = house.intake.serve(sqs(REQUEST, REQUEST, REQUEST), Context())
    assert first == {"batchItemFailures": [{"itemIdentifier": "m-0"}]}
    assert house.intake.serve(sqs(REQUEST), Context()) == NOTHING
    assert len(house.records) == 3


def test_one_message_may_ask_for_several_files(house: House) -> None:
    for name in "ab":
        house.drops.files[f"inbox/{name}"] = ("t", json.dumps(REQUEST).encode())
    files = [{"eventTime": "x", "s3": {"object": {"key": f"inbox%2F{name}", "eTag": "t"}}} for name in "ab"]
    assert house.intake.serve(sqs({"Records": files}), Context()) == NOTHING
    assert {record.drop for record in house.records} == {"inbox/a", "inbox/b"}


def test_the_message_by_which_s3_tries_the_queue_is_done(house: House) -> None:
    test = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}
    assert house.intake.serve(sqs(test), Context()) == NOTHING
    assert house.intake.serve(test, Context()) is None
    assert house.records == []


def test_a_direct_invocation_is_told_of_its_job(house: House) -> None:
    told = house.intake.serve(REQUEST, Context())
    assert told
    assert (told["object"], told["status"]) == ("chat.completion.state", "queued")
    assert house.intake.serve(REQUEST, Context()) == told
    assert house.intake.serve(REQUEST, Context("r-2")) != told


def test_or_of_what_is_wrong_with_it(house: House) -> None:
    told = house.intake.serve({"model": "sora-2"}, Context())
    assert told
    assert told["error"]["param"] == "messages"


def test_a_direct_invocation_that_could_not_be_accepted_is_tried_again_by_lambda(house: House) -> None:
    house.store.broken = {"create"}
    with pytest.raises(StoreFailed):
        house.intake.serve(REQUEST, Context())


@pytest.mark.parametrize("event", [{}, {"Records": []}, {"Records": None}, {"Records": [None]}, {"Records": [REQUEST]}])
def test_an_event_that_is_no_request_is_a_failed_record(house: House, event: Any) -> None:
    told = house.intake.serve(event, Context())
    assert told
    assert "error" in told
    assert [record.phase for record in house.records] == [Phase.FAILED]


@pytest.mark.parametrize("event", [[], [REQUEST], "a dog", 7, True, None], ids=repr)
def test_nor_does_one_crash_that_is_not_even_an_object(house: House, event: Any) -> None:
    """`aws lambda invoke` takes any JSON for its payload, and what raises is tried again and lost."""
    told = house.intake.serve(event, Context())
    assert told
    assert "error" in told


def test_a_batch_of_two_kinds_is_not_taken_for_messages(house: House) -> None:
    mixed = {"Records": [*sqs(REQUEST)["Records"], {"eventSource": "aws:kinesis"}]}
    told = house.intake.serve(mixed, Context())
    assert told
    assert "error" in told


# ── Jobs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def queued(house: House, seconds: float = 0) -> Job:
    record = house.store.create(new_record(seconds, phase=Phase.QUEUED, by_worker=True))
    house.upstream = FakeUpstream(*(FakeExchange(house.clock, *ANSWER) for _ in range(2)))
    return Job(record.tenant, record.id)


def test_a_job_is_done(house: House) -> None:
    job = queued(house)
    assert house.worker.serve(sqs({"tenant": job.tenant, "id": job.id}), Context()) == NOTHING
    assert house.records[0].phase is Phase.COMPLETED


def test_a_message_that_names_no_job_need_not_come_again(house: House) -> None:
    job = queued(house)
    bodies = ["", "no JSON", "[]", {"tenant": "../x", "id": job.id}, {"id": job.id}, {"tenant": 7, "id": []}]
    named = {"tenant": job.tenant, "id": job.id}
    assert house.worker.serve(sqs(*bodies, named), Context()) == NOTHING
    assert house.telemetry.counts.count(("MessagesRefused", 1, "Count")) == len(bodies)
    assert house.records[0].phase is Phase.COMPLETED


@pytest.mark.parametrize("body", [None, 7, [], {"tenant": TENANT}])
def test_nor_one_whose_body_is_no_text(house: House, body: Any) -> None:
    assert house.worker.serve({"Records": [{**message("m", ""), "body": body}]}, Context()) == NOTHING


def test_a_job_that_could_not_be_begun_comes_again(house: House) -> None:
    jobs = [queued(house), queued(house, 1)]
    house.store.fail_once("load")
    bodies = [{"tenant": job.tenant, "id": job.id} for job in jobs]
    assert house.worker.serve(sqs(*bodies), Context()) == {"batchItemFailures": [{"itemIdentifier": "m-0"}]}
    assert len(house.upstream.posts) == 1


@pytest.mark.parametrize("event", [{}, {"Records": []}, {"Records": None}, REQUEST])
def test_an_event_without_messages_is_nothing_to_do(house: House, event: Any) -> None:
    assert house.worker.serve(event, Context()) == NOTHING


def test_a_job_has_the_time_that_its_invocation_has(house: House) -> None:
    job = queued(house)
    house.worker.serve(sqs({"tenant": job.tenant, "id": job.id}), Context(seconds=300))
    (deadline,) = house.upstream.deadlines
    assert 0 < deadline < 300 - REPLY_RESERVE_SECONDS


# ── The schedule ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_schedule_sends_what_stopped_moving(house: House) -> None:
    record = house.store.create(new_record(phase=Phase.SENDING, lease=int(NOON)))
    house.store.marked_at = NOON - AGAIN_SECONDS
    house.store.watch(record)
    assert house.sweep.serve({"source": "aws.events", "detail": {}}, Context(seconds=60)) == {"sent": 1}
    assert house.sweep.serve({}, Context(seconds=0)) == {"sent": 0}, "no time, nothing done"


def test_a_sweep_that_cannot_look_raises(house: House) -> None:
    house.store.broken = {"watched"}
    with pytest.raises(StoreFailed):
        house.sweep.serve({}, Context())
