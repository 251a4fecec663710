"""The promises of the Queue port, kept by the fake and by the adapter alike; then what only SQS can do to us."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelay.aws import client
from reelay.errors import QueueFailed
from reelay.ids import new_core
from reelay.job_messages import job_in
from reelay.model import Job
from reelay.queue import MAX_DELAY_SECONDS, SqsQueue
from reelay.s3_failures import ATTEMPTS
from tests.boto_faults import Fault, answers, loses, passes
from tests.fakes import NOON, TENANT, FakeQueue
from tests.integration.store.place import free_ports

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest, AWSResponse
    from botocore.client import BaseClient
    from mypy_boto3_sqs import SQSClient

    from reelay.ports import Queue

JOB = Job(TENANT, new_core(NOON, bytes))
OTHER_JOB = Job("anonymous", new_core(NOON + 1, bytes))


def refuses(status: int, code: str) -> Fault:
    """An error as the JSON services of AWS tell it."""
    return answers(status, json.dumps({"__type": code, "message": "no"}))


def inject(client: BaseClient, *faults: Fault) -> list[str]:
    """Let the coming attempts of a client meet these faults, one each; the list grows with each attempt."""
    script = iter(faults)
    attempts: list[str] = []

    def before_send(request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        attempts.append(request.url)
        return next(script, passes)(request)

    client.meta.events.register(
        "before-send",
        before_send,  # type: ignore[arg-type] # the stubs overlook that this event takes the handler's answer
    )
    return attempts


@dataclass(frozen=True)
class Post:
    """A queue, and what has arrived in it since it was asked last."""

    queue: Queue
    arrived: Callable[[], list[Job]]


@dataclass(frozen=True)
class Sqs:
    client: SQSClient
    url: str

    def queue(self) -> SqsQueue:
        return SqsQueue(self.client, self.url)

    def bodies(self) -> list[str]:
        messages = self.client.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", [])
        return [message["Body"] for message in messages]


@pytest.fixture
def sqs(aws_environment: None) -> Sqs:  # noqa: ARG001 - where the client finds the server
    made = client("sqs")
    return Sqs(made, made.create_queue(QueueName=f"test-{uuid.uuid4().hex}")["QueueUrl"])


@pytest.fixture
def post(request: pytest.FixtureRequest) -> Post:
    """The queue that the test is parametrised with, empty."""
    if request.param == "fake":
        fake = FakeQueue()
        return Post(fake, lambda: [job for job, _ in fake.sent])
    found: Sqs = request.getfixturevalue(request.param)
    return Post(found.queue(), lambda: [job_in(body) for body in found.bodies()])


@pytest.mark.parametrize("post", ["fake", "sqs"], indirect=True)
class TestPromises:
    def test_each_job_arrives_as_it_was_sent(self, post: Post) -> None:
        post.queue.send(JOB)
        post.queue.send(OTHER_JOB)
        assert sorted(post.arrived(), key=lambda job: job.id) == [JOB, OTHER_JOB]

    def test_a_job_that_is_sent_twice_arrives_twice(self, post: Post) -> None:
        post.queue.send(JOB)
        post.queue.send(JOB)
        assert post.arrived() == [JOB, JOB]


class TestMessages:
    def test_a_message_names_the_record_and_holds_nothing_else(self, sqs: Sqs) -> None:
        sqs.queue().send(JOB)
        assert sqs.bodies() == [f'{{"tenant":"{TENANT}","id":"{JOB.id}"}}']

    @pytest.mark.parametrize(
        ("asked", "told"),
        [(0, 0), (-5, 0), (0.2, 1), (30, 30), (30.01, 31), (MAX_DELAY_SECONDS, 900), (900.5, 900), (86_400, 900)],
    )
    def test_a_delay_is_told_in_whole_seconds_that_sqs_takes(self, sqs: Sqs, asked: float, told: int) -> None:
        seen: list[int] = []

        def before_call(params: dict[str, Any], **_: Any) -> None:
            seen.append(json.loads(params["body"])["DelaySeconds"])

        sqs.client.meta.events.register("before-call.sqs.SendMessage", before_call)
        sqs.queue().send(JOB, asked)
        assert seen == [told]

    def test_a_delayed_job_is_not_there_yet(self, sqs: Sqs) -> None:
        sqs.queue().send(JOB, MAX_DELAY_SECONDS)
        assert sqs.bodies() == []


class TestFaults:
    def test_a_busy_queue_is_asked_again(self, sqs: Sqs) -> None:
        attempts = inject(sqs.client, refuses(503, "ServiceUnavailable"), refuses(400, "ThrottlingException"))
        sqs.queue().send(JOB)
        assert len(attempts) == ATTEMPTS
        assert [job_in(body) for body in sqs.bodies()] == [JOB]

    def test_a_job_whose_answer_was_lost_arrives_at_least_once(self, sqs: Sqs) -> None:
        inject(sqs.client, loses)
        sqs.queue().send(JOB)
        assert {job_in(body) for body in sqs.bodies()} == {JOB}

    @pytest.mark.usefixtures("aws_environment")
    def test_a_queue_that_is_down_fails_without_a_word_of_botos(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", f"http://127.0.0.1:{free_ports(1)[0]}")
        with pytest.raises(QueueFailed) as failed:
            SqsQueue(client("sqs"), "http://127.0.0.1/queue").send(JOB)
        assert "EndpointConnectionError" in failed.value.message
        assert "127.0.0.1" not in failed.value.message
        assert failed.value.__cause__ is None
        assert failed.value.__suppress_context__

    def test_a_missing_queue_is_told_by_its_code(self, sqs: Sqs) -> None:
        with pytest.raises(QueueFailed, match=r"\(AWS\.SimpleQueueService\.NonExistentQueue\)"):
            SqsQueue(sqs.client, sqs.url + "-not").send(JOB)

    def test_an_answer_without_a_code_word_is_not_quoted(self, sqs: Sqs) -> None:
        inject(sqs.client, refuses(403, "<script> sk-token"))
        with pytest.raises(QueueFailed, match=r"\(no code\)"):
            sqs.queue().send(JOB)

    def test_a_call_that_boto_itself_refuses_fails_too(self, sqs: Sqs) -> None:
        with pytest.raises(QueueFailed, match="ParamValidationError") as failed:
            SqsQueue(sqs.client, None).send(JOB)  # type: ignore[arg-type] # the mistake that is tested
        assert JOB.id not in failed.value.message


class TestReading:
    def test_a_field_of_a_later_version_is_passed_over(self) -> None:
        assert job_in(json.dumps({"tenant": TENANT, "id": JOB.id, "mood": "sunny"})) == JOB

    @pytest.mark.parametrize(
        "body",
        [
            "",
            "retriever",
            "[" * 100_000,
            "9" * 5_000,
            "null",
            "[]",
            f'"{JOB.id}"',
            "{}",
            json.dumps({"tenant": TENANT}),
            json.dumps({"id": JOB.id}),
            json.dumps({"tenant": TENANT, "id": None}),
            json.dumps({"tenant": 7, "id": JOB.id}),
            json.dumps({"tenant": TENANT, "id": "retriever"}),
            json.dumps({"tenant": TENANT, "id": f"chatcmpl-{JOB.id}"}),
            json.dumps({"tenant": TENANT, "id": f"../{JOB.id}"}),
            json.dumps({"tenant": TENANT, "id": f"{JOB.id}\n"}),
            json.dumps({"tenant": "../retriever", "id": JOB.id}),
            json.dumps({"tenant": f"{TENANT}\n", "id": JOB.id}),
            json.dumps({"tenant": TENANT.upper(), "id": JOB.id}),
        ],
    )
    def test_what_names_no_record_is_refused_without_being_quoted(self, body: str) -> None:
        with pytest.raises(ValueError, match="a message that") as refused:
            job_in(body)
        assert "retriever" not in str(refused.value)
        assert refused.value.__cause__ is None
        assert refused.value.__suppress_context__ or refused.value.__context__ is None

    @given(body=st.text(st.characters()))
    def test_no_text_does_anything_but_be_refused(self, body: str) -> None:
        with pytest.raises(ValueError, match="a message that"):
            job_in(body)
