"""Who answers is verified, over real sockets, before anything is sent."""

from __future__ import annotations

import datetime as dt
import ssl

import pytest
import trustme

from reelay.errors import (
    UpstreamSilent,
)
from reelay.exchange import Limits
from reelay.model import Failed
from reelay.upstream import HttpsUpstream
from tests.authority import certified
from tests.fakes import FakeClock
from tests.integration.fault_server import FaultServer, Peer, replies
from tests.integration.upstream.place import (
    FRAME,
    OK,
    POST,
    SOON,
    body_of,
    drips_body,
    everything,
    failure,
    join_readers,
    no_jitter,
    secured_at,
    server_context,
)


def test_over_tls_the_name_is_sent_and_verified(clock: FakeClock, authority: trustme.CA, trust: ssl.SSLContext) -> None:
    names = []
    context = certified(authority, "localhost")
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    with FaultServer(replies(OK), tls=context) as server:
        seen = everything(secured_at(server, clock, trust).dial(10).post(POST))
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
        error = failure(secured_at(server, clock, trust).dial(10).post(POST))
    assert (error.code, error.charged) == ("upstream_unreachable", False)
    assert "certificate" in error.message
    assert (server.posts, server.connections) == ([], 3)


@pytest.mark.case("unreachable")
@pytest.mark.parametrize("words", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b""])
def test_what_does_not_speak_tls_gets_no_request(clock: FakeClock, trust: ssl.SSLContext, words: bytes) -> None:
    with FaultServer(lambda peer: peer.send(words)) as server:
        upstream = HttpsUpstream(server.url.replace("http", "https", 1), clock=clock, tls=trust, jitter=no_jitter)
        error = failure(upstream.dial(10).post(POST))
    assert (error.code, error.charged, server.connections) == ("upstream_unreachable", False, 3)


def test_a_handshake_that_never_answers_is_given_up(clock: FakeClock, trust: ssl.SSLContext) -> None:
    with FaultServer(Peer.hold) as server:
        limits = Limits(connect_seconds=0.3)
        upstream = HttpsUpstream(server.url.replace("http", "https", 1), clock=clock, tls=trust, limits=limits)
        error = failure(upstream.dial(10).post(POST))
    assert (error.code, error.charged, server.connections) == ("upstream_unreachable", False, 3)
    assert "in time" in error.message


def test_a_handshake_that_never_answers_ends_at_the_deadline(clock: FakeClock, trust: ssl.SSLContext) -> None:
    with FaultServer(Peer.hold) as server:
        upstream = HttpsUpstream(server.url.replace("http", "https", 1), clock=clock, tls=trust)
        error = failure(upstream.dial(SOON).post(POST))
        join_readers()
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
    with FaultServer(drips_body, tls=certified(authority, "localhost")) as server:
        seen = everything(secured_at(server, clock, trust).dial(SOON).post(POST))
        join_readers()
        assert server.left.wait(5)
    last = seen[-1]
    assert isinstance(last, Failed)
    assert isinstance(last.error, UpstreamSilent)
    assert (b": ping\n\n" * 1000).startswith(body_of(seen))
    assert body_of(seen)
