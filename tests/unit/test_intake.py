"""The intake: an event becomes one job, however often it comes, and a bad one a failed record in clear words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from reelay.admission import KEY_SECONDS, Admission
from reelay.aftercare import Aftercare, Means
from reelay.contract import Contract
from reelay.drops import DROP_BYTES
from reelay.errors import CallerError, StoreFailed
from reelay.http_event import MAX_BODY_BYTES
from reelay.ids import completion_id, derived_core, new_core
from reelay.intake import NAMELESS, Desk, Intake
from reelay.jobs import QUEUE_LEASE_SECONDS, Claimed, next_step
from reelay.model import Job, Notice, Order, Phase, Problem, Record, VideoRequest
from reelay.spending import Spending
from reelay.triggers import Asked, Dropped, of_event, of_message
from tests.contract.bad_inputs import BAD_INPUTS, CHAT, VIDEOS, BadInput
from tests.contract.proxy_events import rest_event
from tests.fakes import (
    NOON,
    TENANT,
    FakeArchive,
    FakeBus,
    FakeClaims,
    FakeClock,
    FakeDrops,
    FakeQueue,
    FakeStore,
    FakeSwitch,
    FakeTelemetry,
)

REQUEST = {"model": "sora-2", "messages": [{"role": "user", "content": "a golden retriever"}], "metadata": {"a": "b"}}
FILM = {"prompt": "a golden retriever", "seconds": "8"}
DROP = "inbox/a.json"
TAG = "0123456789abcdef"
CHARGED = Problem("no", "upstream_error", None, "upstream_broken", 502, charged=True)


def raw(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def asked(body: Any = REQUEST, name: str = "sqs m-1", key: str | None = None, at: float = NOON - 5) -> Asked:
    return Asked(name, at, raw(body), key)


def dropped(name: str = "s3 a", key: str = DROP, tag: str = TAG) -> Dropped:
    return Dropped(name, NOON - 5, key, tag)


@pytest.fixture(scope="module")
def contract() -> Contract:
    return Contract.load()


class Hall:
    """An intake over fakes."""

    def __init__(self, contract: Contract, tenant: str = TENANT, ask_seconds: int = 0) -> None:
        self.clock = FakeClock()
        self.store = FakeStore()
        self.claims = FakeClaims()
        self.queue, self.bus, self.drops = FakeQueue(), FakeBus(), FakeDrops()
        self.telemetry = FakeTelemetry()
        self.tenant = tenant
        numbers = count(1)
        self.intake = Intake(
            Desk(
                read=contract.read_event,
                store=self.store,
                claims=self.claims,
                admission=Admission(
                    self.claims, self.store, self.clock,
                    lambda now: new_core(now, lambda n: next(numbers).to_bytes(n, "big")),
                ),
                drops=self.drops,
                queue=self.queue,
                aftercare=Aftercare(
                    Means(
                        self.store, FakeArchive(), self.clock, self.telemetry, self.queue, self.bus, self.drops
                    )
                ),
                spending=Spending(FakeSwitch()),
                clock=self.clock,
                telemetry=self.telemetry,
                tenant=tenant,
                ask_seconds=ask_seconds,
            )
        )  # fmt: skip

    def accept(self, wanted: Asked | Dropped) -> Any:
        return self.intake.accept(wanted)

    @property
    def records(self) -> list[Record]:
        return list(self.store.records.values())

    @property
    def record(self) -> Record:
        (record,) = self.records
        return record

    @property
    def sent(self) -> list[str]:
        return [job.id for job, _ in self.queue.sent]

    def change(self, **fields: Any) -> None:
        """What a worker or an owner does meanwhile."""
        self.store.save(replace(self.record, **fields))


@pytest.fixture
def hall(contract: Contract) -> Hall:
    return Hall(contract)


# ── A good request ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_request_becomes_a_job(hall: Hall) -> None:
    told = hall.accept(asked())
    record = hall.record
    assert (record.phase, record.status, record.by_worker, record.tries) == (Phase.QUEUED, "queued", True, 0)
    assert (record.request, record.metadata, record.model) == (REQUEST, {"a": "b"}, "sora-2")
    assert (record.created, record.lease) == (int(NOON), int(NOON) + QUEUE_LEASE_SECONDS)
    assert (record.tenant, record.keeps, record.video, record.drop) == (TENANT, True, None, None)
    assert record.id == derived_core(NOON - 5, "sqs m-1")
    assert hall.queue.sent == [(Job(TENANT, record.id), 0)]
    assert told == {
        "id": completion_id(record.id),
        "object": "chat.completion.state",
        "created": int(NOON),
        "model": "sora-2",
        "status": "queued",
        "progress": 0,
    }


def test_a_request_in_the_words_of_the_videos_api_becomes_one_too(hall: Hall) -> None:
    hall.accept(asked(FILM))
    assert hall.record.video == VideoRequest("a golden retriever", "8")
    assert (hall.record.request or {})["messages"][0]["content"].startswith("a golden retriever\n\n(8 seconds")
    assert (hall.record.model, hall.record.phase) == ("sora-2", Phase.QUEUED)


def test_such_a_video_shows_in_every_list_from_its_beginning(hall: Hall) -> None:
    """As one that was asked for over HTTP does."""
    hall.accept(asked(FILM))
    for order in Order:
        assert [record.id for record in hall.store.walk(TENANT, order, None)] == [hall.record.id]


def test_a_job_is_asked_after_where_that_is_set(contract: Contract) -> None:
    for seconds, until in ((0, 0), (7200, int(NOON) + 7200)):
        hall = Hall(contract, ask_seconds=seconds)
        hall.accept(asked())
        assert hall.record.ask_until == until


@pytest.mark.parametrize("tenant", ["events", TENANT])
def test_every_tenant_of_events_can_have_jobs(contract: Contract, tenant: str) -> None:
    hall = Hall(contract, tenant)
    hall.accept(asked())
    hall.accept(asked(name="sqs m-2", key="order-7"))
    hall.accept(asked({}, name="sqs m-3"))
    assert {record.tenant for record in hall.records} == {tenant}
    assert len(hall.records) == 3


def test_a_job_is_marked_before_its_record_is_there_and_sent_after(contract: Contract) -> None:
    calls: list[str] = []

    class Heard(FakeStore):
        def _reach(self, method: str) -> None:
            calls.append(method)
            super()._reach(method)

    hall = Hall(contract)
    hall.store.__class__ = Heard
    hall.accept(asked())
    assert calls.index("watch") < calls.index("create")
    assert len(hall.store.open) == 1


@pytest.mark.parametrize("times", [2, 5])
@pytest.mark.parametrize("key", [None, "order-7"])
def test_an_event_that_comes_again_is_the_same_job(hall: Hall, key: str | None, times: int) -> None:
    told = [hall.accept(asked(key=key)) for _ in range(times)]
    assert all(each == told[0] for each in told)
    assert hall.record.rev == 1
    assert set(hall.sent) == {hall.record.id}


def test_two_names_are_two_jobs_whatever_their_words(hall: Hall) -> None:
    hall.accept(asked())
    hall.accept(asked(name="sqs m-2"))
    hall.accept(asked(at=NOON - 4))
    assert len(hall.records) == 3


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.QUEUED])
def test_a_job_that_is_on_its_way_or_at_its_end_is_not_sent_again(hall: Hall, phase: Phase) -> None:
    hall.accept(asked())
    hall.change(phase=phase, status="in_progress", progress=36)
    told = hall.accept(asked())
    assert (told["status"], told["progress"]) == ("in_progress", 36)
    assert len(hall.sent) == 1


@pytest.mark.parametrize("wanted", [asked(), asked({}), asked(key="order-7")], ids=["good", "bad", "named"])
def test_an_event_that_comes_again_marks_nothing_that_is_done(hall: Hall, wanted: Asked) -> None:
    """Or the sweep sends a worker, who tells the world once more what it has heard."""
    hall.accept(wanted)
    hall.change(phase=Phase.FAILED, status="failed", problem=replace(CHARGED, message="no"))
    hall.store.unwatch(Job(TENANT, hall.record.id))
    hall.accept(wanted)
    assert hall.store.open == {}


# ── Things that fail ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("wanted", [asked(), asked(key="order-7"), asked(FILM), dropped()], ids=repr)
def test_a_job_whose_message_is_not_taken_stands_and_the_next_sweep_sends_it(
    hall: Hall, wanted: Asked | Dropped
) -> None:
    """Whoever asked is told so, for else it would ask again under another name, and both would run."""
    hall.drops.files[DROP] = (TAG, raw(REQUEST))
    hall.queue.broken = True
    for _ in range(3):
        assert hall.accept(wanted)["status"] == "queued"
    assert (hall.record.phase, len(hall.store.open)) == (Phase.QUEUED, 1)
    assert hall.record.lease == int(hall.clock.now())
    hall.queue.broken = False
    hall.accept(wanted)
    assert hall.sent == [hall.record.id]


@pytest.mark.parametrize("method", ["watch", "create"])
@pytest.mark.parametrize("wanted", [asked(), asked(key="order-7"), asked({}), dropped()], ids=repr)
def test_a_store_that_is_down_keeps_the_event(hall: Hall, wanted: Asked | Dropped, method: str) -> None:
    hall.drops.files[DROP] = (TAG, raw(REQUEST))
    hall.store.broken = {method}
    with pytest.raises(StoreFailed):
        hall.accept(wanted)
    assert (hall.records, hall.sent) == ([], [])
    hall.store.broken = set()
    hall.accept(wanted)
    assert len(hall.records) == 1


def test_claims_that_are_down_keep_the_event(hall: Hall) -> None:
    hall.claims.broken = {"take"}
    with pytest.raises(StoreFailed):
        hall.accept(asked(key="order-7"))
    assert (hall.records, hall.sent) == ([], [])


@pytest.mark.parametrize("key", [None, "order-7"])
def test_a_job_whose_record_was_deleted_is_not_run_again(hall: Hall, key: str | None) -> None:
    hall.accept(asked(key=key))
    hall.store.delete(hall.record)
    told = hall.accept(asked(key=key))
    assert told["error"]["code"] == "deleted"
    assert len(hall.sent) == 1
    assert [record for record in hall.records if record.phase is not Phase.FAILED] == []


# ── Names of the sender's ────────────────────────────────────────────────────────────────────────────────────────────


def test_two_messages_of_one_name_are_one_job(hall: Hall) -> None:
    first = hall.accept(asked(key="order-7"))
    assert hall.accept(asked(name="sqs m-2", key="order-7", at=NOON)) == first
    assert len(hall.records) == 1


def test_the_same_name_with_other_words_is_refused(hall: Hall) -> None:
    hall.accept(asked(key="order-7"))
    for _ in range(3):
        told = hall.accept(asked({**REQUEST, "model": "sora-2-pro"}, name="sqs m-2", key="order-7"))
        assert told["error"]["code"] == "idempotency_key_reused"
    assert [record.phase for record in hall.records] == [Phase.QUEUED, Phase.FAILED]


def test_two_names_of_the_senders_are_two_jobs(hall: Hall) -> None:
    hall.accept(asked(key="order-7"))
    hall.accept(asked(name="sqs m-2", key="order-8"))
    assert len(hall.sent) == 2


def test_a_name_that_was_claimed_without_a_record_is_taken_up_again(hall: Hall) -> None:
    hall.store.broken = {"create"}
    with pytest.raises(StoreFailed):
        hall.accept(asked(key="order-7"))
    (claim,) = hall.claims.claims.values()
    hall.store.broken = set()
    hall.accept(asked(key="order-7"))
    assert hall.record.id == claim.core


def test_an_event_with_a_name_finds_its_job_however_late_it_comes(hall: Hall) -> None:
    """A message that the queue kept failing for is a dead letter, its job is run by the sweep all the same, and days
    later somebody sends the dead letters back: that must not pay twice."""
    message = {
        "messageId": "m-1",
        "body": json.dumps(REQUEST),
        "attributes": {"SentTimestamp": str(int((NOON - 5) * 1000))},
        "messageAttributes": {"Idempotency-Key": {"stringValue": "order-7"}},
    }
    (wanted,) = of_message(message)
    hall.queue.broken = True
    hall.accept(wanted)
    hall.change(phase=Phase.COMPLETED, status="completed")
    hall.queue.broken = False
    hall.clock.advance(KEY_SECONDS + 60)
    hall.accept(wanted)
    assert len(hall.records) == 1
    assert hall.sent == []


def test_a_direct_invocation_that_is_tried_again_is_one_job(hall: Hall) -> None:
    for _ in range(3):
        (wanted,) = of_event(REQUEST, "r-1")
        hall.accept(wanted)
        hall.clock.advance(120)
    assert hall.record.phase is Phase.QUEUED


def test_a_bad_direct_invocation_that_is_tried_again_is_one_failed_record(hall: Hall) -> None:
    """As Lambda does with an asynchronous one whose function was ended after it had written."""
    for _ in range(3):
        (wanted,) = of_event({"model": "sora-2"}, "r-1")
        hall.accept(wanted)
        hall.clock.advance(120)
    assert hall.record.phase is Phase.FAILED


def test_an_event_that_comes_again_does_not_begin_a_job_anew_that_failed_unpaid(hall: Hall) -> None:
    """Over HTTP somebody asks once more; here the same delivery comes twice."""
    hall.accept(asked(key="order-7"))
    hall.change(phase=Phase.FAILED, status="failed", problem=replace(CHARGED, charged=False))
    told = hall.accept(asked(key="order-7"))
    assert told["error"]["message"] == "no"
    assert len(hall.records) == 1


# ── Bad requests ─────────────────────────────────────────────────────────────────────────────────────────────────────


def bodies() -> Iterator[tuple[str, bytes]]:
    """Of the bad requests over HTTP, those that are bad by their body alone."""
    for bad in BAD_INPUTS:
        if not of_a_body(bad):
            continue
        event = bad.event()
        is_film = event["path"] == VIDEOS
        body = event["body"]
        if (
            isinstance(body, str)
            and not event["isBase64Encoded"]
            and (not is_film or ('"prompt"' in body and '"messages"' not in body))
        ):
            yield bad.id, body.encode("utf-8", "surrogatepass")


def of_a_body(bad: BadInput) -> bool:
    if bad.status not in (400, 413) or bad.param in ("Accept", "X-Forwarded-Host", "Idempotency-Key", "Prefer"):
        return False
    event = bad.event()
    plain = "application/json" in str(event.get("headers", {}))
    return event.get("httpMethod") == "POST" and event.get("path") in (CHAT, VIDEOS) and plain


BODIES = dict(bodies())


def over_http(contract: Contract, body: bytes) -> CallerError | None:
    """What the same bytes meet at the HTTP door."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    films = b'"prompt"' in body and b'"messages"' not in body
    try:
        contract.read(rest_event("POST", VIDEOS if films else CHAT, body=text))
    except CallerError as error:
        return error
    return None


