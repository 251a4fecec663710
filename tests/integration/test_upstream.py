"""The upstream adapter against real sockets: what is posted how often, and what the consumer learns of it."""

from __future__ import annotations

import datetime as dt
import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import trustme

from reelay.clock import SystemClock
from reelay.connection import Address, look_up
from reelay.errors import (
    ReelayError,
    UpstreamBroken,
    UpstreamBusy,
    UpstreamError,
    UpstreamRefused,
    UpstreamSilent,
    UpstreamUnreachable,
)
from reelay.exchange import QUEUED_PIECES, RAW_BYTES, Limits
from reelay.model import Data, End, Failed, Head, Outgoing, Seen
from reelay.ports import Exchange
from reelay.upstream import HttpsUpstream
from tests.fakes import FakeClock
from tests.integration.fault_server import FaultServer, Peer, Script, http, replies

BODY = b'{"model":"sora-2","stream":true,"messages":[{"role":"user","content":"ein Hund"}]}'
POST = Outgoing(BODY, {"Content-Type": "application/json", "Authorization": "Bearer secret-1"})
FRAME = b'data: {"id":"chatcmpl-1","choices":[]}\n\n'
OK = http("200 OK", FRAME, Content_Type="text/event-stream")
SSE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
SOON = 0.5
"""Seconds until the deadline in tests that wait for it: long enough to connect on a machine that is busy."""
BUSY = http("429 Too Many Requests", Retry_After="2")


def envelope(message: str = "出错了", code: str = "") -> bytes:
    return f'{{"error":{{"message":"{message}","type":"new_api_error","param":"","code":"{code}"}}}}'.encode()


@pytest.fixture(autouse=True)
def no_thread_outlives_its_exchange() -> Iterator[None]:
    yield
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("upstream-")]
    for thread in threads:
        thread.join(3)
    assert not [thread.name for thread in threads if thread.is_alive()]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def no_jitter() -> float:
    return 0.0


def upstream_at(server: FaultServer, clock: FakeClock, limits: Limits | None = None) -> HttpsUpstream:
    return HttpsUpstream(server.url, clock=clock, plain_http=True, limits=limits or Limits(), jitter=no_jitter)


def everything(exchange: Exchange) -> list[Seen]:
    """All that is seen, in order. Checks the promises of the port on the way."""
    seen: list[Seen] = []
    while not seen or isinstance(seen[-1], Head | Data):
        thing = exchange.wait(10)
        assert thing is not None, f"nothing was seen for ten seconds after {seen}"
        assert isinstance(thing, Head | Failed) if not seen else not isinstance(thing, Head)
        seen.append(thing)
    assert exchange.wait(0) == seen[-1]
    return seen


def failure(exchange: Exchange) -> UpstreamError:
    """The error that the exchange ends with."""
    last = everything(exchange)[-1]
    assert isinstance(last, Failed), last
    assert isinstance(last.error, UpstreamError)
    assert "secret-1" not in last.error.message
    return last.error


def body_of(seen: list[Seen]) -> bytes:
    return b"".join(thing.data for thing in seen if isinstance(thing, Data))


