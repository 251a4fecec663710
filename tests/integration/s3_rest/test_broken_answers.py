"""An answer of S3's that is none, or none in time, is asked for again."""

from __future__ import annotations

import socket

import pytest

from reelay.errors import StoreFailed
from reelay.s3_failures import ATTEMPTS
from reelay.s3_place import place_of
from reelay.s3_rest import Asked, S3Rest
from tests.integration.fault_server import FaultServer, Peer, Script, replies
from tests.integration.s3_rest.place import (
    BODY,
    GET,
    HEAD,
    KEY,
    OK,
    WHO,
    Paused,
    always,
    answering,
    failure,
    never,
    no_tls,
    reset_after,
    rest_at,
)


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