def test_there_are_bad_bodies() -> None:
    assert len(BODIES) > 40


@pytest.mark.parametrize("id", BODIES)
def test_a_bad_request_becomes_one_failed_record_in_the_words_of_http(contract: Contract, id: str) -> None:
    error = over_http(contract, BODIES[id])
    hall = Hall(contract)
    told = [hall.accept(asked(BODIES[id])) for _ in range(3)]
    record = hall.record
    assert (record.phase, record.status, record.lease, record.finished) == (Phase.FAILED, "failed", 0, int(NOON))
    assert (record.request, record.completion, record.model) == (None, None, NAMELESS)
    assert record.problem
    assert not record.problem.charged
    assert told == [{"id": completion_id(record.id), "error": told[0]["error"]}] * 3
    if error is not None:
        assert told[0]["error"] == error.body()["error"]
        assert record.problem.status == error.status
    assert [event.notice for event in hall.bus.events] == [Notice.FAILED]
    assert hall.sent == []


def test_a_request_that_keeps_nothing_could_never_be_told(hall: Hall) -> None:
    told = hall.accept(asked({**REQUEST, "store": False}))
    assert (told["error"]["param"], hall.record.phase) == ("store", Phase.FAILED)


def test_a_body_that_is_too_large_is_refused(hall: Hall) -> None:
    told = hall.accept(asked(b" " * (MAX_BODY_BYTES + 1)))
    assert (told["error"]["code"], hall.record.phase) == ("request_too_large", Phase.FAILED)


