"""A door from the inside: what becomes of answers, errors and defects."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from reelay.errors import BadRequest, Conflict, MethodNotAllowed, Unauthorized, UpstreamBroken, UpstreamBusy
from reelay.gateway import Door, refusal
from reelay.identity import tenant_of
from reelay.model import Answer, Call, Invocation
from tests.fakes import FakeClock, FakeTelemetry


class Contract:
    """Reads every event as one call, or fails as told."""

    def __init__(self, failure: Exception | None = None) -> None:
        self._failure = failure

    def read(self, event: Any) -> Call:
        if self._failure:
            raise self._failure
        return Call("act", "/v1/act", "r-1", token=event.get("token"))


STANDARD = {"x-request-id": "request-1", "X-Content-Type-Options": "nosniff"}


class Context:
    """Ten seconds of time."""

    aws_request_id = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        return 10_000


class Stream:
    """A reader who leaves after so many pieces."""

    def __init__(self, patience: int = 100) -> None:
        self.said: list[object] = []
        self._patience = patience

    def begin(self, status: int, headers: Any) -> None:
        self.said.append((status, dict(headers)))

    def write(self, piece: bytes) -> bool:
        if len(self.said) <= self._patience:
            self.said.append(piece)
            return True
        return False

    def end(self) -> None:
        self.said.append("end")


def door(
    operation: Any,
    *,
    failure: Exception | None = None,
    stream: Stream | None = None,
    telemetry: FakeTelemetry | None = None,
) -> Door:
    return Door(
        Contract(failure),
        {"act": operation},
        FakeClock(),
        telemetry or FakeTelemetry(),
        (lambda: stream) if stream else None,
    )


def test_the_operation_gets_the_tenant_of_the_token_and_the_time_there_is() -> None:
    seen: list[Any] = []

    def act(call: Call, invocation: Invocation) -> Answer:
        seen.extend([call.tenant, invocation])
        return Answer(200, {}, (b"{}",))

    door(act).serve({"token": "sk-1"}, Context())
    assert seen == [tenant_of("sk-1"), Invocation(9.0, live=False)]


def test_a_buffered_answer_is_a_proxy_response_with_the_request_id() -> None:
    reply = door(lambda *_: Answer(201, {"A": "b"}, (b"a", b"b"))).serve({}, Context())
    assert reply == {
        "statusCode": 201,
        "headers": {"A": "b", **STANDARD},
        "body": "ab",
        "isBase64Encoded": False,
    }


def test_bytes_that_are_not_text_go_out_in_base64() -> None:
    reply = door(lambda *_: Answer(200, {}, (b"\xff\xfe",))).serve({}, Context())
    assert reply
    assert reply["isBase64Encoded"]
    assert base64.b64decode(reply["body"]) == b"\xff\xfe"


def test_a_live_answer_goes_out_in_pieces_and_then_work_goes_on() -> None:
    stream = Stream()
    answer = Answer(200, {}, (b"a", b"b"), then=lambda: stream.said.append("then"))
    assert door(lambda *_: answer, stream=stream).serve({}, Context()) is None
    assert stream.said == [
        (200, STANDARD),
        b"a",
        b"b",
        "end",
        "then",
    ]


def test_a_reader_who_leaves_does_not_stop_the_pieces() -> None:
    made: list[bytes] = []

    def pieces() -> Iterator[bytes]:
        for piece in (b"a", b"b", b"c"):
            made.append(piece)
            yield piece

    door(lambda *_: Answer(200, {}, pieces()), stream=Stream(patience=1)).serve({}, Context())
    assert made == [b"a", b"b", b"c"]


@pytest.mark.parametrize("live", [True, False])
def test_a_defect_is_a_500_that_tells_nothing_of_the_inside(live: bool) -> None:
    stream = Stream()

    def act(*_: Any) -> Answer:
        raise ZeroDivisionError("a secret")

    reply = door(act, stream=stream if live else None).serve({}, Context())
    body = stream.said[1].decode() if live else reply["body"]  # type: ignore[attr-defined, index]  # one of the two is there
    assert json.loads(body)["error"]["code"] == "internal_error"
    assert "secret" not in body


def broken() -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("act", "defects"),
    [
        (lambda *_: Answer(200, {}, (b"{}",)), 0),
        (lambda *_: broken(), 1),
        (lambda *_: Answer(200, {}, (b"{}",), then=broken), 1),
    ],
    ids=["well", "in place of the answer", "after it"],
)
@pytest.mark.parametrize("live", [True, False])
def test_a_defect_is_counted_wherever_the_door_caught_it(act: Any, defects: int, live: bool) -> None:
    told = FakeTelemetry()
    door(act, stream=Stream() if live else None, telemetry=told).serve({}, Context())
    assert told.defects == defects


@pytest.mark.parametrize("error", [BadRequest("b"), UpstreamBroken("b", charged=True)])
def test_what_was_foreseen_is_counted_as_no_defect(error: Exception) -> None:
    told = FakeTelemetry()
    door(None, failure=error, telemetry=told).serve({}, Context())
    assert told.defects == 0


@pytest.mark.parametrize(
    ("error", "status", "headers"),
    [
        (BadRequest("b", param="p"), 400, {}),
        (Unauthorized("u"), 401, {"WWW-Authenticate": "Bearer"}),
        (MethodNotAllowed("m", ["POST", "GET"]), 405, {"Allow": "GET, POST"}),
        (Conflict("c", retry_after=7), 409, {"Retry-After": "7"}),
        (UpstreamBusy("b", retry_after=3), 429, {"Retry-After": "3"}),
        (UpstreamBroken("b", charged=True), 502, {"x-should-retry": "false"}),
    ],
)
def test_an_error_is_the_envelope_with_what_to_do_next(error: Any, status: int, headers: dict[str, str]) -> None:
    answer = refusal(error)
    standard = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    assert (answer.status, answer.headers) == (status, standard | headers)
    (body,) = answer.pieces
    told = json.loads(body)["error"]
    assert told == {"message": error.message, "type": error.type, "param": error.param, "code": error.code}
