"""Every answer is held to the contract as it leaves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from reelay.conformance import Conformance, ContractViolation
from reelay.contract import Contract
from reelay.model import Answer
from tests.contract.proxy_events import rest_event
from tests.fakes import FakeTelemetry

CONTRACT = Contract.load()
SECRET = "not-to-be-repeated"
HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-store", "x-request-id": "r"}
STREAM = HEADERS | {"Content-Type": "text/event-stream; charset=utf-8"}
CHUNK: dict[str, Any] = {
    "id": "chatcmpl-01kmbq6b80g00000000000000a",
    "object": "chat.completion.chunk",
    "created": 1677652288,
    "model": "sora-2",
    "choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": None}],
}
GET = rest_event("GET", "/v1/chat/completions/chatcmpl-01kmbq6b80g00000000000000a")
POST = rest_event("POST", "/v1/chat/completions")
NOWHERE = rest_event("GET", "/nowhere")
ERROR = {"error": {"message": "m", "type": "t", "param": None, "code": None}}
BAD_ERROR = {"error": ERROR["error"] | {"message": 5}}
DONE = b"data: [DONE]\n\n"


def frame(data: Any) -> bytes:
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def body(data: Any) -> bytes:
    return json.dumps(data).encode()


GOOD = [
    (POST, Answer(200, STREAM, (frame(CHUNK), b": alive\n\n", frame(CHUNK), DONE))),
    (POST, Answer(200, STREAM, (frame(CHUNK), frame(ERROR) + DONE))),
    (GET, Answer(404, HEADERS, (body(ERROR),))),
    (NOWHERE, Answer(404, HEADERS, (body(ERROR),))),
]
BAD = [
    (POST, Answer(200, STREAM, (frame(CHUNK | {"id": 5}), DONE)), "id: expected a string"),
    (POST, Answer(200, STREAM, (frame(CHUNK), b"data: {nonsense\n\n", DONE)), "not JSON"),
    (POST, Answer(200, STREAM, (frame(CHUNK),)), "[DONE]"),
    (POST, Answer(200, STREAM, (frame(BAD_ERROR), DONE)), "error.message: expected a string"),
    (POST, Answer(299, STREAM, (frame(CHUNK), DONE)), "status 299: not documented"),
    (GET, Answer(200, HEADERS, (body({"id": SECRET}),)), "object: required, but missing"),
    (GET, Answer(200, HEADERS | {"Content-Type": "text/html"}, (b"<p>",)), "Content-Type: not documented"),
    (GET, Answer(299, HEADERS, (body(ERROR),)), "status 299: not documented"),
    (NOWHERE, Answer(404, HEADERS, (body({"message": SECRET}),)), "error: required, but missing"),
    (NOWHERE, Answer(404, HEADERS, (b"<p>",)), "not JSON"),
]


def sent(answer: Answer) -> list[bytes]:
    pieces = list(answer.pieces)
    answer.then()
    return pieces


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(("event", "answer"), GOOD)
def test_what_conforms_leaves_as_it_is_and_nobody_hears_of_it(event: Any, answer: Answer, strict: bool) -> None:
    told = FakeTelemetry()
    assert sent(Conformance(CONTRACT, told, strict=strict).held(answer, event)) == list(answer.pieces)
    assert (told.counts, told.alarms) == ([], [])


@pytest.mark.parametrize(("event", "answer", "fault"), BAD)
def test_in_production_the_caller_gets_it_all_the_same_and_the_operator_hears_where(
    event: Any, answer: Answer, fault: str
) -> None:
    told = FakeTelemetry()
    assert sent(Conformance(CONTRACT, told).held(answer, event)) == list(answer.pieces)
    assert told.counts == [("ContractViolation", 1, "Count")]
    [(words, fields)] = told.alarms
    assert words == "contract violation"
    assert fault in str(fields["fault"])
    assert SECRET not in str(fields)


@pytest.mark.parametrize(("event", "answer", "fault"), BAD)
def test_where_that_is_strict_it_is_an_error(event: Any, answer: Answer, fault: str) -> None:
    with pytest.raises(ContractViolation) as violation:
        sent(Conformance(CONTRACT, FakeTelemetry(), strict=True).held(answer, event))
    assert fault in str(violation.value)
    assert SECRET not in str(violation.value)


@pytest.mark.parametrize("strict", [True, False])
def test_a_stream_is_passed_on_while_it_comes(strict: bool) -> None:
    came: list[int] = []

    def pieces() -> Iterator[bytes]:
        for number in range(3):
            came.append(number)
            yield frame(CHUNK)

    passed = iter(
        Conformance(CONTRACT, FakeTelemetry(), strict=strict).held(Answer(200, STREAM, pieces()), POST).pieces
    )
    assert (next(passed), came) == (frame(CHUNK), [0])


def test_the_work_after_the_answer_is_done_whatever_the_answer_was() -> None:
    done: list[str] = []
    answer = Answer(200, HEADERS, (b"<p>",), then=lambda: done.append("then"))
    sent(Conformance(CONTRACT, FakeTelemetry()).held(answer, GET))
    assert done == ["then"]


def broken(*_: Any) -> list[str]:
    raise ValueError(SECRET)


class Broken(Contract):
    """Knows the operations and fails at every answer."""

    answer_faults = error_faults = frame_faults = broken  # type: ignore[assignment] # what fails takes anything


@pytest.mark.parametrize(("event", "answer"), GOOD)
def test_a_judge_that_fails_costs_the_caller_nothing_and_is_told_to_the_operator(event: Any, answer: Answer) -> None:
    told, done = FakeTelemetry(), list[str]()
    held = Conformance(Broken.load(), told).held(replace(answer, then=lambda: done.append("then")), event)
    assert (sent(held), done) == (list(answer.pieces), ["then"])
    assert {words for words, _ in told.alarms} == {"answer not judged"}
    assert told.defects == len(told.alarms)
    assert SECRET not in str(told.alarms)


def test_where_that_is_strict_a_stream_that_broke_the_contract_is_read_to_its_end_all_the_same() -> None:
    made: list[int] = []

    def pieces() -> Iterator[bytes]:
        for number, piece in enumerate((frame(CHUNK | {"id": 5}), frame(CHUNK), DONE)):
            made.append(number)
            yield piece

    with pytest.raises(ContractViolation):
        sent(Conformance(CONTRACT, FakeTelemetry(), strict=True).held(Answer(200, STREAM, pieces()), POST))
    assert made == [0, 1, 2]