def test_a_refusal_that_could_not_be_told_is_told_by_a_worker(hall: Hall) -> None:
    hall.bus.broken = True
    hall.accept(asked({}))
    assert len(hall.store.open) == 1, "the mark stays for the sweep"
    assert next_step(hall.record, Claimed(int(NOON) + 900), NOON).write, "and it is in nobody's hands"


def test_a_refused_request_whose_record_was_deleted_does_not_come_back(hall: Hall) -> None:
    hall.accept(asked({}))
    hall.store.delete(hall.record)
    hall.accept(asked({}))
    assert hall.records == []


# ── Files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_becomes_a_job_that_knows_its_file(hall: Hall) -> None:
    hall.drops.files[DROP] = (TAG, raw(REQUEST))
    told = [hall.accept(dropped()) for _ in range(3)]
    assert (hall.record.drop, hall.record.phase, told[0]["status"]) == (DROP, Phase.QUEUED, "queued")
    assert hall.drops.answers == {}


def test_a_file_that_is_gone_or_was_replaced_is_nobodys_business(hall: Hall) -> None:
    assert hall.accept(dropped()) is None
    hall.drops.files[DROP] = ("another", raw(REQUEST))
    assert hall.accept(dropped()) is None
    assert (hall.records, hall.sent, hall.store.open) == ([], [], {})


