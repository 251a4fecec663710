"""What the upstream and the way to it do wrong, through the doors: what is told, kept, posted, and said to cost."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import trustme

from dev.simulator import Simulator
from reelay.model import Phase
from reelay.s3 import s3_client
from reelay.upstream import HttpsUpstream
from tests.authority import trusting
from tests.e2e.local_house import LocalHouse
from tests.fakes import FakeClock
from tests.integration.fault_server import FaultServer, Peer, http, replies
from tests.integration.upstream.place import envelope, ipv4, refusing_port, server_context
from tests.security.test_cuts import STREAM

STREAMED = http("200 OK", STREAM, Content_Type="text/event-stream")
BUSY = http("429 Too Many Requests", Retry_After="2")
SOON = 0.5
"""Seconds until the deadline in tests that wait for it."""
BOTH = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
NOWHERE = frozenset({"media.invalid"})
"""The only host that media may come from: nothing is looked up or copied."""

Built = Callable[[HttpsUpstream], LocalHouse]
Put = Callable[[FaultServer], LocalHouse]


class Reaching(LocalHouse):
    """The doors with this upstream instead of the one that the settings lead to."""

    def __init__(self, simulator: Simulator, bucket: str, upstream: HttpsUpstream, clock: FakeClock) -> None:
        super().__init__(simulator, s3_client(), bucket, clock, media_allowed_hosts=NOWHERE)
        self.house.upstream = upstream
        self._relay = self.house.relay()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def reaching(simulator: Simulator, bucket: str, clock: FakeClock, aws_environment: None) -> Built:  # noqa: ARG001 - where S3 is
    return lambda upstream: Reaching(simulator, bucket, upstream, clock)


@pytest.fixture
def house_at(simulator: Simulator, bucket: str, clock: FakeClock, aws_environment: None) -> Put:  # noqa: ARG001 - where S3 is
    return lambda server: LocalHouse(
        simulator, s3_client(), bucket, clock, upstream_base_url=server.url, media_allowed_hosts=NOWHERE
    )


@BOTH
@pytest.mark.case("connect-refused-twice")
def test_an_upstream_that_refuses_two_connections_is_paid_once(reaching: Built, clock: FakeClock, stream: bool) -> None:
    with FaultServer(replies(STREAMED)) as server, refusing_port() as refusing:
        ports = iter([refusing.getsockname()[1]] * 2 + [server.port])
        resolve = lambda _host, _port: [ipv4(next(ports))]  # noqa: E731 - one line of a test
        house = reaching(HttpsUpstream(server.url, clock=clock, plain_http=True, resolve=resolve))
        assert ".mp4" in house.create("sora-2", stream=stream).content
        assert (house.only_record().phase, len(server.posts), next(ports, None)) == (Phase.COMPLETED, 1, None)


AUTHORITY = trustme.CA()
PAST = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
CERTIFICATES: Mapping[str, Callable[[], trustme.LeafCert] | None] = {
    "garbage": None,
    "expired": lambda: AUTHORITY.issue_cert("localhost", not_before=PAST, not_after=PAST.replace(year=2021)),
    "another's": lambda: AUTHORITY.issue_cert("elsewhere.example"),
    "nobody's": lambda: trustme.CA().issue_cert("localhost"),
}


def assert_unreachable(house: LocalHouse, seconds: float) -> None:
    reply = house.hurried("sora-2", stream=True, seconds=seconds)
    assert (reply.status, reply.error["code"]) == (502, "upstream_unreachable")
    assert "x-should-retry" not in reply.headers
    problem = house.only_record().problem
    assert problem is not None
    assert (house.only_record().phase, problem.charged) == (Phase.FAILED, False)


@pytest.mark.case("unreachable")
@pytest.mark.parametrize("fault", CERTIFICATES)
def test_an_upstream_that_cannot_be_verified_gets_no_request(reaching: Built, clock: FakeClock, fault: str) -> None:
    issue = CERTIFICATES[fault]
    trust = trusting(AUTHORITY)
    script = replies(STREAMED) if issue else (lambda peer: peer.send(b"SSH-2.0-OpenSSH_9.2\r\n"))
    with FaultServer(script, tls=server_context(issue()) if issue else None) as server:
        url = f"https://localhost:{server.port}/v1"
        assert_unreachable(reaching(HttpsUpstream(url, clock=clock, tls=trust)), 60)
        assert (server.posts, server.connections) == ([], 3)


@pytest.mark.case("unreachable")
def test_a_name_that_is_never_resolved_is_given_up_at_the_deadline(reaching: Built, clock: FakeClock) -> None:
    answered = threading.Event()
    with FaultServer(replies(STREAMED)) as server:

        def resolve(_host: str, _port: int) -> Any:
            answered.wait(10)
            return [ipv4(server.port)]

        assert_unreachable(reaching(HttpsUpstream(server.url, clock=clock, plain_http=True, resolve=resolve)), SOON)
        answered.set()
        assert server.posts == []


def holds(peer: Peer) -> None:
    peer.request()
    peer.hold()


PAGE = b"<html><body>bad gateway</body></html>"
SILENT: Mapping[str, tuple[bytes | None, int, str]] = {
    "time-out": (None, 504, "upstream_timeout"),
    "closed": (b"", 502, "upstream_broken"),
    "500": (http("500 x", envelope(code="do_request_failed")), 500, "do_request_failed"),
    "500 empty": (http("500 x"), 502, "upstream_broken"),
    "502 HTML": (http("502 x", PAGE, Content_Type="text/html"), 502, "upstream_broken"),
    "504": (http("504 x", envelope()), 504, "upstream_timeout"),
    "504 HTML": (http("504 x", PAGE), 502, "upstream_broken"),
}


@pytest.mark.case("silent-after-send")
@pytest.mark.parametrize("fault", SILENT)
def test_without_an_answer_the_outcome_is_unknown_and_nobody_asks_twice(house_at: Put, fault: str) -> None:
    said, status, code = SILENT[fault]
    with FaultServer(holds if said is None else replies(said)) as server:
        house = house_at(server)
        reply = house.hurried("sora-2", stream=True, seconds=SOON if said is None else 60)
        assert (reply.status, reply.error["code"], reply.headers["x-should-retry"]) == (status, code, "false")
        assert len(server.posts) == 1
    assert b"<" not in reply.body
    record = house.only_record()
    assert record.phase is Phase.UNKNOWN
    body = (said or b"").partition(b"\r\n\r\n")[2]
    assert record.transcript_bytes == len(body)
    assert not body or house.transcript(f"chatcmpl-{record.id}") == body


@BOTH
@pytest.mark.case("busy-then-fine")
def test_a_busy_upstream_gets_the_time_it_asks_for(house_at: Put, clock: FakeClock, stream: bool) -> None:
    with FaultServer(replies(BUSY), replies(STREAMED)) as server:
        house = house_at(server)
        assert ".mp4" in house.create("sora-2", stream=stream).content
        assert (house.only_record().phase, len(server.posts)) == (Phase.COMPLETED, 2)
    assert sum(clock.sleeps) >= 2


@pytest.mark.case("model-not-found")
@pytest.mark.parametrize("status", [404, 400, 503])
def test_a_model_that_nobody_serves_costs_nothing_and_is_asked_for_once(house_at: Put, status: int) -> None:
    with FaultServer(replies(http(f"{status} x", envelope("no channel", "model_not_found")))) as server:
        house = house_at(server)
        reply = house.create("sora-2")
        assert (reply.status, reply.error["code"], len(server.posts)) == (status, "model_not_found", 1)
    problem = house.only_record().problem
    assert problem is not None
    assert (house.only_record().phase, problem.charged) == (Phase.FAILED, False)
    assert reply.headers["x-should-retry"] == "false", "asking again is of no use"


@BOTH
@pytest.mark.case("error-in-200")
@pytest.mark.parametrize(("code", "charged"), [("bad_response", True), ("moderation_blocked", True),
                                               ("sentinel_block", False), ("model_not_found", False)])  # fmt: skip
def test_an_error_in_a_200_is_that_error(house_at: Put, code: str, charged: bool, stream: bool) -> None:
    with FaultServer(replies(http("200 OK", envelope("no", code)))) as server:
        house = house_at(server)
        reply = house.create("sora-2", stream=stream)
        assert (reply.error["code"], reply.error["message"], len(server.posts)) == (code, "no", 1)
    problem = house.only_record().problem
    assert problem is not None
    assert (house.only_record().phase, problem.code, problem.charged) == (Phase.FAILED, code, charged)


@pytest.mark.case("error-event")
def test_an_error_near_the_end_fails_what_may_have_been_charged(house: LocalHouse) -> None:
    reply = house.create("sim-stream-error-late")
    record = house.only_record()
    assert record.problem is not None
    assert (record.phase, record.completion, record.problem.charged) == (Phase.FAILED, None, True)
    assert record.progress >= 90
    assert reply.frames[-2]["error"]["message"] == record.problem.message
    sent = b"".join(frame.data for frame in house.simulator.sent)
    transcript = house.transcript(reply.frames[0]["id"])
    assert sent.startswith(transcript)
    assert b'"error"' in transcript
    assert house.simulator.posts == 1
