"""Which answers of S3's are worth another attempt, and which are told at once."""

from __future__ import annotations

import logging

import pytest
from botocore.retries.standard import ThrottledRetryableChecker, TransientRetryableChecker
from urllib3 import HTTPHeaderDict

from reelay.errors import Conflict, NotFound, ReelayError, StoreFailed
from reelay.s3_failures import ATTEMPTS, Undecided
from reelay.s3_place import place_of
from reelay.s3_rest import Asked, Attempt, Received, S3Rest
from tests.integration.fault_server import FaultServer, http
from tests.integration.s3_rest.place import (
    BODY,
    GET,
    OK,
    PUT,
    WHO,
    Paused,
    always,
    answering,
    error,
    failure,
    never,
    no_tls,
    reset_after,
    rest_at,
)


def test_a_repeat_is_not_logged_with_what_was_asked(caplog: pytest.LogCaptureFixture) -> None:
    with FaultServer(reset_after(), never) as server, caplog.at_level(logging.INFO):
        failure(rest_at(server, read_seconds=0.1)[0])
    assert caplog.text == ""


@pytest.mark.parametrize(
    "busy",
    [
        error("500 Internal Server Error", "InternalError"),
        http("502 Bad Gateway", b"<html>"),
        error("503 Slow Down", "SlowDown"),
        http("503 Service Unavailable"),
        http("504 Gateway Timeout"),
        error("400 Bad Request", "RequestTimeout"),
        error("400 Bad Request", "ThrottlingException"),
    ],
    ids=["500", "502", "SlowDown", "503", "504", "RequestTimeout", "KMS"],
)
def test_what_may_pass_is_asked_again_a_little_later(busy: bytes) -> None:
    with FaultServer(answering(busy, busy, OK), always) as server:
        rest, paused = rest_at(server)
        assert rest.call(PUT).body == BODY
        assert (server.connections, len(server.posts), len(paused)) == (1, 3, 2)
    with FaultServer(answering(*[busy] * (ATTEMPTS + 1))) as server:
        rest, paused = rest_at(server)
        assert isinstance(failure(rest), StoreFailed)
        assert len(server.posts) == ATTEMPTS
        assert all(0 <= seconds < limit for seconds, limit in zip(paused, [1, 2], strict=True))


def _codes(checker: type) -> list[str]:
    """What it is made with where nothing else is said; botocore has no public name for it."""
    return next(value for name, value in vars(checker).items() if name.endswith("_ERROR_CODES"))


@pytest.mark.parametrize(
    "code",
    sorted({*_codes(ThrottledRetryableChecker), *_codes(TransientRetryableChecker)}),
)
def test_all_that_boto3_repeats_is_repeated(code: str) -> None:
    attempts: list[int] = []

    def carry(attempt: Attempt) -> Received:
        attempts.append(attempt.number)
        return Received(400, HTTPHeaderDict(), f"<Error><Code>{code}</Code></Error>".encode())

    rest = S3Rest(place_of("bucket", "eu-central-1", None), lambda: WHO, no_tls, Paused())
    rest.carry = carry
    with pytest.raises(StoreFailed):
        rest.call(GET)
    assert attempts == [1, 2, 3]


@pytest.mark.parametrize(
    ("answer", "kind", "word"),
    [
        (error("403 Forbidden", "AccessDenied"), StoreFailed, "(AccessDenied)"),
        (error("400 Bad Request", "ExpiredToken"), StoreFailed, "(ExpiredToken)"),
        (error("404 Not Found", "NoSuchKey"), NotFound, ""),
        (error("404 Not Found", "NoSuchBucket"), StoreFailed, "(NoSuchBucket)"),
        (error("409 Conflict", "ConditionalRequestConflict"), Undecided, ""),
        (error("412 Precondition Failed", "PreconditionFailed"), Conflict, ""),
        (http("403 Forbidden", b"<html><h1>key-1 body-1</h1></html>"), StoreFailed, "(no code)"),
        (http("403 Forbidden", b"<Error><Code>a \xff b</Code></Error>"), StoreFailed, "(no code)"),
        (http("403 Forbidden"), StoreFailed, "(no code)"),
        (http("304 Not Modified"), StoreFailed, "(no code)"),
    ],
)  # fmt: skip
def test_what_will_not_pass_is_told_at_once(answer: bytes, kind: type[ReelayError], word: str) -> None:
    with FaultServer(answering(answer)) as server:
        rest, paused = rest_at(server)
        told = failure(rest)
        assert type(told) is kind
        assert word in told.message
        assert (len(server.posts), paused) == (1, [])


def test_an_error_in_an_answer_that_begins_well_is_one_that_may_pass() -> None:
    """Amazon S3 may begin to answer before it has done what it was asked; botocore takes this for a 500, too."""
    fault = http("200 OK", b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>InternalError</Code></Error>')
    with FaultServer(answering(fault, OK)) as server:
        rest, paused = rest_at(server)
        assert rest.call(Asked("DeleteObjects", "POST", None, {"delete": ""}, body=BODY)).body == BODY
        assert len(paused) == 1
    with FaultServer(answering(*[fault] * ATTEMPTS)) as server:
        told = failure(rest_at(server)[0], Asked("ListObjectsV2", "GET", None, {"list-type": "2"}))
        assert (type(told), "(InternalError)" in told.message) == (StoreFailed, True)
    with FaultServer(answering(fault)) as server:  # whose object begins so
        assert rest_at(server)[0].call(GET).body.endswith(b"</Error>")
