"""Answers of doors that answer at once: which proxy response becomes which reply, and what becomes a 502 or 504."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.integration.doors.meeting import Meeting
from tests.integration.local_gateway.place import Answer, Caller


def returned(caller: Caller, response: Any) -> Answer:
    """What a caller gets when the buffered door returns `response`."""
    return caller.ask("POST", "/v1/whole/returns", json.dumps(response).encode())


def test_a_proxy_response_becomes_a_reply(caller: Caller) -> None:
    headers = {"X-One": "1", "X-True": True, "Content-Type": "text/plain"}
    many = {"X-Many": ["a", "b"], "X-One": ["1", "2"]}
    answer = returned(caller, {"statusCode": 418, "headers": headers, "multiValueHeaders": many, "body": "Tee ☕"})

    assert answer.status == 418
    assert answer.headers.get_all("X-One") == ["1", "2"]
    assert answer.headers.get_all("X-Many") == ["a", "b"]
    assert answer.headers["X-True"] == "true"
    assert answer.headers["Content-Type"] == "text/plain"
    assert answer.headers["x-amzn-RequestId"]
    assert answer.text() == "Tee ☕"


def test_nothing_in_a_proxy_response_has_to_be_there(caller: Caller) -> None:
    answer = returned(caller, {})

    assert (answer.status, answer.headers["Content-Type"], answer.text()) == (200, "application/json", "")


def test_headers_that_api_gateway_sends_itself_are_renamed(caller: Caller) -> None:
    headers = {"Date": "then", "Content-Length": "99", "Transfer-Encoding": "chunked", "WWW-Authenticate": "Bearer"}
    answer = returned(caller, {"statusCode": 401, "headers": headers, "body": "no"})

    assert answer.headers["x-amzn-Remapped-Date"] == "then"
    assert answer.headers["x-amzn-Remapped-Content-Length"] == "99"
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "Transfer-Encoding" not in answer.headers
    assert answer.text() == "no"


@pytest.mark.parametrize(
    "response",
    [
        "a string",
        None,
        ["a list"],
        {"statusCode": 200, "body": {"not": "a string"}},
        {"statusCode": 200, "cookies": ["HTTP APIs have them, REST APIs do not"]},
        {"statusCode": "OK", "body": ""},
        {"statusCode": 99, "body": ""},
        {"statusCode": 200, "headers": {"X-Number": 1}},
        {"statusCode": 200, "headers": {"X-Split": "a\r\nb: c"}},
        {"statusCode": 200, "headers": {"X-Wide": "☕"}},
        {"statusCode": 200, "headers": {"X Space": "a"}},
        {"statusCode": 200, "headers": ["a list"]},
        {"statusCode": 200, "multiValueHeaders": {"X": "no list"}},
    ],
)
def test_whatever_is_no_proxy_response_is_a_502(caller: Caller, response: Any) -> None:
    answer = returned(caller, response)

    assert (answer.status, answer.json()["failed"]) == (502, "Internal server error")


def test_a_base64_body_is_decoded_for_a_caller_who_asks_for_a_binary_type(caller: Caller) -> None:
    response = {"body": base64.b64encode(b"\x89PNG").decode(), "isBase64Encoded": True}
    body = json.dumps(response).encode()

    assert caller.ask("POST", "/v1/whole/returns", body, "Accept: text/html").text() == "iVBORw=="
    binary = caller.ask("POST", "/v1/whole/returns", body, "Accept: image/png, */*")
    assert binary.headers["Content-Length"] == "4"


def test_a_result_larger_than_lambda_takes_is_a_502(caller: Caller) -> None:
    assert caller.ask("POST", "/v1/whole/is-large").status == 502


def test_an_error_of_a_buffered_door_is_a_502_and_its_words_stay_inside(caller: Caller) -> None:
    answer = caller.ask("POST", "/v1/whole/fails")

    assert answer.status == 502
    assert "words" not in answer.text()


def test_a_process_that_ends_is_a_502_and_the_next_call_gets_another(caller: Caller) -> None:
    assert caller.ask("POST", "/v1/whole/exits").status == 502
    assert caller.ask("POST", "/v1/whole/shows").status == 200


def test_a_route_that_is_slower_than_its_time_is_a_504_and_the_door_works_on(caller: Caller) -> None:
    with Meeting() as meeting:
        answer = caller.ask("POST", f"/v1/impatient/waits?meet={meeting.port}")
        assert (answer.status, answer.json()) == (504, {"slow": "INTEGRATION_TIMEOUT"})
        process = meeting.hear()
        meeting.go()
        assert process
        assert meeting.hear() == " done"
