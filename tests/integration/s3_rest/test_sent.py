"""What is sent to S3, as it was signed, and to nobody else."""

from __future__ import annotations

import io
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelay.bucket import Bucket
from reelay.s3_place import place_of
from reelay.s3_rest import Asked, S3Rest
from reelay.sigv4 import Credentials, path_of, query_of
from tests.integration.fault_server import FaultServer, Peer, Script, http, replies
from tests.integration.s3_rest.place import (
    BODY,
    GET,
    KEY,
    OK,
    SECRET,
    WHO,
    Paused,
    always,
    answering,
    error,
    failure,
    no_tls,
    reset_after,
    rest_at,
)


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