def refusing_port() -> socket.socket:
    """A port that nobody listens on and nobody else can take."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    return taken


def ipv4(port: int) -> Address:
    return (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port))


# What is sent


def test_the_callers_bytes_are_posted_once_and_the_reply_comes_back_verbatim(clock: FakeClock) -> None:
    with FaultServer(replies(OK)) as server:
        seen = everything(upstream_at(server, clock).post(POST, 10))
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
        everything(upstream_at(server, clock).post(Outgoing(BODY, asked), 10))
    head = server.posts[0].lower()
    assert b"evil" not in head
    assert b"gzip" not in head
    assert b"chunked" not in head
    assert head.count(b"content-length:") == 1


@pytest.mark.case("header-smuggling")
@pytest.mark.parametrize("value", ["a\r\nX-Admin: 1", "a\nb", "a\rb", "a\r\n folded", "a\0b", "\x7f", "café", "\ud800"])
def test_a_header_that_smuggles_is_refused_before_anything_is_sent(clock: FakeClock, value: str) -> None:
    with FaultServer(replies(OK)) as server:
        error = failure(upstream_at(server, clock).post(Outgoing(BODY, {"X-Forwarded-Host": value}), 10))
    assert (error.status, error.param, error.charged) == (400, "X-Forwarded-Host", False)
    assert server.connections == 0


@pytest.mark.case("header-smuggling")
@pytest.mark.parametrize("name", ["", "A B", "A:B", "A\r\nB", "Ä"])
def test_a_header_name_that_is_none_is_refused_before_anything_is_sent(clock: FakeClock, name: str) -> None:
    with FaultServer(replies(OK)) as server:
        exchange = upstream_at(server, clock).post(Outgoing(BODY, {name: "x"}), 10)
        error = failure(exchange)
        exchange.close()
    assert (error.status, error.charged, server.connections) == (400, False, 0)


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


# Nothing was charged: tried again


@pytest.mark.case("connect-refused-twice")
def test_a_connection_refused_twice_is_made_the_third_time(clock: FakeClock) -> None:
    with FaultServer(replies(OK)) as server, refusing_port() as refusing:
        ports = iter([refusing.getsockname()[1]] * 2 + [server.port])
        upstream = HttpsUpstream(
            server.url, clock=clock, plain_http=True, resolve=lambda _host, _port: [ipv4(next(ports))], jitter=no_jitter
        )
        seen = everything(upstream.post(POST, 10))
    assert (body_of(seen), len(server.posts)) == (FRAME, 1)
    assert sum(clock.sleeps) == pytest.approx(0.25 + 0.5)


def test_jitter_spreads_the_attempts(clock: FakeClock) -> None:
    with refusing_port() as refusing:
        url = f"http://127.0.0.1:{refusing.getsockname()[1]}"
        upstream = HttpsUpstream(url, clock=clock, plain_http=True, jitter=lambda: 1.0)
        error = failure(upstream.post(POST, 10))
    assert (error.code, error.charged) == ("upstream_unreachable", False)
    assert "refused the connection" in error.message
    assert sum(clock.sleeps) == pytest.approx(0.5 + 1.0)


def test_the_second_address_of_a_name_is_tried_at_once(clock: FakeClock) -> None:
    with FaultServer(replies(OK)) as server, refusing_port() as refusing:
        both = [ipv4(refusing.getsockname()[1]), ipv4(server.port)]
        upstream = HttpsUpstream(server.url, clock=clock, plain_http=True, resolve=lambda _host, _port: both)
        everything(upstream.post(POST, 10))
    assert (len(server.posts), clock.sleeps) == (1, [])


@pytest.mark.case("unreachable")
@pytest.mark.parametrize("answer", [socket.gaierror(socket.EAI_NONAME, "unknown"), None])
def test_a_name_without_an_address_is_unreachable(clock: FakeClock, answer: OSError | None) -> None:
    asked = []

    def resolve(host: str, port: int) -> list[Address]:
        asked.append((host, port))
        if answer:
            raise answer
        return []

    upstream = HttpsUpstream("https://upstream.invalid/v1", clock=clock, resolve=resolve)
    error = failure(upstream.post(POST, 10))
    assert isinstance(error, UpstreamUnreachable)
    assert (error.status, error.charged) == (502, False)
    assert "could not be resolved" in error.message
    assert asked == [("upstream.invalid", 443)] * 3


@pytest.mark.case("unreachable")
def test_a_resolver_that_never_answers_is_given_up(clock: FakeClock) -> None:
    released = threading.Event()

    def resolve(_host: str, _port: int) -> list[Address]:
        released.wait(10)
        return []

    upstream = HttpsUpstream(
        "https://upstream.invalid", clock=clock, resolve=resolve, limits=Limits(connect_seconds=0.05)
    )
    error = failure(upstream.post(POST, 10))
    released.set()
    assert (error.code, error.charged) == ("upstream_unreachable", False)


def test_the_deadline_ends_the_wait_for_a_resolver_and_nothing_is_posted_afterwards(clock: FakeClock) -> None:
    answered = threading.Event()

    def resolve(host: str, port: int) -> list[Address]:
        answered.wait(10)
        return list(look_up(host, port))

    with FaultServer(replies(OK)) as server:
        upstream = HttpsUpstream(server.url, clock=clock, plain_http=True, resolve=resolve)
        error = failure(upstream.post(POST, SOON))
        answered.set()
        _join_readers()
        assert server.posts == []
    assert (error.code, error.charged) == ("upstream_unreachable", False)
    assert "time ran out" in error.message


def test_a_429_is_asked_again_after_the_time_it_names(clock: FakeClock) -> None:
    with FaultServer(replies(BUSY), replies(OK)) as server:
        seen = everything(upstream_at(server, clock).post(POST, 60))
    assert (body_of(seen), len(server.posts)) == (FRAME, 2)
    assert server.posts[0] == server.posts[1]
    assert sum(clock.sleeps) >= 2


def test_a_503_with_retry_after_as_a_date_is_asked_again_then(clock: FakeClock) -> None:
    moment = dt.datetime.fromtimestamp(clock.now() + 3, dt.UTC)
    busy = http("503 Service Unavailable", Retry_After=moment.strftime("%a, %d %b %Y %H:%M:%S GMT"))
    with FaultServer(replies(busy), replies(OK)) as server:
        seen = everything(upstream_at(server, clock).post(POST, 60))
    assert (body_of(seen), len(server.posts)) == (FRAME, 2)
    assert sum(clock.sleeps) >= 3


def test_an_upstream_that_stays_busy_is_passed_on_after_three_posts(clock: FakeClock) -> None:
    body = envelope("当前分组上游负载已饱和，请稍后再试")
    with FaultServer(replies(BUSY), replies(BUSY), replies(http("429 x", body, Retry_After="30"))) as server:
        last = everything(upstream_at(server, clock).post(POST, 60))[-1]
    assert isinstance(last, Failed)
    assert isinstance(last.error, UpstreamBusy)
    assert (last.error.status, last.error.retry_after, last.error.charged) == (429, 30, False)
    assert last.error.message == "当前分组上游负载已饱和，请稍后再试"
    assert (last.raw, len(server.posts)) == (body, 3)


@pytest.mark.parametrize(("asked", "deadline"), [("9", 60), ("3600", 60), ("5", 5)])
def test_a_busy_upstream_that_asks_for_too_much_time_is_passed_on_at_once(
    clock: FakeClock, asked: str, deadline: float
) -> None:
    with FaultServer(replies(http("429 x", Retry_After=asked))) as server:
        error = failure(upstream_at(server, clock).post(POST, deadline))
    assert (error.status, error.retry_after, len(server.posts)) == (429, int(asked), 1)
    assert clock.sleeps == []


def test_a_saturated_upstream_that_says_nothing_is_asked_again_after_the_backoff(clock: FakeClock) -> None:
    with FaultServer(replies(http("429 x")), replies(OK)) as server:
        everything(upstream_at(server, clock).post(POST, 60))
    assert len(server.posts) == 2
    assert sum(clock.sleeps) == pytest.approx(0.25)


@pytest.mark.parametrize("never_ends", [lambda peer: peer.drip(b"x"), Peer.hold], ids=["drips", "holds"])
def test_a_busy_answer_whose_body_never_ends_is_not_waited_for(never_ends: Script) -> None:
    def busy(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 429 Too Many\r\nRetry-After: 60\r\n\r\n")
        never_ends(peer)

    clock = SystemClock()
    with FaultServer(busy) as server:
        limits = Limits(error_body_seconds=0.1)
        upstream = HttpsUpstream(server.url, clock=clock, plain_http=True, limits=limits)
        began = clock.monotonic()
        error = failure(upstream.post(POST, began + 8))
    assert isinstance(error, UpstreamBusy)
    assert clock.monotonic() - began < 4
    assert len(server.posts) == 1


def test_a_refusal_whose_body_is_cut_by_the_deadline_is_still_known_for_what_it_is(clock: FakeClock) -> None:
    def refuses(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 100\r\n\r\n{")
        peer.hold()

    with FaultServer(refuses) as server:
        error = failure(upstream_at(server, clock).post(POST, SOON))
    assert (error.status, error.charged, server.connections) == (401, False, 1)


# Who answers is verified


@pytest.fixture
def trust(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def secured_at(
    server: FaultServer, clock: FakeClock, trust: ssl.SSLContext, limits: Limits | None = None
) -> HttpsUpstream:
    return HttpsUpstream(server.url, clock=clock, tls=trust, limits=limits or Limits(), jitter=no_jitter)


def test_over_tls_the_name_is_sent_and_verified(clock: FakeClock, authority: trustme.CA, trust: ssl.SSLContext) -> None:
    names = []
    context = server_context(authority.issue_cert("localhost"))
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    with FaultServer(replies(OK), tls=context) as server:
        seen = everything(secured_at(server, clock, trust).post(POST, 10))
    assert (body_of(seen), len(server.posts), names) == (FRAME, 1, ["localhost"])


@pytest.mark.case("unreachable")
@pytest.mark.parametrize("fault", ["expired", "wrong name", "unknown authority"])
def test_a_certificate_that_does_not_prove_the_host_gets_no_request(
    clock: FakeClock, authority: trustme.CA, trust: ssl.SSLContext, fault: str
) -> None:
    past = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    certificate = {
        "expired": lambda: authority.issue_cert("localhost", not_before=past, not_after=past.replace(year=2021)),
        "wrong name": lambda: authority.issue_cert("elsewhere.example"),
        "unknown authority": lambda: trustme.CA().issue_cert("localhost"),
    }[fault]()
    with FaultServer(replies(OK), tls=server_context(certificate)) as server:
        error = failure(secured_at(server, clock, trust).post(POST, 10))
    assert (error.code, error.charged) == ("upstream_unreachable", False)
    assert "certificate" in error.message
    assert (server.posts, server.connections) == ([], 3)


@pytest.mark.case("unreachable")
@pytest.mark.parametrize("words", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b""])
def test_what_does_not_speak_tls_gets_no_request(clock: FakeClock, trust: ssl.SSLContext, words: bytes) -> None:
    with FaultServer(lambda peer: peer.send(words)) as server:
        upstream = HttpsUpstream(server.url.replace("http", "https", 1), clock=clock, tls=trust, jitter=no_jitter)
        error = failure(upstream.post(POST, 10))
    assert (error.code, error.charged, server.connections) == ("upstream_unreachable", False, 3)


def test_a_handshake_that_never_answers_is_given_up(clock: FakeClock, trust: ssl.SSLContext) -> None:
    with FaultServer(Peer.hold) as server:
        limits = Limits(connect_seconds=0.3)
        upstream = HttpsUpstream(server.url.replace("http", "https", 1), clock=clock, tls=trust, limits=limits)
        error = failure(upstream.post(POST, 10))
    assert (error.code, error.charged, server.connections) == ("upstream_unreachable", False, 3)
    assert "in time" in error.message


def test_a_handshake_that_never_answers_ends_at_the_deadline(clock: FakeClock, trust: ssl.SSLContext) -> None:
    with FaultServer(Peer.hold) as server:
        upstream = HttpsUpstream(server.url.replace("http", "https", 1), clock=clock, tls=trust)
        error = failure(upstream.post(POST, SOON))
        _join_readers()
    assert (error.code, error.charged) == ("upstream_unreachable", False)


def test_a_context_that_verifies_nothing_is_refused(clock: FakeClock) -> None:
    nothing = ssl.create_default_context()
    nothing.check_hostname = False
    no_name = ssl.create_default_context()
    no_name.check_hostname = False
    nothing.verify_mode = ssl.CERT_NONE
    for context in (nothing, no_name):
        with pytest.raises(ValueError, match="verify"):
            HttpsUpstream("https://v98store.com/v1", clock=clock, tls=context)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")  # that is the point
def test_a_context_that_takes_old_tls_is_refused(clock: FakeClock) -> None:
    old = ssl.create_default_context()
    old.minimum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ValueError, match=r"1\.2"):
        HttpsUpstream("https://v98store.com/v1", clock=clock, tls=old)


def test_a_stream_over_tls_ends_at_the_deadline_with_plain_bytes_alone(
    clock: FakeClock, authority: trustme.CA, trust: ssl.SSLContext
) -> None:
    with FaultServer(drips_body, tls=server_context(authority.issue_cert("localhost"))) as server:
        seen = everything(secured_at(server, clock, trust).post(POST, SOON))
        _join_readers()
        assert server.left.wait(5)
    last = seen[-1]
    assert isinstance(last, Failed)
    assert isinstance(last.error, UpstreamSilent)
    assert (b": ping\n\n" * 1000).startswith(body_of(seen))
    assert body_of(seen)


# The charge is unknown: posted once


def _reset(peer: Peer) -> None:
    peer.request()
    peer.reset()


@pytest.mark.parametrize(
    "script",
    [
        replies(),
        _reset,
        replies(b"garbage\r\n\r\n"),
        replies(b"HTTP/1.1 abc\r\n\r\n"),
        replies(b"HTTP/2.0 200 OK\r\n\r\n"),
        replies(b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\nx"),
        replies(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 101 + b"\r\n"),
        replies(b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70_000 + b"\r\n\r\n"),
    ],
    ids=["closed", "reset", "garbage", "no status", "http 2", "two lengths", "many headers", "long header"],
)
def test_no_http_answer_after_the_request_was_sent_is_of_unknown_charge(clock: FakeClock, script: Script) -> None:
    with FaultServer(script) as server:
        error = failure(upstream_at(server, clock).post(POST, 10))
    assert isinstance(error, UpstreamBroken)
    assert (error.status, error.charged, server.connections) == (502, True, 1)


def test_silence_after_the_request_was_sent_ends_at_the_deadline(clock: FakeClock) -> None:
    def silent(peer: Peer) -> None:
        peer.request()
        peer.hold()

    with FaultServer(silent) as server:
        exchange = upstream_at(server, clock).post(POST, SOON)
        assert exchange.wait(0) is None
        error = failure(exchange)
    assert isinstance(error, UpstreamSilent)
    assert (error.status, error.charged, len(server.posts)) == (504, True, 1)


@pytest.mark.parametrize(
    ("reply", "status", "code"),
    [
        (http("500 x", envelope(code="do_request_failed")), 500, "do_request_failed"),
        (http("502 x", b"<html>bad gateway</html>"), 502, "upstream_broken"),
        (http("503 x", b""), 502, "upstream_broken"),
        (http("504 x", envelope()), 504, "upstream_timeout"),
        (http("524 x", b"<html>timeout</html>"), 502, "upstream_broken"),
        (http("408 x", envelope()), 408, "upstream_error"),
        (http("103 Early Hints"), 502, "upstream_broken"),
    ],
)
def test_an_error_that_may_have_been_charged_is_never_posted_again(
    clock: FakeClock, reply: bytes, status: int, code: str
) -> None:
    with FaultServer(replies(reply)) as server:
        seen = everything(upstream_at(server, clock).post(POST, 60))
    assert len(seen) == 1
    assert isinstance(seen[0], Failed)
    assert isinstance(seen[0].error, UpstreamError)
    assert (seen[0].error.status, seen[0].error.code, seen[0].error.charged) == (status, code, True)
    assert seen[0].raw == reply.partition(b"\r\n\r\n")[2]
    assert server.connections == 1


def test_8_kb_of_a_long_error_page_are_kept(clock: FakeClock) -> None:
    with FaultServer(replies(http("502 x", b"<html>" + b"x" * 1_000_000))) as server:
        last = everything(upstream_at(server, clock).post(POST, 60))[-1]
    assert isinstance(last, Failed)
    assert last.raw == b"<html>" + b"x" * (RAW_BYTES - 6)


@pytest.mark.parametrize(
    ("reply", "status", "code"),
    [
        (http("400 x", envelope(code="invalid_request")), 400, "invalid_request"),
        (http("401 x", envelope("无效的令牌")), 401, "invalid_api_key"),
        (http("404 x", envelope(code="model_not_found")), 404, "model_not_found"),
        (http("503 x", envelope(code="model_not_found"), Retry_After="1"), 503, "model_not_found"),
    ],
)
def test_what_the_upstream_refuses_is_posted_once_and_free(
    clock: FakeClock, reply: bytes, status: int, code: str
) -> None:
    with FaultServer(replies(reply)) as server:
        error = failure(upstream_at(server, clock).post(POST, 60))
    assert isinstance(error, UpstreamRefused)
    assert (error.status, error.code, error.charged, server.connections) == (status, code, False, 1)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_never_followed(clock: FakeClock, status: str) -> None:
    with FaultServer(replies(OK)) as elsewhere:
        moved = http(status, Location=elsewhere.url)
        with FaultServer(replies(moved)) as server:
            error = failure(upstream_at(server, clock).post(POST, 10))
        assert (len(server.posts), elsewhere.connections) == (1, 0)
    assert isinstance(error, UpstreamBroken)
    assert error.charged
    assert str(elsewhere.port) not in error.message


def test_a_refusal_in_the_middle_of_a_large_body_is_heard(clock: FakeClock) -> None:
    def impatient(peer: Peer) -> None:
        peer.request(body=False)
        peer.send(http("413 Too Large", envelope("over 32 MB")))

    with FaultServer(impatient) as server:
        error = failure(upstream_at(server, clock).post(Outgoing(b"x" * 33_000_000, {}), 10))
    assert (error.status, error.charged, error.message) == (413, False, "over 32 MB")
    assert server.connections == 1


# The body


def test_before_the_status_line_only_the_deadline_limits_the_silence(clock: FakeClock) -> None:
    def thinks_first(peer: Peer) -> None:
        peer.request()
        peer.think(0.6)
        peer.send(OK)

    brief = Limits(send_seconds=0.3, idle_seconds=0.3, error_body_seconds=0.3)
    with FaultServer(thinks_first) as server:
        seen = everything(upstream_at(server, clock, brief).post(POST, 10))
    assert (body_of(seen), seen[-1], server.connections) == (FRAME, End(), 1)


def test_a_frame_is_seen_before_the_next_one_is_sent(clock: FakeClock) -> None:
    seen_one = threading.Event()

    def frame_by_frame(peer: Peer) -> None:
        peer.request()
        peer.send(SSE_HEAD + b"\r\n")
        for _ in range(3):
            peer.send(FRAME)
            assert seen_one.wait(5)
            seen_one.clear()

    with FaultServer(frame_by_frame) as server:
        exchange = upstream_at(server, clock).post(POST, 10)
        assert isinstance(exchange.wait(5), Head)
        for _ in range(3):
            assert exchange.wait(5) == Data(FRAME)
            seen_one.set()
        assert exchange.wait(5) == End()


def test_repeated_headers_are_joined_and_lower_case(clock: FakeClock) -> None:
    with FaultServer(replies(b"HTTP/1.1 200 OK\r\nX-Oneapi-Request-Id: A1\r\nVia: a\r\nVIA: b\r\n\r\n")) as server:
        head = everything(upstream_at(server, clock).post(POST, 10))[0]
    assert head == Head(200, {"x-oneapi-request-id": "A1", "via": "a, b"})


@pytest.mark.parametrize(
    "reply",
    [
        SSE_HEAD + b"Content-Length: 1000\r\n\r\n" + FRAME,
        SSE_HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(FRAME), FRAME),
        SSE_HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n1" % (len(FRAME), FRAME),
        SSE_HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\nzz\r\n" % (len(FRAME), FRAME),
        SSE_HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n-5\r\n" % (len(FRAME), FRAME),
        SSE_HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s" % (len(FRAME) + 9, FRAME),
    ],
    ids=["short of its length", "no last chunk", "cut in a size line", "no size", "negative size", "cut in a chunk"],
)
def test_a_body_that_is_cut_ends_in_doubt_with_what_came(clock: FakeClock, reply: bytes) -> None:
    with FaultServer(replies(reply)) as server:
        seen = everything(upstream_at(server, clock).post(POST, 10))
    last = seen[-1]
    assert isinstance(last, Failed)
    assert isinstance(last.error, UpstreamBroken)
    assert (last.error.status, last.error.charged) == (502, True)
    assert (body_of(seen), server.connections) == (FRAME, 1)


def test_a_chunked_body_that_ends_well_ends_well(clock: FakeClock) -> None:
    reply = SSE_HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x;x=y\r\n%s\r\n0\r\nT: x\r\n\r\n" % (len(FRAME), FRAME)
    with FaultServer(replies(reply)) as server:
        seen = everything(upstream_at(server, clock).post(POST, 10))
    assert (body_of(seen), seen[-1]) == (FRAME, End())


@pytest.mark.case("gzip-bomb")
@pytest.mark.parametrize(
    "header",
    [b"Content-Encoding: gzip", b"Content-Encoding: identity, br", b"Transfer-Encoding: gzip, chunked"],
)
def test_a_packed_body_is_never_inflated(clock: FakeClock, header: bytes) -> None:
    bomb = gzip.compress(b"\0" * 10_000_000)
    with FaultServer(replies(b"HTTP/1.1 200 OK\r\n%s\r\n\r\n%s" % (header, bomb))) as server:
        seen = everything(upstream_at(server, clock).post(POST, 10))
    assert len(seen) == 1
    assert isinstance(seen[0], Failed)
    assert isinstance(seen[0].error, UpstreamBroken)
    assert seen[0].error.charged
    assert server.connections == 1


def test_silence_in_the_middle_of_an_answer_is_not_waited_out(clock: FakeClock) -> None:
    def falls_silent(peer: Peer) -> None:
        peer.request()
        peer.send(SSE_HEAD + b"\r\n" + FRAME)
        peer.hold()

    with FaultServer(falls_silent) as server:
        seen = everything(upstream_at(server, clock, Limits(idle_seconds=0.3)).post(POST, 10))
    last = seen[-1]
    assert isinstance(last, Failed)
    assert isinstance(last.error, UpstreamSilent)
    assert "fell silent" in last.error.message
    assert (last.error.charged, body_of(seen), server.connections) == (True, FRAME, 1)


def drips_headers(peer: Peer) -> None:
    peer.request()
    peer.send(SSE_HEAD)
    peer.drip(b"X-Drip: 1\r\n", 0.02)


def drips_body(peer: Peer) -> None:
    peer.request()
    peer.send(SSE_HEAD + b"\r\n")
    peer.drip(b": ping\n\n")


def drips_chunk_size(peer: Peer) -> None:
    peer.request()
    peer.send(SSE_HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    peer.drip(b"0")


def continues_for_ever(peer: Peer) -> None:
    peer.request()
    peer.drip(b"HTTP/1.1 100 Continue\r\n\r\n", 0.001)


@pytest.mark.case("endless-stream")
@pytest.mark.parametrize("script", [drips_headers, drips_body, drips_chunk_size, continues_for_ever])
def test_an_upstream_that_drips_for_ever_is_stopped_at_the_deadline(clock: FakeClock, script: Script) -> None:
    with FaultServer(script) as server:
        began = time.monotonic()
        seen = everything(upstream_at(server, clock, Limits(idle_seconds=5)).post(POST, SOON))
        assert time.monotonic() - began < 2
        assert server.left.wait(5)
    last = seen[-1]
    assert isinstance(last, Failed)
    assert isinstance(last.error, UpstreamSilent)
    assert (last.error.status, last.error.charged, server.connections) == (504, True, 1)
    assert bool(body_of(seen)) is (script is drips_body)


@pytest.mark.case("endless-stream")
def test_a_stream_without_end_is_cut_at_the_byte_limit(clock: FakeClock) -> None:
    def endless(peer: Peer) -> None:
        peer.request()
        peer.send(SSE_HEAD + b"\r\n")
        peer.flood(b"x" * 10_000)

    with FaultServer(endless) as server:
        seen = everything(upstream_at(server, clock, Limits(reply_bytes=1_000_000)).post(POST, 10))
        assert server.left.wait(5)
    last = seen[-1]
    assert isinstance(last, Failed)
    assert isinstance(last.error, UpstreamBroken)
    assert "longer than" in last.error.message
    assert last.error.charged
    assert 900_000 < len(body_of(seen)) <= 1_000_000


# Giving up


def floods(peer: Peer) -> None:
    peer.request()
    peer.send(SSE_HEAD + b"\r\n")
    peer.flood(b"x" * 65_536)


def test_a_consumer_that_does_not_read_holds_the_upstream_back(clock: FakeClock) -> None:
    with FaultServer(floods) as server:
        exchange = upstream_at(server, clock).post(POST, 30)
        assert server.stalled.wait(10)
        in_row = QUEUED_PIECES * 65_536
        assert server.stalled_after < in_row + 16 * 1024 * 1024  # the rest is in the kernel's buffers
        exchange.close()
        assert server.left.wait(5)
        _join_readers()


def test_the_deadline_passes_while_nobody_reads_and_what_came_is_kept(clock: FakeClock) -> None:
    with FaultServer(floods) as server:
        exchange = upstream_at(server, clock, Limits(queued_pieces=2)).post(POST, SOON)
        assert server.left.wait(5)
        _join_readers()
        seen = everything(exchange)
    assert isinstance(seen[-1], Failed)
    assert isinstance(seen[-1].error, UpstreamSilent)
    assert isinstance(seen[0], Head)
    assert body_of(seen)


def test_a_deadline_that_has_passed_already_posts_nothing(clock: FakeClock) -> None:
    with FaultServer(replies(OK)) as server:
        error = failure(upstream_at(server, clock).post(POST, clock.monotonic()))
        _join_readers()
        assert server.posts == []
    assert (error.code, error.charged) == ("upstream_unreachable", False)


def test_closing_in_the_middle_of_a_stream_ends_thread_and_connection(clock: FakeClock) -> None:
    with FaultServer(drips_body) as server:
        exchange = upstream_at(server, clock).post(POST, 30)
        assert isinstance(exchange.wait(5), Head)
        exchange.close()
        assert server.left.wait(5)
        _join_readers()
        last = exchange.wait(0)
        exchange.close()
    assert isinstance(last, Failed)
    assert isinstance(last.error, UpstreamSilent)
    assert last.error.charged


def test_closing_while_waiting_for_the_status_line_ends_it(clock: FakeClock) -> None:
    posted = threading.Event()

    def silent(peer: Peer) -> None:
        peer.request()
        posted.set()
        peer.hold()

    with FaultServer(silent) as server:
        exchange = upstream_at(server, clock).post(POST, 30)
        assert posted.wait(5)
        exchange.close()
        _join_readers()
    assert len(server.posts) == 1


def test_closing_after_the_end_changes_nothing(clock: FakeClock) -> None:
    with FaultServer(replies(OK)) as server:
        exchange = upstream_at(server, clock).post(POST, 10)
        everything(exchange)
        exchange.close()
        assert exchange.wait(0) == End()


class InterruptedClock(FakeClock):
    """Somebody does something while the first pause goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], None] | None = None
        self.started = threading.Event()

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.started.wait(5)
        if self.meanwhile:
            self.meanwhile()


