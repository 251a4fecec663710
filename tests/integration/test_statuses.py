"""The promises of the Statuses port, kept by the fake and by the adapter alike; then what the network can do to us, and
where the service's key goes."""

from __future__ import annotations

import json
import re
import ssl
import time
from collections.abc import Iterator
from typing import Any

import pytest
import trustme

from dev.simulator import Simulator
from reelay.connection import Address
from reelay.model import Told
from reelay.ports import Statuses
from reelay.statuses import ANSWER_BYTES, LINK_CHARACTERS, MODEL_CHARACTERS, HttpsStatuses, told_in
from tests.authority import certified, trusting
from tests.fakes import FakeKeys, FakeStatuses
from tests.integration.fault_server import FaultServer, Peer, Script, http, replies
from tests.integration.simulator_client import chat, text_of, video_of
from tests.integration.upstream.place import ipv4, join

SHARE = "/api/share/{task_id}"
QUERY = "/v1/video/query?id={model}:{task_id}"
TASK = "task_01k7e5w9z5f2d91pekrqy59rwc"
MODEL = "sora-2"
LINK = "https://filesystem.site/cdn/20251013/ab.mp4?st=1&sig=a%2Fb"
DONE = json.dumps({"content": {"status": "completed", "progress": 100, "url": LINK, "gif_url": None}}).encode()
TOLD = Told("completed", 100, LINK)
KEYS = FakeKeys("sk-service")
SOON = 0.3
"""Seconds that a whole question may take in tests that wait for it."""


@pytest.fixture(autouse=True)
def no_thread_outlives_its_question() -> Iterator[None]:
    yield
    join("upstream-look-up")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def origin(server: FaultServer) -> str:
    return server.url.removesuffix("/v1")


def statuses_at(server: FaultServer, template: str = SHARE, **more: Any) -> HttpsStatuses:
    return HttpsStatuses(origin(server) + template, plain_http=True, **more)


def said(*pieces: bytes) -> Told | None:
    """What is told when the server answers with these bytes."""
    with FaultServer(replies(*pieces)) as server:
        return statuses_at(server).ask(TASK, MODEL)


def asked(template: str, task_id: str, model: str) -> str | None:
    """The target that is asked for, as it goes over the wire; None when nothing is."""
    with FaultServer(replies(http("200 OK", DONE))) as server:
        statuses_at(server, template).ask(task_id, model)
    return server.posts[0].split(b" ")[1].decode() if server.posts else None


# What both promise


@pytest.fixture(params=["fake", SHARE, QUERY])
def known(request: pytest.FixtureRequest) -> Iterator[tuple[Statuses, str, str]]:
    """Whom to ask, and the task id and link of a finished video."""
    if request.param == "fake":
        yield FakeStatuses({TASK: TOLD}), TASK, LINK
        return
    with Simulator() as sim:
        text = text_of(chat(sim, MODEL))
        task_id = re.findall(r"task_\w+", text)[0]
        yield HttpsStatuses(sim.origin + request.param, plain_http=True), task_id, video_of(text)


def test_a_finished_job_is_told_with_its_link(known: tuple[Statuses, str, str]) -> None:
    statuses, task_id, link = known
    assert statuses.ask(task_id, MODEL) == Told("completed", 100, link)


def test_an_unknown_job_is_told_nothing_of(known: tuple[Statuses, str, str]) -> None:
    statuses, _, _ = known
    assert statuses.ask("task_01nobody", MODEL) is None


# The simulator's other states


@pytest.mark.parametrize(("template", "percent"), [(SHARE, 81), (QUERY, 0)])
def test_a_job_whose_answer_was_cut_is_under_way_and_then_completed(template: str, percent: int) -> None:
    with Simulator() as sim:
        task_id = re.findall(r"task_\w+", text_of(chat(sim, "sim-cut")))[0]
        statuses = HttpsStatuses(sim.origin + template, plain_http=True)
        assert statuses.ask(task_id, MODEL) == Told("in_progress", percent)
        done = statuses.ask(task_id, MODEL)
    assert done is not None
    assert (done.status, done.percent, done.link is not None) == ("completed", 100, True)


@pytest.mark.parametrize("template", [SHARE, QUERY])
def test_a_failed_job_is_told_as_failed(template: str) -> None:
    with Simulator() as sim:
        task_id = re.findall(rb"task_\w+", chat(sim, "sim-stream-error").body)[0].decode()
        told = HttpsStatuses(sim.origin + template, plain_http=True).ask(task_id, MODEL)
    assert told is not None
    assert (told.status, told.link) == ("failed", None)