def test_another_version_of_a_file_is_another_job(hall: Hall) -> None:
    hall.drops.files[DROP] = (TAG, raw(REQUEST))
    hall.accept(dropped())
    hall.drops.files[DROP] = ("another", raw(REQUEST))
    hall.accept(dropped("s3 b", tag="another"))
    assert len(hall.records) == 2


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "invalid_request"), (b"hello", "invalid_json"), (b"\xff", "invalid_json"),
     (b" " * (DROP_BYTES + 1), "request_too_large")],
    ids=["empty", "no JSON", "no text", "too large"],
)  # fmt: skip
def test_a_bad_file_has_its_error_laid_beside_it(hall: Hall, data: bytes, code: str) -> None:
    hall.drops.files[DROP] = (TAG, data)
    for _ in range(3):
        hall.accept(dropped())
    assert hall.drops.answers[DROP]["error"]["code"] == code
    assert hall.drops.answers[DROP]["id"] == completion_id(hall.record.id)
    assert (hall.record.drop, hall.sent) == (DROP, [])


@pytest.mark.parametrize("key", ["inbox/", "inbox/folder/", "outbox/a.json", "a.json", "", "inbox/\ud800", "\ud800"])
def test_what_is_no_file_of_the_inbox_is_passed_over(hall: Hall, key: str) -> None:
    """And never raises, or its message would come again and again."""
    assert hall.accept(dropped(key=key)) is None
    assert (hall.records, hall.sent) == ([], [])


