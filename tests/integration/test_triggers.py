"""The local triggers: queues, a bus, a bucket and a clock set small doors off, as they do on AWS."""

from __future__ import annotations

import hashlib
import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest

from dev.aws import AwsServer
from dev.deployment import Deployment, Plan, deployed
from dev.gateway import FunctionFailed
from dev.stack import running
from dev.surroundings import Schedule, Surroundings
from dev.triggers import Triggers
from dev.up import lines
from reelay.identity import tenant_of
from tests.integration.doors.ear import Ear, Heard
from tests.integration.doors.meeting import PATIENCE_SECONDS

TEMPLATE = Path(__file__).parent / "doors" / "triggers.yaml"
SECRET = "sk-secret"
CLOSE_SECONDS = 2.0
NOBODY: Any = None
"""Where no queue is asked."""

SOON = 1
"""Seconds: the shortest visibility that SQS has."""


@contextmanager
def up(ear: Ear, log: Path, **choices: Any) -> Iterator[Deployment]:
    with deployed(Plan(TEMPLATE, SECRET, environment={"EAR_PORT": str(ear.port)}, log=log, **choices)) as deployment:
        yield deployment


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def ear() -> Iterator[Ear]:
    with Ear() as listening:
        yield listening


def send(deployment: Deployment, queue: str, *bodies: str, **attributes: Any) -> None:
    url = deployment.around.queues[queue].url
    entries: Any = [{"Id": str(n), "MessageBody": body, **attributes} for n, body in enumerate(bodies)]
    assert len(deployment.cloud.sqs.send_message_batch(QueueUrl=url, Entries=entries)["Successful"]) == len(bodies)


def there(deployment: Deployment, queue: str) -> tuple[int, int]:
    """How many messages wait, and how many are in somebody's hands."""
    url = deployment.around.queues[queue].url
    told = deployment.cloud.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return int(told["ApproximateNumberOfMessages"]), int(told["ApproximateNumberOfMessagesNotVisible"])


