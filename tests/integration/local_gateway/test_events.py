"""The event that a door gets of a request: headers, query, body, and where it came from."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from tests.integration.local_gateway.place import Caller


def shown(caller: Caller, body: bytes | None = None, *headers: str, query: str = "") -> Any:
    return caller.ask("POST", f"/v1/whole/shows{query}", body, *headers).json()["event"]


def test_headers_come_as_last_and_as_all_values(caller: Caller) -> None:
    event = shown(caller, b"{}", "X-Many: a", "x-many: b", "Authorization: Bearer t", "Connection: keep-alive")

    assert event["headers"]["X-Many"] == "b"
    assert event["multiValueHeaders"]["X-Many"] == ["a", "b"]
    assert event["headers"]["Authorization"] == "Bearer t"
    assert event["headers"]["Host"] == "api.test"
    assert not {name.lower() for name in event["headers"]} & {"connection", "content-length"}


def test_the_gateway_adds_where_the_request_came_from(caller: Caller) -> None:
    event = shown(caller, b"{}", "X-Forwarded-For: 192.0.2.1", "User-Agent: test")

    assert event["headers"]["X-Forwarded-For"] == "192.0.2.1, 127.0.0.1"
    assert event["headers"]["X-Forwarded-Proto"] == "http"
    assert event["headers"]["X-Amzn-Trace-Id"].startswith("Root=1-")
    assert event["requestContext"]["identity"] == {"sourceIp": "127.0.0.1", "userAgent": "test"}
    assert event["requestContext"]["resourcePath"] == "/v1/whole/{play}"
    assert event["requestContext"]["httpMethod"] == "POST"


def test_query_values_are_decoded_and_come_as_last_and_as_all_values(caller: Caller) -> None:
    event = shown(caller, query="?metadata%5Bk%5D=a%20b&Q=1&q=2&Q=3+4&empty=")

    assert event["queryStringParameters"] == {"metadata[k]": "a b", "Q": "3 4", "q": "2", "empty": ""}
    assert event["multiValueQueryStringParameters"] == {
        "metadata[k]": ["a b"], "Q": ["1", "3 4"], "q": ["2"], "empty": [""],
    }  # fmt: skip


def test_what_is_not_there_is_null(caller: Caller) -> None:
    event = caller.ask("GET", "/v1/things/fixed").json()["event"]

    absent = ["queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "stageVariables", "body"]
    assert [event[name] for name in absent] == [None] * 5
    assert event["isBase64Encoded"] is False


@pytest.mark.parametrize("content_type", ["application/json", "text/plain; charset=utf-8", "application/x+json", ""])
def test_text_comes_as_it_is(caller: Caller, content_type: str) -> None:
    event = shown(caller, "☕".encode(), *([f"Content-Type: {content_type}"] if content_type else []))

    assert (event["body"], event["isBase64Encoded"]) == ("☕", False)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data; boundary=b", b"--b\r\nplain\r\n--b--"),
        ("image/png", b"\x89PNG"),
        ("application/json", b'{"a": "\xff"}'),
        ("video/mp4", b"plain"),
        ("multipart/form-data; boundary=b", bytes(range(256)) * 16_000),
    ],
)
def test_bytes_come_in_base64(caller: Caller, content_type: str, body: bytes) -> None:
    event = shown(caller, body, f"Content-Type: {content_type}")

    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == body


def test_bytes_of_a_type_that_the_template_does_not_declare_are_warned_about(caller: Caller, log: Path) -> None:
    shown(caller, b"\xff", "Content-Type: audio/ogg")
    shown(caller, b"\xff", "Content-Type: image/png")

    assert "BinaryMediaTypes does not name audio/ogg" in log.read_text()
    assert "BinaryMediaTypes does not name image/png" not in log.read_text()


def test_a_chunked_body_is_put_together_after_100_continue(caller: Caller) -> None:
    caller.connection.sendall(
        b"POST /v1/whole/shows HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
    )
    assert caller.connection.recv(100).startswith(b"HTTP/1.1 100 ")
    caller.connection.sendall(b'4;ext=1\r\n{"a"\r\n3\r\n:1}\r\n0\r\nX-Trailer: 1\r\n\r\n')

    assert caller.answer().json()["event"]["body"] == '{"a":1}'