def test_files_that_cannot_be_read_now_are_read_later(hall: Hall) -> None:
    hall.drops.files[DROP] = (TAG, raw(REQUEST))
    hall.drops.broken = {"read"}
    with pytest.raises(StoreFailed):
        hall.accept(dropped())
    assert hall.records == []


def test_the_operator_learns_nothing_of_the_content(hall: Hall) -> None:
    hall.drops.files[DROP] = (TAG, raw(REQUEST))
    for wanted in (asked(), asked(key="order-7", name="x"), asked({"a golden retriever": 1}, name="y"), dropped()):
        hall.accept(wanted)
    said = repr((hall.telemetry.notes, hall.telemetry.alarms, hall.telemetry.counts))
    assert "retriever" not in said
    assert "order-7" not in said
    assert DROP not in said


# ── Files and names ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_bytes_put_there_again_are_the_same_request_for_a_day(hall: Hall) -> None:
    """Whoever did not hear that a file was taken puts it there again: another event of the same content."""
    hall.drops.files[DROP] = (TAG, raw(REQUEST))
    first = hall.accept(dropped("s3 a 01"))
    assert hall.accept(dropped("s3 a 02"))["id"] == first["id"]
    hall.clock.advance(KEY_SECONDS + 1)
    assert hall.accept(dropped("s3 a 02"))["id"] == first["id"], "however late it comes"
    again = hall.accept(Dropped("s3 a 03", hall.clock.now(), DROP, TAG))
    assert again["id"] != first["id"]
    hall.accept(dropped("s3 a 02"))
    assert len(hall.records) == 2


def test_a_request_may_hold_its_own_name(hall: Hall) -> None:
    first = hall.accept(asked({**REQUEST, "idempotency_key": "order-7"}))
    again = hall.accept(asked({"idempotency_key": "order-7", **REQUEST}, name="eventbridge x"))
    assert again["id"] == first["id"]
    assert hall.record.request == REQUEST