# What is sent


def test_one_get_is_sent_with_nothing_of_the_callers() -> None:
    with FaultServer(replies(http("200 OK", DONE))) as server:
        assert statuses_at(server, QUERY).ask(TASK, MODEL) == TOLD
    (request,) = server.posts
    assert sorted(request.removesuffix(b"\r\n\r\n").split(b"\r\n")) == [
        b"Accept-Encoding: identity",
        b"Accept: application/json",
        b"Connection: close",
        b"GET /v1/video/query?id=sora-2:%s HTTP/1.1" % TASK.encode(),
        b"Host: localhost:%d" % server.port,
        b"User-Agent: reelay",
    ]


@pytest.mark.parametrize(
    ("model", "sent"),
    [
        ("sora-2", "sora-2"),
        ("a/b", "a%2Fb"),
        ("a b+c&d=e?f#g:h", "a%20b%2Bc%26d%3De%3Ff%23g%3Ah"),
        ("%2e%2e", "%252e%252e"),
        ("x\r\nHost: y", "x%0D%0AHost%3A%20y"),
        ("狗", "%E7%8B%97"),
        ("{task_id}", "%7Btask_id%7D"),
        ("x" * MODEL_CHARACTERS, "x" * MODEL_CHARACTERS),
    ],
)
def test_a_model_is_one_piece_of_the_url_whatever_it_holds(model: str, sent: str) -> None:
    assert asked("/v1/{model}/jobs/{task_id}", TASK, model) == f"/v1/{sent}/jobs/{TASK}"


@pytest.mark.parametrize("model", ["", ".", "..", "\ud83d", "x" * (MODEL_CHARACTERS + 1)])
def test_a_model_that_cannot_be_one_is_not_asked_for(model: str) -> None:
    assert asked("/v1/{model}/jobs/{task_id}", TASK, model) is None


def test_a_colon_in_a_task_id_is_escaped() -> None:
    assert asked(SHARE, "sora-2:task_1", MODEL) == "/api/share/sora-2%3Atask_1"


@pytest.mark.parametrize("task_id", ["", "..", "a/b", "a b", "a\n", "a%2e", "{model}", "ä", "x" * 129])
def test_a_task_id_that_cannot_be_one_is_not_asked_for(task_id: str) -> None:
    assert asked(SHARE, task_id, MODEL) is None


# The service's key


def authorization(server: FaultServer, authorized_origin: str | None) -> list[bytes]:
    statuses_at(server, keys=KEYS, authorized_origin=authorized_origin).ask(TASK, MODEL)
    (request,) = server.posts
    return re.findall(rb"(?im)^authorization: (.*)\r$", request)


@pytest.mark.parametrize("path", ["", "/", "/v1"])
def test_the_key_goes_to_the_upstreams_own_origin(path: str) -> None:
    with FaultServer(replies(http("200 OK", DONE))) as server:
        assert authorization(server, origin(server) + path) == [b"Bearer sk-service"]


@pytest.mark.parametrize(
    "elsewhere",
    [None, "https://localhost:{port}", "http://localhost", "http://127.0.0.1:{port}", "http://localhost.:1"],
)
def test_the_key_goes_nowhere_else(elsewhere: str | None) -> None:
    with FaultServer(replies(http("200 OK", DONE))) as server:
        assert authorization(server, elsewhere and elsewhere.format(port=server.port)) == []


def test_without_keys_no_key_goes_along() -> None:
    with FaultServer(replies(http("200 OK", DONE))) as server:
        assert statuses_at(server, authorized_origin=origin(server)).ask(TASK, MODEL) == TOLD
    assert b"authorization" not in server.posts[0].lower()


def test_without_a_key_that_can_be_read_nothing_is_asked() -> None:
    keys = FakeKeys()
    keys.broken = True
    with FaultServer(replies(http("200 OK", DONE))) as server:
        assert statuses_at(server, keys=keys, authorized_origin=origin(server)).ask(TASK, MODEL) is None
    assert server.connections == 0


