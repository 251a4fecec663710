"""The house's own way to S3 against real sockets: what goes over the wire how often, and what a failure tells."""

from __future__ import annotations

import io
import logging
import socket
import ssl
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import trustme
from botocore.retries.standard import ThrottledRetryableChecker, TransientRetryableChecker
from hypothesis import given
from hypothesis import strategies as st
from urllib3 import HTTPHeaderDict

from reelay.bucket import Bucket
from reelay.errors import Conflict, NotFound, ReelayError, StoreFailed, TooLarge
from reelay.s3_failures import ATTEMPTS, READ_SECONDS, Undecided
from reelay.s3_place import place_of
from reelay.s3_rest import CONNECTIONS, ERROR_BYTES, Asked, Attempt, Received, S3Rest
from reelay.sigv4 import Credentials, path_of, query_of
from tests.authority import certified, trusting
from tests.integration.fault_server import FaultServer, Peer, Script, http, replies

KEY, BODY, SECRET, TOKEN = "kept/records/key-1", b"body-1", "secret-1", "token-1"
WHO = Credentials("AKIA-1", SECRET, TOKEN)
OK = http("200 OK", BODY, ETag='"tag-1"')
GET = Asked("GetObject", "GET", KEY)
PUT = Asked("PutObject", "PUT", KEY, headers={"Content-Type": "text/plain"}, body=BODY)
ENDLESS = b"Content-Length: 1000000000000\r\n\r\n"


