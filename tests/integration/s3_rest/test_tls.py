"""Which server is believed to be S3: the one whose certificate is of a known authority and has its name."""

from __future__ import annotations

import ssl
from collections.abc import Callable

import pytest
import trustme

from tests.authority import certified, trusting
from tests.integration.fault_server import FaultServer
from tests.integration.s3_rest.place import BODY, PUT, always, failure, rest_at


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