def test_a_redirect_is_not_followed_with_or_without_a_key() -> None:
    with FaultServer(replies(http("200 OK", DONE))) as other:
        redirect = http("302 Found", DONE, Location=origin(other) + "/api/share/x")
        with FaultServer(replies(redirect)) as server:
            assert statuses_at(server, keys=KEYS, authorized_origin=origin(server)).ask(TASK, MODEL) is None
        assert (server.connections, other.connections) == (1, 0)


# What is understood


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("pending", "queued"),
        ("queued", "queued"),
        ("processing", "in_progress"),
        ("in_progress", "in_progress"),
        ("IN_PROGRESS", "in_progress"),
        ("completed", "completed"),
        ("succeeded", "completed"),
        ("failed", "failed"),
        ("cancelled", "failed"),
    ],
)
def test_a_status_is_told_in_the_words_of_the_videos_api(word: str, status: str) -> None:
    told = told_in(json.dumps({"id": "sora-2:x", "status": word, "video_url": LINK, "status_update_time": 1}).encode())
    assert told == Told(status, 100 if status == "completed" else 0, LINK if status == "completed" else None)


@pytest.mark.parametrize(
    ("progress", "percent"),
    [
        (0, 0),
        (36, 36),
        (36.9, 36),
        (100, 100),
        (-1, 0),
        (1e300, 100),
        (None, 0),
        ("36", 0),
        (True, 0),
        ([], 0),
        ({}, 0),
    ],
)
def test_a_progress_is_a_whole_percentage(progress: object, percent: int) -> None:
    body = json.dumps({"content": {"status": "processing", "progress": progress, "url": None}}).encode()
    assert told_in(body) == Told("in_progress", percent)


@pytest.mark.parametrize(
    "link",
    [
        None,
        "",
        7,
        ["https://a.test/v.mp4"],
        "v.mp4",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "ftp://a.test/v.mp4",
        "https://a.test/v.mp4\n",
        "https://a.test/v.mp4) [x](https://b.test",
        'https://a.test/"><script>',
        "https://a.test/" + "x" * LINK_CHARACTERS,
    ],
)
def test_what_is_no_link_is_left_out(link: object) -> None:
    body = json.dumps({"content": {"status": "completed", "progress": 100, "url": link}}).encode()
    assert told_in(body) == Told("completed", 100)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>not found</html>",
        b"\xff\xfe{",
        b"[" * 10_000,
        b"null",
        b"[]",
        b"{}",
        b'"completed"',
        b'{"status":"completed","status":"failed"}',
        b'{"status":7}',
        b'{"status":"dreaming","video_url":"https://a.test/v.mp4"}',
        b'{"content":"completed"}',
        b'{"content":{"progress":36}}',
        b'{"content":{"status":null}}',
        b'{"content":{"status":"processing","progress":NaN}}',
        b'{"error":{"message":"no","code":"task_not_exist"}}',
        DONE[:-1],
    ],
)
def test_what_is_not_understood_tells_nothing(body: bytes) -> None:
    assert told_in(body) is None
    assert said(http("200 OK", body)) is None


@pytest.mark.parametrize(
    "status", ["201 Created", "202 Accepted", "401 Unauthorized", "404 Not Found", "429 No", "500 No"]
)
def test_only_a_200_tells_anything(status: str) -> None:
    assert said(http(status, DONE)) is None


def test_an_answer_in_pieces_is_put_together() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert said(head, *(b"1\r\n%c\r\n" % byte for byte in DONE), b"0\r\n\r\n") == TOLD


def test_an_answer_that_ends_with_its_connection_is_whole() -> None:
    assert said(b"HTTP/1.1 200 OK\r\n\r\n" + DONE) == TOLD


def test_an_answer_of_just_the_limit_is_read_and_a_longer_one_is_not() -> None:
    most = DONE + b" " * (ANSWER_BYTES - len(DONE))
    assert said(http("200 OK", most)) == TOLD
    assert said(http("200 OK", most + b" ")) is None


# What the network does


def hangs(peer: Peer) -> None:
    peer.request()
    peer.hold()


def drips_its_head(peer: Peer) -> None:
    peer.request()
    peer.send(b"HTTP/1.1 200 OK\r\nX: ")
    peer.drip(b"x")


def drips_its_body(peer: Peer) -> None:
    peer.request()
    peer.send(b"HTTP/1.1 200 OK\r\n\r\n" + DONE)
    peer.drip(b" ")


def floods(peer: Peer) -> None:
    peer.request()
    peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
    peer.flood(b" " * 65_536)


