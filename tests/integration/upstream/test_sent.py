"""What is posted to the upstream, over real sockets: how often, and in which words."""

from __future__ import annotations

import pytest

from reelay.model import End, Head, Outgoing
from reelay.upstream import HttpsUpstream
from tests.fakes import FakeClock
from tests.integration.fault_server import FaultServer, replies
from tests.integration.upstream.place import (
    BODY,
    FRAME,
    OK,
    POST,
    body_of,
    everything,
    failure,
    join_readers,
    upstream_at,
)


def test_the_callers_bytes_are_posted_once_and_the_reply_comes_back_verbatim(clock: FakeClock) -> None:
    with FaultServer(replies(OK)) as server:
        seen = everything(upstream_at(server, clock).dial(10).post(POST))
    assert seen[0] == Head(200, {"content-length": str(len(FRAME)), "content-type": "text/event-stream"})
    assert (body_of(seen), seen[-1], len(server.posts)) == (FRAME, End(), 1)
    head, _, body = server.posts[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")
    assert body == BODY
    lines = head.split(b"\r\n")[1:]
    assert sorted(lines) == [
        b"Accept-Encoding: identity",
        b"Authorization: Bearer secret-1",
        b"Connection: close",
        b"Content-Length: %d" % len(BODY),
        b"Content-Type: application/json",
        b"Host: localhost:%d" % server.port,
        b"User-Agent: reelay",
    ]


@pytest.mark.case("header-smuggling")
def test_headers_that_frame_the_request_are_the_adapters_own(clock: FakeClock) -> None:
    asked = {"accept-encoding": "gzip", "HOST": "evil.example", "Transfer-Encoding": "chunked", "Content-Length": "1"}
    with FaultServer(replies(OK)) as server:
        everything(upstream_at(server, clock).dial(10).post(Outgoing(BODY, asked)))
    head = server.posts[0].lower()
    assert b"evil" not in head
    assert b"gzip" not in head
    assert b"chunked" not in head
    assert head.count(b"content-length:") == 1


@pytest.mark.case("header-smuggling")
@pytest.mark.parametrize("value", ["a\r\nX-Admin: 1", "a\nb", "a\rb", "a\r\n folded", "a\0b", "\x7f", "café", "\ud800"])
def test_a_header_that_smuggles_is_refused_before_anything_is_sent(clock: FakeClock, value: str) -> None:
    with FaultServer(replies(OK)) as server:
        error = failure(upstream_at(server, clock).dial(10).post(Outgoing(BODY, {"X-Forwarded-Host": value})))
        join_readers()
    assert (error.status, error.param, error.charged) == (400, "X-Forwarded-Host", False)
    assert server.posts == []


@pytest.mark.case("header-smuggling")
@pytest.mark.parametrize("name", ["", "A B", "A:B", "A\r\nB", "Ä"])
def test_a_header_name_that_is_none_is_refused_before_anything_is_sent(clock: FakeClock, name: str) -> None:
    with FaultServer(replies(OK)) as server:
        exchange = upstream_at(server, clock).dial(10).post(Outgoing(BODY, {name: "x"}))
        error = failure(exchange)
        exchange.close()
        join_readers()
    assert (error.status, error.charged, server.posts) == (400, False, [])


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("http://v98store.com/v1", "plain http"),
        ("ftp://v98store.com/v1", "https://"),
        ("v98store.com/v1", "https://"),
        ("https://user:pass@v98store.com/v1", "credentials"),
        ("https://v98store.com/v1?key=1", "query"),
        ("https://v98store.com/v1#a", "fragment"),
        ("https:///v1", "host"),
        ("https://a..b/v1", "host"),
        (f"https://{'a' * 64}.com/v1", "host"),
        ("https://v98störe.com/v1", "punycode"),
        ("https://v98store.com/v1\r\nX: y", "character"),
        ("https://a.com\\@127.0.0.1/", "character"),
        ("https://v98store.com:99999/v1", "not a URL"),
        ("https://[::1/v1", "not a URL"),
    ],
)
def test_a_base_url_that_would_surprise_is_refused(clock: FakeClock, url: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        HttpsUpstream(url, clock=clock)


@pytest.mark.parametrize(
    "url", ["https://v98store.com/v1", "https://v98store.com./v1/", "https://[::1]:8443", "https://1.2.3.4"]
)
def test_an_https_url_is_taken(clock: FakeClock, url: str) -> None:
    HttpsUpstream(url, clock=clock)