def test_closing_during_a_pause_means_that_nothing_is_posted_again() -> None:
    clock = InterruptedClock()
    with FaultServer(replies(BUSY), replies(OK)) as server:
        exchange = upstream_at(server, clock).post(POST, 60)
        clock.meanwhile = exchange.close
        clock.started.set()
        _join_readers()
        last = exchange.wait(0)
    assert isinstance(last, Failed)
    assert isinstance(last.error, UpstreamBusy)
    assert (len(server.posts), len(clock.sleeps)) == (1, 1)


def test_the_deadline_after_a_busy_answer_still_says_busy_in_the_upstreams_words(clock: FakeClock) -> None:
    late = threading.Event()
    asked: list[int] = []
    with FaultServer(replies(http("429 x", envelope("busy")))) as server:

        def resolve(_host: str, _port: int) -> list[Address]:
            if asked:
                late.wait(10)
            asked.append(1)
            return [ipv4(server.port)]

        upstream = HttpsUpstream(server.url, clock=clock, plain_http=True, resolve=resolve, jitter=no_jitter)
        error = failure(upstream.post(POST, 2 * SOON))
        late.set()
        _join_readers()
        assert (len(server.posts), len(asked)) == (1, 2)
    assert isinstance(error, UpstreamBusy)
    assert (error.message, error.charged) == ("busy", False)


def test_a_defect_of_ours_is_told_and_not_swallowed(clock: FakeClock) -> None:
    def broken() -> float:
        raise ZeroDivisionError

    with refusing_port() as refusing:
        url = f"http://127.0.0.1:{refusing.getsockname()[1]}"
        upstream = HttpsUpstream(url, clock=clock, plain_http=True, jitter=broken)
        last = everything(upstream.post(POST, 10))[-1]
    assert isinstance(last, Failed)
    assert isinstance(last.error, ZeroDivisionError)
    assert not isinstance(last.error, ReelayError)


def _join_readers() -> None:
    """Waits for the threads that read."""
    for thread in threading.enumerate():
        if thread.name == "upstream-reader":
            thread.join(2)
            assert not thread.is_alive()
