"""How much of an answer of S3's is read."""

from __future__ import annotations

import pytest

from reelay.bucket import Bucket
from reelay.errors import NotFound, TooLarge
from reelay.s3_rest import ERROR_BYTES
from tests.integration.fault_server import FaultServer, Peer, http
from tests.integration.s3_rest.place import BODY, ENDLESS, GET, HEAD, KEY, always, answering, failure, rest_at


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