def until(condition: Callable[[], bool]) -> None:
    """Ask again and again, each time over HTTP, until it is so."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline


def hear_batch(deployment: Deployment, ear: Ear, *bodies: str) -> Heard:
    """These messages in one event: sent before anybody polls, which a batch of one call cannot promise.

    The function is up before, so that no visibility runs out while it starts.
    """
    with ThreadPoolExecutor(1) as pool:
        pool.submit(deployment.gateway.invoke, "BatchFunction", {})
        ear.hear().returns()
    send(deployment, "BatchQueue", *bodies)
    deployment.triggers.start()
    return ear.hear()


# ── Queues ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_function_gets_messages_in_the_shape_of_lambdas_event(ear: Ear, log: Path) -> None:
    with up(ear, log, triggers=False) as deployment:
        kind = {"kind": {"DataType": "String", "StringValue": "x"}, "raw": {"DataType": "Binary", "BinaryValue": b"\0"}}
        send(deployment, "BatchQueue", "one", "two", MessageAttributes=kind)
        deployment.triggers.start()
        heard = ear.hear()
        heard.returns()
        until(lambda: there(deployment, "BatchQueue") == (0, 0))

    assert heard.function == "BatchFunction"
    assert sorted(heard.bodies) == ["one", "two"]
    record = next(record for record in heard.event["Records"] if record["body"] == "one")
    assert record.pop("messageId")
    assert record.pop("receiptHandle")
    attributes = record.pop("attributes")
    assert attributes.pop("SenderId")
    assert {name: value.isdigit() for name, value in attributes.items()} == {
        "ApproximateReceiveCount": True,
        "SentTimestamp": True,
        "ApproximateFirstReceiveTimestamp": True,
    }
    nothing: dict[str, list[str]] = {"stringListValues": [], "binaryListValues": []}
    assert record == {
        "body": "one",
        "messageAttributes": {
            "kind": {"stringValue": "x", **nothing, "dataType": "String"},
            "raw": {"binaryValue": "AA==", **nothing, "dataType": "Binary"},
        },
        "md5OfBody": hashlib.md5(b"one", usedforsecurity=False).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": deployment.around.queues["BatchQueue"].arn,
        "awsRegion": "us-east-1",
    }


def test_only_what_the_function_names_comes_again_and_then_is_a_dead_letter(ear: Ear, log: Path) -> None:
    with up(ear, log, triggers=False, visibility=SOON) as deployment:
        first = hear_batch(deployment, ear, "good", "bad")
        first.returns({"batchItemFailures": [{"itemIdentifier": first.id_of("bad")}]})
        second = ear.hear()
        assert (second.bodies, second.receives) == (["bad"], ["2"])
        second.returns({"batchItemFailures": [{"itemIdentifier": first.id_of("bad")}]})
        until(lambda: there(deployment, "DeadLetters") == (1, 0))
        assert there(deployment, "BatchQueue") == (0, 0)
        dead = deployment.take("DeadLetters")

    assert dead
    assert [record["body"] for record in dead["Records"]] == ["bad"]
    assert "BatchQueue -> BatchFunction: 2 taken, 1 failed" in log.read_text()
    assert ear.silent


def test_a_function_that_raises_gets_the_whole_batch_again(ear: Ear, log: Path) -> None:
    with up(ear, log, triggers=False, visibility=SOON) as deployment:
        hear_batch(deployment, ear, "one", "two").raises()
        again = [ear.hear()]
        again[0].returns()
        if len(again[0].bodies) == 1:  # they may come back one after another
            again.append(ear.hear())
            again[1].returns()
        until(lambda: there(deployment, "BatchQueue") == (0, 0))

    assert sorted(body for heard in again for body in heard.bodies) == ["one", "two"]
    assert "2 taken, 2 failed (ValueError)" in log.read_text()
    assert "words of the caller's" not in [line for line in log.read_text().splitlines() if line.startswith("gateway")]


def test_without_partial_failures_an_answer_is_not_looked_at(ear: Ear, log: Path) -> None:
    with up(ear, log) as deployment:
        send(deployment, "OneByOneQueue", "one")
        heard = ear.hear()
        heard.returns({"batchItemFailures": [{"itemIdentifier": heard.id_of("one")}]})
        until(lambda: there(deployment, "OneByOneQueue") == (0, 0))


def test_a_message_that_takes_longer_than_its_visibility_comes_to_another_at_the_same_time(ear: Ear, log: Path) -> None:
    with up(ear, log, visibility=SOON) as deployment:
        send(deployment, "OneByOneQueue", "slow")
        first, second = sorted((ear.hear(), ear.hear()), key=lambda heard: heard.receives)
        assert first.bodies == second.bodies == ["slow"]
        assert (first.receives, second.receives) == (["1"], ["2"])
        second.returns()
        first.returns()
        until(lambda: there(deployment, "OneByOneQueue") == (0, 0))


def test_no_more_than_the_concurrency_run_at_a_time_and_the_rest_stays_on_the_queue(ear: Ear, log: Path) -> None:
    with up(ear, log, parameters={"Concurrency": "3"}) as deployment:
        send(deployment, "OneByOneQueue", *map(str, range(5)))
        running = [ear.hear() for _ in range(3)]
        assert there(deployment, "OneByOneQueue") == (2, 3)
        assert ear.silent
        bodies = [heard.bodies[0] for heard in running]
        while len(bodies) < 5:
            running.pop(0).returns()
            running.append(ear.hear())
            bodies += running[-1].bodies
            assert ear.silent
        for heard in running:
            heard.returns()
        assert sorted(bodies) == ["0", "1", "2", "3", "4"]
        until(lambda: there(deployment, "OneByOneQueue") == (0, 0))


# ── Bus, bucket and clock ────────────────────────────────────────────────────────────────────────────────────────────


def test_an_event_that_a_rule_wants_reaches_the_function_behind_its_queue(ear: Ear, log: Path) -> None:
    with up(ear, log) as deployment:
        asked = {"EventBusName": deployment.around.buses["Bus"], "Source": "test", "Detail": '{"a": "b"}'}
        entries: Any = [{**asked, "DetailType": kind} for kind in ("Something else", "Asked")]
        answer = deployment.cloud.events.put_events(Entries=entries)
        heard = ear.hear()
        heard.returns()

    event = json.loads(heard.bodies[0])
    assert len(heard.bodies) == 1
    assert event["id"] == answer["Entries"][1]["EventId"]
    assert (event["detail-type"], event["source"], event["detail"]) == ("Asked", "test", {"a": "b"})
    assert ear.silent


def test_a_file_in_the_inbox_is_told_as_aws_would_and_others_are_not(ear: Ear, log: Path) -> None:
    with up(ear, log) as deployment:
        bucket = deployment.around.buckets[0].name
        told = []
        for key in ("outbox/a.json", "inbox/ü & b.json", "inbox/ü & b.json"):
            tag = deployment.cloud.s3.put_object(Bucket=bucket, Key=key, Body=b"{}")["ETag"].strip('"')
            if key.startswith("inbox/"):
                heard = ear.hear()
                heard.returns()
                told.append((heard.event["Records"][0], json.loads(heard.bodies[0]), tag))

    for record, event, tag in told:
        assert (event["source"], event["detail-type"]) == ("aws.s3", "Object Created")
        assert event["detail"]["bucket"] == {"name": bucket}
        sequencer = event["detail"]["object"].pop("sequencer")
        assert int(sequencer, 16)
        assert event["detail"]["object"] == {"key": "inbox/ü & b.json", "size": 2, "etag": tag}
        assert record["md5OfBody"] == hashlib.md5(record["body"].encode(), usedforsecurity=False).hexdigest()
    assert len({event["id"] for _, event, _ in told}) == 2
    assert ear.silent


def test_a_schedule_can_be_fired_now(ear: Ear, log: Path) -> None:
    with up(ear, log, triggers=False) as deployment:
        answers: list[Any] = []
        firing = threading.Thread(target=lambda: answers.append(deployment.triggers.fire("OneByOneFunction")))
        firing.start()
        heard = ear.hear()
        heard.returns({"swept": 1})
        firing.join()
        with pytest.raises(KeyError):
            deployment.triggers.fire("BatchFunction")

    assert answers == [{"swept": 1}]
    assert heard.event.pop("id")
    assert heard.event.pop("time").endswith("Z")
    assert heard.event == {
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "region": "us-east-1",
        "resources": ["arn:aws:events:us-east-1:123456789012:rule/OneByOneFunctionNow"],
        "detail": {},
    }


# ── The whole ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_schedule_goes_on_after_a_failure_until_it_is_stopped() -> None:
    invoked: queue.Queue[str] = queue.Queue()
    noted: queue.Queue[str] = queue.Queue()
    answers = iter([FunctionFailed("ValueError", ""), TimeoutError()])

    def invoke(function: str, event: Any) -> Any:
        assert event["source"] == "aws.events"
        invoked.put(function)
        for failure in answers:
            raise failure

    at_once = Surroundings(schedules=(Schedule("Function", "Rule", 0),))
    triggers = Triggers(at_once, NOBODY, invoke, noted.put)
    triggers.start()
    heard = [noted.get(timeout=PATIENCE_SECONDS) for _ in range(3)]
    triggers.stop()
    triggers.join()

    assert heard == [
        "Rule -> Function: failed (FunctionFailed)",
        "Rule -> Function: failed (TimeoutError)",
        "Rule -> Function: done",
    ]
    assert invoked.get() == "Function"


def test_variables_name_what_is_there(ear: Ear, log: Path) -> None:
    with up(ear, log) as deployment:
        send(deployment, "BatchQueue", "one")
        heard = ear.hear()
        heard.returns()
        known = heard.environment
        assert known["QUEUE_URL"] == deployment.around.queues["OneByOneQueue"].url
        assert known["ARN"] == deployment.around.queues["BatchQueue"].arn
        assert deployment.cloud.events.describe_event_bus(Name=known["BUS"])["Name"] == known["BUS"]
        assert known["BUCKET_NAME"] in [each["Name"] for each in deployment.cloud.s3.list_buckets()["Buckets"]]
        assert deployment.cloud.secrets.get_secret_value(SecretId=known["SECRET"])["SecretString"] == SECRET


def test_two_stacks_of_one_process_do_not_hear_each_other(log: Path, tmp_path: Path) -> None:
    with Ear() as one, Ear() as two, up(one, log) as first, up(two, tmp_path / "other") as second:
        for deployment, ear in ((first, one), (second, two)):
            deployment.cloud.s3.put_object(Bucket=deployment.around.buckets[0].name, Key="inbox/x", Body=b"{}")
            send(deployment, "OneByOneQueue", "x")
            for _ in range(2):
                ear.hear().returns()
        assert one.silent
        assert two.silent


def test_without_triggers_messages_are_taken_and_functions_invoked_by_hand(ear: Ear, log: Path) -> None:
    with up(ear, log, triggers=False) as deployment:
        send(deployment, "OneByOneQueue", "one", "two")
        event = deployment.take("OneByOneQueue", most=2)
        assert event
        assert deployment.take("OneByOneQueue") is None
        twice = [threading.Thread(target=deployment.gateway.invoke, args=["OneByOneFunction", event]) for _ in range(2)]
        for each in twice:
            each.start()
        heard = [ear.hear(), ear.hear()]
        assert heard[0].event == heard[1].event == event
        for one in heard:
            one.returns()
        for each in twice:
            each.join()
        assert there(deployment, "OneByOneQueue") == (0, 2)


def test_it_closes_at_once_in_the_middle_of_a_job_and_leaves_nothing(ear: Ear, log: Path) -> None:
    before = set(threading.enumerate())
    with up(ear, log) as deployment:
        send(deployment, "OneByOneQueue", *"abcd")  # two run, two wait
        running = [ear.hear(), ear.hear()]
        began = time.monotonic()
    assert time.monotonic() - began < CLOSE_SECONDS
    assert set(threading.enumerate()) <= before
    for heard in running:
        assert heard.connection.recv(1) == b""  # its process is gone


def test_whoever_is_invoked_by_hand_when_it_closes_is_told(ear: Ear, log: Path) -> None:
    failures: list[str] = []

    def invoke(deployment: Deployment) -> None:
        try:
            deployment.gateway.invoke("OneByOneFunction", {})
        except FunctionFailed as failure:
            failures.append(failure.kind)

    with up(ear, log, triggers=False) as deployment:
        calling = threading.Thread(target=invoke, args=[deployment])
        calling.start()
        ear.hear()
    calling.join(PATIENCE_SECONDS)
    assert failures == ["Runtime.ExitError"]


def test_a_function_is_invoked_by_lambdas_own_api(ear: Ear, log: Path) -> None:
    with up(ear, log, triggers=False) as deployment, ThreadPoolExecutor(1) as pool:
        functions = boto3.client(
            "lambda", endpoint_url=deployment.gateway.url, region_name="us-east-1",
            aws_access_key_id="local", aws_secret_access_key="local",
        )  # fmt: skip
        well = pool.submit(functions.invoke, FunctionName="BatchFunction", Payload=b'{"a": "b"}')
        heard = ear.hear()
        heard.returns({"c": "d"})
        assert json.loads(well.result()["Payload"].read()) == {"c": "d"}
        ill = pool.submit(functions.invoke, FunctionName="BatchFunction")
        ear.hear().raises()
        assert ill.result()["FunctionError"] == "Unhandled"
        assert json.loads(ill.result()["Payload"].read())["errorType"] == "ValueError"
        with pytest.raises(functions.exceptions.ResourceNotFoundException):
            functions.invoke(FunctionName="NoFunction")
        with pytest.raises(functions.exceptions.InvalidRequestContentException):
            functions.invoke(FunctionName="BatchFunction", Payload=b"{")

    assert heard.event == {"a": "b"}


# ── The stack that `make dev` keeps up ───────────────────────────────────────────────────────────────────────────────


def test_what_events_ask_for_shows_under_the_stacks_token_and_doubt_can_be_asked_after(log: Path) -> None:
    with running(log=log, triggers=False, visibility=SOON, parameters={"WorkerConcurrency": "3"}) as stack:
        around, functions = stack.deployment.around, stack.deployment.gateway.template.functions
        assert {queue.attributes["VisibilityTimeout"] for queue in around.queues.values()} == {str(SOON)}
        assert [source.concurrency for source in around.sources if source.function == "WorkerFunction"] == [3]
        worker, intake = functions["WorkerFunction"].environment, functions["IntakeFunction"].environment
        assert stack.simulator
        assert worker["STATUS_URL"] == f"{stack.simulator.origin}/api/share/{{task_id}}"
        assert worker["JOBS_QUEUE_URL"] == stack.queues["JobsQueue"]
        assert intake["EVENTS_TENANT"] == tenant_of(stack.token)
        assert intake["EVENT_BUS_NAME"] == stack.bus
        kept = stack.deployment.cloud.secrets.get_secret_value(SecretId=worker["SERVICE_KEY_SECRET"])
        assert kept["SecretString"] == stack.token
        shown = lines(stack)
    assert all(url in shown for url in stack.queues.values())
    assert f"s3://{stack.bucket}/inbox/" in shown


def test_a_bucket_in_another_s3_sets_nothing_off_and_make_dev_says_so(
    aws: AwsServer, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S3_ENDPOINT_URL", aws.url)
    with running(log=log, triggers=False) as stack:
        assert stack.s3.meta.endpoint_url == aws.url != stack.sqs.meta.endpoint_url
        stack.s3.put_object(Bucket=stack.bucket, Key="inbox/a.json", Body=b"{}")
        assert there(stack.deployment, "RequestsQueue") == (0, 0)
        assert "A file under inbox/ sets nothing off here" in lines(stack)
        assert "s3://" not in lines(stack)