def resets(peer: Peer) -> None:
    peer.request()
    peer.reset()


@pytest.mark.parametrize("script", [hangs, drips_its_head, drips_its_body])
def test_a_question_ends_in_time_whatever_the_server_does(script: Script) -> None:
    with FaultServer(script) as server:
        began = time.monotonic()
        assert statuses_at(server, seconds=SOON).ask(TASK, MODEL) is None
        assert time.monotonic() - began < 5
        assert server.connections == 1


def test_an_endless_answer_is_given_up_after_what_is_read_of_one() -> None:
    with FaultServer(floods) as server:
        assert statuses_at(server).ask(TASK, MODEL) is None
        assert server.left.wait(5)


@pytest.mark.parametrize(
    "script",
    [
        resets,
        replies(),
        replies(b"\x16\x03\x01\x00\x00 garbage\r\n\r\n"),
        replies(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + DONE),
        replies(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        replies(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1_000 + b"\r\n"),
    ],
)
def test_a_broken_answer_tells_nothing_and_is_not_asked_for_again(script: Script) -> None:
    with FaultServer(script) as server:
        assert statuses_at(server).ask(TASK, MODEL) is None
        assert server.connections == 1


def test_a_host_that_has_no_address_tells_nothing() -> None:
    def resolve(_host: str, _port: int) -> list[Address]:
        raise OSError("no such name")

    assert HttpsStatuses(f"https://status.example{SHARE}", resolve=resolve).ask(TASK, MODEL) is None


# TLS


def over_tls(server: FaultServer, tls: ssl.SSLContext | None, seconds: float = 5) -> Told | None:
    """The answer of a server that is taken for status.example."""
    template = f"https://status.example:{server.port}{SHARE}"
    statuses = HttpsStatuses(template, tls=tls, resolve=lambda _host, port: [ipv4(port)], seconds=seconds)
    return statuses.ask(TASK, MODEL)


def test_an_answer_comes_over_verified_tls(authority: trustme.CA) -> None:
    with FaultServer(replies(http("200 OK", DONE)), tls=certified(authority, "status.example")) as server:
        assert over_tls(server, trusting(authority)) == TOLD


def test_an_answer_over_tls_ends_in_time_too(authority: trustme.CA) -> None:
    with FaultServer(drips_its_body, tls=certified(authority, "status.example")) as server:
        assert over_tls(server, trusting(authority), seconds=1) is None


@pytest.mark.parametrize("name", ["other.example", "status.example"])
def test_whoever_cannot_be_verified_is_not_asked(authority: trustme.CA, name: str) -> None:
    with FaultServer(replies(http("200 OK", DONE)), tls=certified(authority, name)) as server:
        tls = trusting(authority) if name == "other.example" else None
        assert over_tls(server, tls) is None
    assert server.posts == []


# What is not taken as a template


@pytest.mark.parametrize(
    "template",
    [
        "",
        "not a URL {task_id}",
        "/api/share/{task_id}",
        "ftp://status.example/{task_id}",
        "http://status.example/{task_id}",
        "https://sk-secret@status.example/{task_id}",
        "https://status.example",
        "https://status.example/api/share/",
        "https://{task_id}/api/share/",
        "https://{model}.status.example/{task_id}",
        "https://status.example:{model}/{task_id}",
        "https://status.example/{task_id}#x",
        "https://status.example/{task_id}/{secret}",
        "https://status.example/{task_id} x",
        "https://status.example/{task_id}\r\nX: y",
        "https://status.example/ä/{task_id}",
        "https://status.example:99999/{task_id}",
    ],
)
def test_a_template_that_is_none_is_refused_without_being_quoted(template: str) -> None:
    with pytest.raises(ValueError, match="the status URL") as refused:
        HttpsStatuses(template)
    assert "secret" not in str(refused.value)


def test_an_upstream_that_is_plain_http_is_refused_too() -> None:
    with pytest.raises(ValueError, match="plain http"):
        HttpsStatuses(f"https://status.example{SHARE}", KEYS, authorized_origin="http://v98store.com/v1")


def test_a_context_that_would_not_verify_is_refused() -> None:
    careless = ssl.create_default_context()
    careless.check_hostname = False
    careless.verify_mode = ssl.CERT_NONE
    with pytest.raises(ValueError, match="does not verify"):
        HttpsStatuses(f"https://status.example{SHARE}", tls=careless)