class Paused(list[float]):
    """Takes the pauses down and makes none."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def no_tls() -> ssl.SSLContext:
    raise AssertionError("plain http was asked for")


def rest_at(
    server: FaultServer, tls: ssl.SSLContext | None = None, read_seconds: float = READ_SECONDS
) -> tuple[S3Rest, Paused]:
    place = place_of("bucket", "eu-central-1", f"{'https' if tls else 'http'}://localhost:{server.port}")
    paused = Paused()
    return S3Rest(place, lambda: WHO, lambda: tls or no_tls(), paused, read_seconds), paused


def failure(rest: S3Rest, asked: Asked = PUT) -> ReelayError:
    """What the call raises, which shows nothing of what was asked, of whom, or by whom."""
    with pytest.raises(ReelayError) as caught:
        rest.call(asked)
    shown = "".join(traceback.format_exception(caught.value)) + caught.value.message
    for hidden in (KEY, BODY.decode(), SECRET, TOKEN, WHO.key_id, str(rest.place.port), "Signature"):
        assert hidden not in shown
    return caught.value


def error(status: str, code: str) -> bytes:
    return http(status, f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message></Error>".encode())


def answering(*answers: bytes) -> Script:
    """One request after the other on one connection; then the end."""

    def play(peer: Peer) -> None:
        for answer in answers:
            peer.request()
            peer.send(answer)

    return play


def always(peer: Peer) -> None:
    while True:
        peer.request()
        peer.send(OK)


def reset_after(*pieces: bytes) -> Script:
    def play(peer: Peer) -> None:
        peer.request()
        for piece in pieces:
            peer.send(piece)
        peer.reset()

    return play


def never(peer: Peer) -> None:
    peer.request()
    peer.hold()


# -- an answer that is none --------------------------------------------------------------------------------------------

HEAD = b'HTTP/1.1 200 OK\r\nETag: "tag-1"\r\n'


@pytest.mark.parametrize(
    "broken",
    [
        replies(),
        replies(b"HTTP/1.1 200"),
        replies(b"SSH-2.0-OpenSSH_9.2\r\n"),
        replies(HEAD + b"Content-Length: 7\r\n\r\n" + BODY),
        replies(HEAD + b"\r\n" + BODY),
        replies(HEAD + b"Content-Length: six\r\n\r\n" + BODY),
        replies(HEAD + b"Transfer-Encoding: chunked\r\n\r\n6\r\nbody-1\r\n"),
        replies(HEAD + b"Transfer-Encoding: chunked\r\n\r\nnone\r\nbody-1\r\n0\r\n\r\n"),
        replies(HEAD + b"X: " + b"x" * 70_000 + b"\r\n\r\n"),
        replies(HEAD + b"X: y\r\n" * 200 + b"\r\n"),
        reset_after(),
        reset_after(HEAD + b"Content-Length: 6\r\n\r\nbod"),
    ],
    ids=["nothing", "half a head", "another protocol", "cut short", "of no length", "of odd length",
         "chunks cut", "odd chunks", "a long header", "many headers", "reset", "reset in the body"],
)  # fmt: skip
def test_what_is_no_whole_answer_is_asked_for_again(broken: Script) -> None:
    with FaultServer(broken, broken, always) as server:
        rest, paused = rest_at(server)
        answer = rest.call(GET)
        assert (answer.status, answer.body, len(server.posts), len(paused)) == (200, BODY, 3, 2)
    with FaultServer(broken) as server:
        rest, paused = rest_at(server)
        assert isinstance(failure(rest, GET), StoreFailed)
        assert (len(server.posts), len(paused)) == (ATTEMPTS, ATTEMPTS - 1)


def test_chunks_are_a_whole_answer() -> None:
    with FaultServer(replies(HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n2\r\n-1\r\n0\r\n\r\n")) as server:
        answer = rest_at(server)[0].call(GET)
        assert (answer.body, answer.size) == (BODY, None)


def test_an_answer_without_a_body_keeps_the_connection() -> None:
    empty = b"HTTP/1.1 204 No Content\r\n\r\n"
    with FaultServer(answering(empty, empty)) as server:
        rest, _ = rest_at(server)
        for _ in range(2):
            assert rest.call(Asked("DeleteObject", "DELETE", KEY)).status == 204
        assert server.connections == 1


def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        paused, place = Paused(), place_of("bucket", "eu-central-1", f"http://127.0.0.1:{taken.getsockname()[1]}")
        assert "(NewConnectionError)" in failure(S3Rest(place, lambda: WHO, no_tls, paused)).message
    assert len(paused) == ATTEMPTS - 1


def test_silence_ends_after_the_limit() -> None:
    with FaultServer(never) as server:
        rest, _ = rest_at(server, read_seconds=0.1)
        assert "(ReadTimeoutError)" in failure(rest).message
        assert len(server.posts) == ATTEMPTS


def test_silence_in_the_middle_of_an_answer_ends_after_the_limit() -> None:
    def half(peer: Peer) -> None:
        peer.request()
        peer.send(OK[:-3])
        peer.hold()

    with FaultServer(half) as server:
        assert "(ReadTimeoutError)" in failure(rest_at(server, read_seconds=0.1)[0]).message
        assert len(server.posts) == ATTEMPTS


# -- kept connections --------------------------------------------------------------------------------------------------


def test_a_connection_is_kept() -> None:
    with FaultServer(always) as server:
        rest, _ = rest_at(server)
        for _ in range(3):
            rest.call(PUT)
        assert (server.connections, len(server.posts)) == (1, 3)


def test_a_kept_connection_that_dies_with_the_next_call_costs_one_repeat() -> None:
    def dies(peer: Peer) -> None:
        peer.request()
        peer.send(OK)
        peer.request()
        peer.reset()

    with FaultServer(dies, always) as server:
        rest, paused = rest_at(server)
        rest.call(PUT)
        assert rest.call(PUT).body == BODY
        assert (server.connections, len(server.posts), len(paused)) == (2, 3, 1)


def test_connections_that_all_died_in_a_freeze_cost_one_repeat_together() -> None:
    """A Lambda function that thaws hears of it only by asking; then the others are not asked, all at once perhaps."""
    together = threading.Barrier(ATTEMPTS + 1)

    def dies(peer: Peer) -> None:
        peer.request()
        together.wait(5)
        peer.send(OK)
        peer.request()
        peer.reset()

    with FaultServer(*[dies] * together.parties, always) as server:
        rest, paused = rest_at(server)
        with ThreadPoolExecutor(together.parties) as pool:
            list(pool.map(rest.call, [GET] * together.parties))
        rest.call(GET)
        assert (server.connections, len(paused)) == (together.parties + 1, 1)
        with ThreadPoolExecutor(together.parties) as pool:
            list(pool.map(rest.call, [GET] * together.parties))
        assert len(paused) == 1


def test_more_threads_than_connections_are_all_answered(caplog: pytest.LogCaptureFixture) -> None:
    threads = CONNECTIONS + 6
    together = threading.Barrier(threads)

    def waits(peer: Peer) -> None:
        peer.request()
        together.wait(5)
        peer.send(OK)
        always(peer)

    with FaultServer(waits) as server, caplog.at_level(logging.WARNING):
        rest, paused = rest_at(server)
        with ThreadPoolExecutor(threads) as pool:
            assert {answer.body for answer in pool.map(rest.call, [GET] * threads)} == {BODY}
        rest.call(GET)
        assert (server.connections, paused) == (threads, [])
    for hidden in (KEY, "X-Amz", SECRET, TOKEN):
        assert hidden not in caplog.text


def test_a_repeat_is_not_logged_with_what_was_asked(caplog: pytest.LogCaptureFixture) -> None:
    with FaultServer(reset_after(), never) as server, caplog.at_level(logging.INFO):
        failure(rest_at(server, read_seconds=0.1)[0])
    assert caplog.text == ""


# -- what is said again ------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("status", ["301 Moved Permanently", "307 Temporary Redirect"])
def test_nothing_is_sent_anywhere_else(status: str) -> None:
    with FaultServer(always) as elsewhere:
        there = f"http://localhost:{elsewhere.port}/bucket/{KEY}"
        with FaultServer(replies(http(status, b"<Error><Code>PermanentRedirect</Code></Error>", Location=there))) as s3:
            assert "(PermanentRedirect)" in failure(rest_at(s3)[0]).message
        assert elsewhere.connections == 0


def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultServer(always) as proxy, FaultServer(always) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://localhost:{proxy.port}")
        rest_at(server)[0].call(GET)
        assert (proxy.connections, server.connections) == (0, 1)


# -- how much is read --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [ENDLESS, b"\r\n"], ids=["told", "untold"])
def test_of_an_error_no_more_is_read_than_tells_what_it_is(length: bytes) -> None:
    def endless(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 403 Forbidden\r\n" + length + b"<Error><Code>AccessDenied</Code>")
        peer.flood(b"x" * 65_536)

    with FaultServer(endless) as server:
        assert "(AccessDenied)" in failure(rest_at(server)[0]).message
        assert server.left.wait(5)


def test_an_error_that_was_not_read_whole_is_not_taken_for_the_next_answer() -> None:
    long = http("404 Not Found", b"<Error><Code>NoSuchKey</Code>".ljust(2 * ERROR_BYTES))
    with FaultServer(answering(long), always) as server:
        rest, _ = rest_at(server)
        assert isinstance(failure(rest), NotFound)
        assert rest.call(GET).body == BODY
        assert server.connections == 2


def test_what_is_larger_than_asked_for_is_left_unread() -> None:
    def large(peer: Peer) -> None:
        peer.request()
        peer.send(HEAD + ENDLESS)
        peer.flood(b"x" * 65_536)

    with FaultServer(large, always) as server:
        bucket = Bucket(rest_at(server)[0])
        with pytest.raises(TooLarge, match="1,000,000,000,000 bytes"):
            bucket.get_tagged(KEY, '"tag-1"', 10)
        assert server.left.wait(5)
        assert bucket.get_tagged(KEY, '"tag-1"', 10) == BODY


# -- what is sent ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fails", [replies(http("500 Internal Server Error", Connection="close")), reset_after()])
def test_a_file_is_sent_whole_at_each_attempt(fails: Script) -> None:
    content = bytes(range(256)) * 1000
    file = io.BytesIO(content)
    file.seek(0, io.SEEK_END)
    with FaultServer(fails, fails, always) as server:
        rest_at(server)[0].call(Asked("PutObject", "PUT", KEY, body=file))
        heads, bodies = zip(*(post.split(b"\r\n\r\n", 1) for post in server.posts), strict=True)
        assert set(bodies) == {content}
        assert len(bodies) == 3
        assert not any(b"transfer-encoding" in head.lower() for head in heads)
        assert all(b"Content-Length: 256000\r\n" in head for head in heads)


def test_a_server_that_answers_before_the_body_is_there_is_heard() -> None:
    def early(peer: Peer) -> None:
        peer.request(body=False)
        peer.send(error("403 Forbidden", "AccessDenied"))
        peer.hold()

    with FaultServer(early) as server:
        asked = Asked("PutObject", "PUT", KEY, body=io.BytesIO(b"x" * 4_000_000))
        assert "(AccessDenied)" in failure(rest_at(server)[0], asked).message


def test_renewed_credentials_count_from_the_next_attempt() -> None:
    names = iter(["AKIA-old", "AKIA-new"])
    busy = http("503 Service Unavailable")
    with FaultServer(answering(busy, OK)) as server:
        place = place_of("bucket", "eu-central-1", f"http://localhost:{server.port}")
        S3Rest(place, lambda: Credentials(next(names), SECRET), no_tls, Paused()).call(GET)
        assert [b"AKIA-old" in server.posts[0], b"AKIA-new" in server.posts[1]] == [True, True]


ODD = [
    "/",
    "//",
    "/lead",
    "..",
    ".",
    "a/../../b",
    "a//b",
    "%2e%2e",
    "%zz",
    "//evil.test/x",
    "?a",
    "#b",
    "a b+c",
    "\x00",
]


def test_what_was_signed_is_what_is_sent() -> None:
    with FaultServer(always) as server:
        rest, _ = rest_at(server)
        texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)

        @given(st.sampled_from(ODD) | texts, st.dictionaries(texts, texts, max_size=2))
        def check(key: str, query: dict[str, str]) -> None:
            rest.call(Asked("GetObject", "GET", key, query))
            target = f"/bucket{path_of(key)}" + (f"?{query_of(query)}" if query else "")
            head = server.posts.pop().decode().split("\r\n")
            assert head[0] == f"GET {target} HTTP/1.1"
            assert f"Host: localhost:{server.port}" in head

        check()


def test_an_empty_key_is_refused_for_it_would_name_the_bucket() -> None:
    """DELETE of the empty key is DeleteBucket."""
    with FaultServer(always) as server:
        rest, _ = rest_at(server)
        with pytest.raises(ValueError, match="empty key"):
            Bucket(rest).delete("")
        with pytest.raises(ValueError, match="empty key"):
            rest.link("", {}, 300)
        assert server.connections == 0


def test_a_server_at_an_ipv6_address() -> None:
    listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    port = listener.getsockname()[1]
    with listener, ThreadPoolExecutor(1) as pool:

        def serve() -> bytes:
            with listener.accept()[0] as sock:
                request = sock.recv(65_536)
                sock.sendall(OK)
                return request

        served = pool.submit(serve)
        place = place_of("bucket", "eu-central-1", f"http://[::1]:{port}")
        assert S3Rest(place, lambda: WHO, no_tls, Paused()).call(GET).body == BODY
        assert f"Host: [::1]:{port}\r\n".encode() in served.result()


# -- whom it believes --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def test_tls_with_a_known_authority(authority: trustme.CA) -> None:
    with FaultServer(always, tls=certified(authority, "localhost")) as server:
        rest, _ = rest_at(server, trusting(authority))
        for _ in range(2):
            assert rest.call(PUT).body == BODY
        assert server.connections == 1


@pytest.mark.parametrize(
    ("name", "trust"),
    [("localhost", lambda _: ssl.create_default_context()), ("s3.example.com", trusting)],
    ids=["unknown authority", "another name"],
)
def test_a_server_that_cannot_prove_itself_is_sent_nothing(
    authority: trustme.CA, name: str, trust: Callable[[trustme.CA], ssl.SSLContext]
) -> None:
    with FaultServer(always, tls=certified(authority, name)) as server:
        assert "(SSLError)" in failure(rest_at(server, trust(authority))[0]).message
        assert server.posts == []
