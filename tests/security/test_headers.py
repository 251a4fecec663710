"""What a caller writes into headers ends with the caller: the upstream gets the documented ones and no others."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest

from dev.simulator import Simulator
from dev.stack import Stack, running
from tests.e2e.event_house import EventHouse
from tests.e2e.local_house import LocalHouse
from tests.security.callers import ASK, CHAT, FILM, call, made
from tests.security.wire import Heard, said

KEY = "sk-caller-0123456789"
WHO = f"Authorization: Bearer {KEY}".encode()
JSON = b"Content-Type: application/json"
TEXT = json.dumps({**ASK, "model": "sim-text"}).encode()
CROWD: Mapping[str, str] = {
    "Host": "evil.example",
    "Connection": "keep-alive, X-Secret",
    "Keep-Alive": "timeout=5",
    "Proxy-Connection": "keep-alive",
    "Proxy-Authorization": "Basic cms=",
    "Proxy-Authenticate": "Basic",
    "TE": "trailers",
    "Trailer": "X-Evil",
    "Upgrade": "h2c",
    "HTTP2-Settings": "AAMAAABkAAQAAP__",
    "Expect": "100-continue",
    "Max-Forwards": "1",
    "Via": "1.1 evil",
    "Forwarded": "for=127.0.0.1;host=evil.example",
    "X-Forwarded-For": "127.0.0.1",
    "X-Forwarded-Proto": "http",
    "X-Real-IP": "127.0.0.1",
    "X-Original-URL": "/v1/models",
    "X-HTTP-Method-Override": "DELETE",
    "Cookie": "session=1",
    "X-Api-Key": "sk-another",
    "X-Amz-Security-Token": "token",
    "X-Stainless-Lang": "python",
    "OpenAI-Organization": "org-1",
    "Accept-Encoding": "gzip",
    "Content-Encoding": "gzip",
    "Range": "bytes=0-1",
    "User-Agent": "evil",
    "X-Evil": "1",
}
FRAMING: Mapping[str, str] = {"Transfer-Encoding": "chunked", "Content-Length": "1"}
"""What API Gateway keeps to itself; a door that got it would have to leave it as well."""

DOCUMENTED = {
    "host", "user-agent", "accept-encoding", "connection", "content-length", "content-type", "accept", "authorization",
}  # fmt: skip
NO_HOSTS = [
    b"", b" ", b"a b", b"evil.example x", b"evil.example\tx", b"evil.example,b.example", b"evil.example\0",
    b"evil.example\r\n X-Evil: 1", b"evil.example%0d%0aX-Evil:1", b"https://evil.example", b"evil.example/x",
    b"evil.example?x", b"evil.example#x", b"user@evil.example", b"user:word@evil.example", b"\\evil.example",
    b"[::1]", b"::1", b"[::ffff:127.0.0.1]:80", b"evil.example:", b"evil.example:x", b"evil.example:-1",
    b"evil.example:123456", b":80", b".evil", b"evil.", b"a..b", b"-a", b"a-", b"a_b", b"*.evil.example",
    b"\xff.example", "b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example".encode(), b"a" * 64, b"a." * 200 + b"a",
]  # fmt: skip
BREAKS = [
    "\r\nX-Evil: 1",
    "\r\n\r\nGET /evil HTTP/1.1\r\nHost: x",
    "\nX-Evil: 1",
    "\rX-Evil: 1",
    "\r\n X-Evil: 1",
    "\0",
]
READ = {
    "Accept": "text/plain",
    "X-Forwarded-Host": "a.example",
    "Idempotency-Key": "k",
    "Prefer": "wait=1",
    "X-Stainless-Retry-Count": "1",
    "Content-Type": "application/json",
    "Authorization": f"Bearer {KEY}",
}
"""The headers that mean something here, each with a good value."""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Simulator() as simulator, running(simulator=simulator, triggers=False) as up:
        yield up
        assert simulator.complaints == []


def asked(stack: Stack, *lines: bytes) -> tuple[Heard, list[Mapping[str, str]]]:
    """The answer, and the headers of each paid call that it led to."""
    assert stack.simulator
    before = stack.simulator.posts
    heard = said(stack.url, "POST", CHAT, JSON, WHO, *lines, body=TEXT)
    return heard, [each.headers for each in stack.simulator.requests[before:]]


def assert_documented(headers: Mapping[str, str], upstream: str, *more: str) -> None:
    assert set(headers) == DOCUMENTED | {*more}
    assert (headers["host"], headers["user-agent"]) == (urlsplit(upstream).netloc, "reelay")
    assert (headers["accept-encoding"], headers["connection"]) == ("identity", "close")
    assert headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.case("header-smuggling")
def test_of_a_crowd_of_headers_the_upstream_gets_the_documented_ones(stack: Stack) -> None:
    heard, (headers,) = asked(stack, *(f"{name}: {value}".encode() for name, value in CROWD.items()))
    assert heard.status == 200
    assert_documented(headers, stack.upstream)


@pytest.mark.case("header-smuggling")
@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "a", "127.0.0.1:80", "xn--bcher-kva.example"])
def test_a_forwarded_host_that_is_a_host_name_is_passed_on_and_is_not_the_host(stack: Stack, host: str) -> None:
    heard, (headers,) = asked(stack, f"X-Forwarded-Host: {host}".encode())
    assert (heard.status, headers["x-forwarded-host"]) == (200, host)
    assert_documented(headers, stack.upstream, "x-forwarded-host")


@pytest.mark.case("header-smuggling")
@pytest.mark.parametrize("host", NO_HOSTS)
def test_a_forwarded_host_that_is_none_is_refused(stack: Stack, host: bytes) -> None:
    heard, sent = asked(stack, b"X-Forwarded-Host: " + host)
    assert (heard.status, heard.error["param"], sent) == (400, "X-Forwarded-Host", [])


@pytest.mark.case("header-smuggling")
def test_two_forwarded_hosts_are_none(stack: Stack) -> None:
    heard, sent = asked(stack, b"X-Forwarded-Host: a.example", b"x-forwarded-host: b.example")
    assert (heard.status, heard.error["param"], sent) == (400, "X-Forwarded-Host", [])


@pytest.mark.case("header-smuggling")
@pytest.mark.parametrize("name", ["Accept", "Idempotency-Key", "Prefer", "X-Forwarded-Host"])
@pytest.mark.parametrize("value", [b"a\0", b"a\r\n X-Evil: 1", b"a\x7f", b"a\x1b[2J", b"\x0b", b"a\xe9"])
def test_what_no_header_may_hold_is_refused_on_the_wire(stack: Stack, name: str, value: bytes) -> None:
    heard, sent = asked(stack, name.encode() + b": " + value)
    assert (heard.status, heard.error["param"], sent) == (400, name, [])


@pytest.mark.case("header-smuggling")
def test_a_bare_line_end_makes_a_header_of_the_callers_and_none_for_the_upstream(stack: Stack) -> None:
    heard, (headers,) = asked(stack, b"Accept: text/plain\nX-Evil: 1\nHost: evil.example")
    assert (heard.status, headers["accept"]) == (200, "text/plain")
    assert_documented(headers, stack.upstream)


@pytest.mark.case("header-smuggling")
@pytest.mark.parametrize("name", READ)
def test_a_line_break_in_an_event_is_refused_by_every_paid_operation(house: LocalHouse, name: str) -> None:
    film = made(house, KEY)
    status = {"Authorization": 401, "Content-Type": 415}.get(name, 400)
    paid: list[tuple[str, Any]] = [(CHAT, ASK), (FILM, {"prompt": "a dog"}), (f"{FILM}/{film}/remix", {"prompt": "x"})]
    for path, body in paid[:1] if name == "Prefer" else paid:  # videos do not read it
        for value in (text for each in BREAKS for text in (READ[name] + each, each + READ[name])):
            assert call(house, "POST", path, KEY, body, **{name: value}).status == status
    assert house.simulator.posts == 1


@pytest.mark.case("header-smuggling")
def test_a_name_that_smuggles_names_nothing_that_is_passed_on(events: EventHouse) -> None:
    names = {f"X-Forwarded-Host{each}": "evil.example" for each in (*BREAKS, " ", ":")}
    for key in (KEY, "rk-caller-0123456789abc"):
        assert call(events, "POST", CHAT, key, ASK, **names, **CROWD, **FRAMING).status == 200
        assert set(events.simulator.requests[-1].headers) == DOCUMENTED
        assert events.simulator.requests[-1].headers["host"] == urlsplit(events.simulator.url).netloc
