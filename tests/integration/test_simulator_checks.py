"""What the simulator refuses, what it remembers, and TLS."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
import trustme
import urllib3

from dev.simulator import Simulator
from tests.integration.simulator_client import HEADERS, connect, get, post, request

BODY = request("sora-2")
MESSAGES = '"messages": [{"role": "user", "content": "hi"}]'


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator() as playing:
        yield playing


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "application/json; charset=utf-8"},
        {"X-Forwarded-Host": "api.example.com:8443"},
        {"Accept": "*/*", "X-Request-Id": "1", "Connection": "close"},
    ],
)
def test_a_good_request_is_not_complained_of(sim: Simulator, headers: dict[str, str]) -> None:
    assert post(sim, BODY, HEADERS | headers).status == 200
    assert sim.complaints == []


def test_the_token_may_be_left_out(sim: Simulator) -> None:
    assert post(sim, BODY, {name: value for name, value in HEADERS.items() if name != "Authorization"}).status == 200
    assert sim.complaints == []


@pytest.mark.parametrize(
    ("headers", "complaint"),
    [
        ({"Content-Type": "text/plain"}, "Content-Type is not application/json"),
        ({"Content-Type": "application/json; charset=utf-16"}, "Content-Type is not application/json"),
        ({"Accept": ""}, "Accept is missing"),
        ({"Accept-Encoding": "gzip, deflate"}, "Accept-Encoding is not identity"),
        ({"Authorization": "Basic c2VjcmV0"}, "Authorization is not 'Bearer <token>'"),
        ({"Authorization": "Bearer "}, "Authorization is not 'Bearer <token>'"),
        ({"Authorization": "Bearer a, Bearer b"}, "Authorization is not 'Bearer <token>'"),
        ({"X-Forwarded-Host": "https://a.example/"}, "X-Forwarded-Host is not a host name"),
        ({"TE": "trailers"}, "the hop-by-hop header te was passed on"),
        ({"Keep-Alive": "timeout=5"}, "the hop-by-hop header keep-alive was passed on"),
        ({"X-Amzn-Trace-Id": "Root=1"}, "the caller's header x-amzn-trace-id was passed on"),
        ({"X-Stainless-Retry-Count": "1"}, "the caller's header x-stainless-retry-count was passed on"),
        ({"X-Forwarded-For": "203.0.113.9"}, "the caller's header x-forwarded-for was passed on"),
        ({"Cookie": "a=b"}, "the caller's header cookie was passed on"),
        ({"X-Api-Key": "k"}, "the caller's header x-api-key was passed on"),
    ],
)
def test_each_bad_header_is_complained_of(sim: Simulator, headers: dict[str, str], complaint: str) -> None:
    reply = post(sim, BODY, HEADERS | headers)
    assert (reply.status, reply.json["error"]["code"]) == (400, "invalid_request")
    assert complaint in reply.json["error"]["message"]
    assert sim.complaints == [complaint]


def test_a_header_that_comes_twice_is_complained_of(sim: Simulator) -> None:
    with closing(connect(sim.origin)) as connection:
        connection.putrequest("POST", "/v1/chat/completions")
        for name, value in [*HEADERS.items(), ("accept", "*/*"), ("Content-Length", str(len(BODY)))]:
            connection.putheader(name, value)
        connection.endheaders(BODY)
        assert connection.getresponse().status == 400
    assert sim.complaints == ["the header accept came twice"]


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"", "strict JSON"),
        (b'{"model":', "strict JSON"),
        (b'{"model": "a", "model": "b", %b}' % MESSAGES.encode(), "strict JSON"),
        (b'{"model": "a", "temperature": NaN, %b}' % MESSAGES.encode(), "strict JSON"),
        (b'\xef\xbb\xbf{"model": "a", %b}' % MESSAGES.encode(), "strict JSON"),
        (f'{{"model": "a", {MESSAGES}}}'.encode("utf-16"), "strict JSON"),
        (b'{"model": "\\ud800", %b}' % MESSAGES.encode(), "strict JSON"),
        (b"[" * 100_000, "strict JSON"),
        (b"[]", "the body is not an object"),
        (b"{%b}" % MESSAGES.encode(), "model is not a name"),
        (b'{"model": "a"}', "messages is not a list with something in it"),
        (b'{"model": "a", "messages": []}', "messages is not a list with something in it"),
        (b'{"model": "a", "messages": [{"content": "hi"}]}', "messages[0] has no role"),
        (b'{"model": "a", "stream": "true", %b}' % MESSAGES.encode(), "stream is not a boolean"),
        (b'{"model": "sim-misspelt", %b}' % MESSAGES.encode(), "there is no scene of that name"),
    ],
)
def test_each_bad_body_is_complained_of(sim: Simulator, body: bytes, complaint: str) -> None:
    assert post(sim, body).status == 400
    assert len(sim.complaints) == 1
    assert complaint in sim.complaints[0]


def test_several_complaints_come_together_and_hold_nothing_of_the_request(sim: Simulator) -> None:
    body = request("sora-2", prompt="a secret prompt").replace(b"true", b'"true"')
    reply = post(sim, body, HEADERS | {"Authorization": "Token sk-secret", "Accept": ""})
    assert len(sim.complaints) == 3
    assert b"secret" not in reply.body
    assert "secret" not in " ".join(sim.complaints)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/chat/completions"),
        ("PUT", "/v1/chat/completions"),
        ("GET", "/v1/nothing"),
        ("DELETE", "/cdn/20251013/clip.mp4"),
    ],
)
def test_an_address_that_is_not_there_is_complained_of(sim: Simulator, method: str, path: str) -> None:
    assert get(sim.origin + path, method).status == 404
    assert sim.complaints == [f"there is no {method} {path}"]
    assert sim.posts == 0


def test_a_post_elsewhere_is_complained_of_and_costs_nothing(sim: Simulator) -> None:
    assert post(sim, BODY, path="//v1/chat/completions").status == 404
    assert post(sim, BODY, path="/v1/chat/completions?a=b").status == 400
    assert sim.complaints == ["there is no POST //v1/chat/completions", "the chat endpoint takes no query"]
    assert sim.posts == 1


def test_credentials_at_a_media_link_are_complained_of(sim: Simulator) -> None:
    assert get(sim.link(), headers={"Authorization": "Bearer sk-test"}).status == 200
    assert sim.complaints == ["a media link was asked with Authorization"]


def test_more_than_32_mib_are_too_many(sim: Simulator) -> None:
    assert post(sim, b" " * (32 * 2**20 + 1)).status == 413
    assert post(sim, b" " * 32 * 2**20).status == 400


def test_requests_are_remembered_as_they_came() -> None:
    with Simulator(clock=lambda: 1234.5) as sim:
        post(sim, BODY)
        post(sim, BODY, HEADERS | {"X-Request-Id": "second"})
        first, second = sim.requests
    assert (first.method, first.path, first.body, first.at) == ("POST", "/v1/chat/completions", BODY, 1234.5)
    assert first.headers["authorization"] == "Bearer sk-test"
    assert second.headers["x-request-id"] == "second"
    assert sim.posts == 2
    assert {sent.request for sent in sim.sent} == {1, 2}


def test_a_request_that_was_not_received_whole_is_not_a_paid_call(sim: Simulator) -> None:
    with closing(connect(sim.origin)) as connection:
        connection.putrequest("POST", "/v1/chat/completions")
        connection.putheader("Content-Length", str(len(BODY)))
        connection.endheaders(BODY[:10])
        connection.sock.shutdown(socket.SHUT_WR)
        assert connection.sock.recv(1) == b""
    assert sim.posts == 0


def test_a_chunked_request_is_read_whole(sim: Simulator) -> None:
    with closing(connect(sim.origin)) as connection:
        connection.request("POST", "/v1/chat/completions", iter([BODY[:9], BODY[9:]]), HEADERS, encode_chunked=True)
        assert connection.getresponse().status == 200
    assert sim.requests[0].body == BODY
    assert sim.complaints == []


def test_a_connection_is_kept_for_the_next_request(sim: Simulator) -> None:
    with closing(connect(sim.origin)) as connection:
        connection.connect()
        first = connection.sock.getsockname()
        for _ in range(3):
            connection.request("POST", "/v1/chat/completions", BODY, HEADERS)
            assert b"[DONE]" in connection.getresponse().read()
            assert connection.sock.getsockname() == first
    assert sim.posts == 3


def test_twenty_at_once_are_all_answered_and_counted(sim: Simulator) -> None:
    done: list[bool] = []

    def one() -> None:
        done.append(post(sim, BODY).body.endswith(b"[DONE]\n\n"))

    threads = [threading.Thread(target=one) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [True] * 20
    assert sim.posts == 20
    ids = {json.loads(sent.data[6:])["id"] for sent in sim.sent if b"DONE" not in sent.data}
    assert len(ids) == 20


def test_nothing_is_left_after_closing() -> None:
    before = threading.active_count()
    with Simulator() as sim:
        connection = connect(sim.origin)
        connection.request("POST", "/v1/chat/completions", request("sim-silence"), HEADERS)
        idle = connect(sim.origin)
        idle.connect()
        address = (idle.host, idle.port)
    assert threading.active_count() == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)
    connection.close()
    idle.close()


def test_a_port_can_be_taken_again_at_once() -> None:
    with Simulator() as first:
        port = int(first.origin.rpartition(":")[2])
        post(first, BODY)
    with Simulator(port) as second:
        assert second.url == f"http://127.0.0.1:{port}/v1"
        assert post(second, BODY).status == 200


def test_it_has_no_address_before_it_is_entered() -> None:
    with pytest.raises(RuntimeError, match="entered"):
        _ = Simulator().url


def test_over_tls_it_answers_those_who_trust_it_and_survives_those_who_do_not() -> None:
    authority = trustme.CA()
    server, client = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    headers = HEADERS | {"Accept-Encoding": "identity"}
    with (
        Simulator(tls=server) as sim,
        urllib3.PoolManager(retries=False) as stranger,
        urllib3.PoolManager(retries=False, ssl_context=client) as friend,
    ):
        with pytest.raises(urllib3.exceptions.SSLError):
            stranger.request("POST", f"{sim.url}/chat/completions", body=BODY, headers=headers)
        assert sim.posts == 0
        reply = friend.request("POST", f"{sim.url}/chat/completions", body=BODY, headers=headers)
        cut = friend.request("POST", f"{sim.url}/chat/completions", body=request("sim-cut"), headers=headers)
        assert sim.origin.startswith("https://127.0.0.1:")
        assert f"({sim.origin}/cdn/".encode() in reply.data
    assert reply.data.endswith(b"[DONE]\n\n")
    assert b"81.." in cut.data
    assert b"[DONE]" not in cut.data
