"""The stack's AWS keeps what the race tests lean on, and lets nobody wait for another's messages."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import urllib3

from dev.aws import AwsServer
from dev.one_at_a_time import LongPolls, OneAtATime
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from mypy_boto3_sqs import SQSClient

LONG = 10
"""Seconds that nobody here waits for unless something is wrong."""


def start_response(*_: Any) -> Any:
    """Nobody reads the head of these answers."""


def environ(body: Any, length: int = 0) -> dict[str, Any]:
    return {"wsgi.input": body, "CONTENT_LENGTH": str(length)}


def test_no_two_requests_are_inside_at_once() -> None:
    together = threading.Barrier(2)

    def application(_environ: WSGIEnvironment, _start: StartResponse) -> Iterable[bytes]:
        try:
            together.wait(timeout=0.05)
        except threading.BrokenBarrierError:
            return [b"alone"]
        return [b"together"]

    guarded = OneAtATime(application)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: list(guarded(environ(io.BytesIO()), start_response)), range(2)))
    assert answers == [[b"alone"], [b"alone"]]


def test_a_slow_sender_does_not_hold_up_the_others() -> None:
    other_was_answered = threading.Event()

    class Slow(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            assert other_was_answered.wait(timeout=5)
            return b"late"[:size]

    guarded = OneAtATime(lambda environ, _: [environ["wsgi.input"].read()])
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(guarded, environ(Slow(), 4), start_response)
        assert list(guarded(environ(io.BytesIO(b"soon"), 4), start_response)) == [b"soon"]
        other_was_answered.set()
        assert list(slow.result()) == [b"late"]


def test_a_bucket_that_cannot_be_made_is_an_error(aws: AwsServer) -> None:
    with pytest.raises(OSError, match="answered 400"):
        aws.create_bucket("No")


def test_it_runs_alone_and_tells_where_and_no_more(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dev.aws", "--port", "0"]
    with (
        (tmp_path / "log").open("w+") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as server,  # noqa: S603 - our own
    ):
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            assert urllib3.request("PUT", f"{url}/a-bucket", retries=False, timeout=PATIENCE_SECONDS).status == 200
            assert (
                urllib3.request("PUT", f"{url}/a-bucket/key", body=b"x", retries=False, timeout=PATIENCE_SECONDS).status
                == 200
            )
        finally:
            server.terminate()
        assert server.stdout.read() == ""
        log.seek(0)
        assert log.read() == ""


# ── Waiting for messages ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def sqs(aws: AwsServer) -> SQSClient:
    return boto3.client(
        "sqs", endpoint_url=aws.url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )


@pytest.fixture
def queue(sqs: SQSClient) -> str:
    return sqs.create_queue(QueueName=uuid.uuid4().hex)["QueueUrl"]


def receive(sqs: SQSClient, queue: str, wait: int = LONG) -> list[str]:
    return [each["Body"] for each in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=wait).get("Messages", [])]


def test_who_waits_for_messages_holds_nobody_up_and_gets_them_at_once(sqs: SQSClient, queue: str) -> None:
    began = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(receive, sqs, queue)
        while not waiting.done():
            sqs.send_message(QueueUrl=queue, MessageBody="x")
        assert waiting.result() == ["x"]
    assert time.monotonic() - began < LONG / 2


def test_a_message_that_appears_with_time_alone_is_seen(sqs: SQSClient, queue: str) -> None:
    sqs.send_message(QueueUrl=queue, MessageBody="late", DelaySeconds=1)
    assert receive(sqs, queue, 0) == []
    assert receive(sqs, queue) == ["late"]


def test_nothing_in_time_is_an_answer_too_and_so_is_an_error(sqs: SQSClient, queue: str) -> None:
    assert receive(sqs, queue, 1) == []
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        receive(sqs, queue + "-not")


def test_a_server_that_ends_lets_those_go_who_wait() -> None:
    asked = threading.Event()

    def nothing(_environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        start("200 OK", [])
        asked.set()
        return [b"{}"]

    polls = LongPolls(nothing)
    body = b'{"WaitTimeSeconds": 20}'
    asking = {"HTTP_X_AMZ_TARGET": "AmazonSQS.ReceiveMessage", **environ(io.BytesIO(body), len(body))}
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(polls, asking, start_response)
        assert asked.wait(LONG)
        polls.end()
        assert list(waiting.result(LONG)) == [b"{}"]
