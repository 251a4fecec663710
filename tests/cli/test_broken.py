"""A relay that breaks, or is none: true words about the money, nothing half-written, and no wait without an end."""

from __future__ import annotations

import json
import signal
import socket
import threading
from pathlib import Path

import httpx2
import openai
import pytest

from dev.stack import Stack
from reelay_cli import screen
from reelay_cli.client import Relay
from reelay_cli.failures import Exit, Failure
from reelay_cli.posting import posted
from reelay_cli.waiting import Watch
from tests.cli.asking import Person
from tests.cli.relays import JSON, ONE, cut, error, forwarded, names, video
from tests.clients.paid import payments
from tests.integration.fault_server import FaultServer, Peer, http, replies

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")  # ours goes on

MEBIBYTE = 1 << 20


def test_an_answer_that_got_lost_is_asked_for_again_and_paid_once(person: Person, stack: Stack) -> None:
    scripts = (forwarded(stack.url, answered=False), forwarded(stack.url, answered=True))
    with FaultServer(*scripts) as between:
        through = Person(f"http://localhost:{between.port}", person.key)
        told = through.asks("create", "a dog", "--no-wait")
    assert (told.code, len(between.posts), len(names(between))) == (0, 2, 1)
    assert [each["id"] for each in person.asks("list", "--json").json["data"]] == [told.out.strip()]
    assert payments(stack, person.key) == {"sora-2": 1}


def test_without_any_answer_it_says_that_money_may_be_spent_and_how_to_ask_again(person: Person) -> None:
    with FaultServer(cut) as broken:
        told = Person(broken.url, person.key).asks("create", "a dog")
    assert (told.code, told.out, len(broken.posts), len(names(broken))) == (6, "", 3, 1)
    (name,) = names(broken)
    assert "Money may have been spent." in told.err
    assert f"--idempotency-key {name.decode()} " in told.err


def test_an_interrupt_before_the_answer_says_that_money_may_be_spent() -> None:
    arrived = threading.Event()

    def play(peer: Peer) -> None:
        peer.request()
        arrived.set()
        peer.hold()

    with FaultServer(play) as relay, Person(relay.url).program("create", "a dog", "--json") as program:
        assert arrived.wait(30)
        program.send_signal(signal.SIGINT)
        out, _ = program.communicate(timeout=30)
    told = json.loads(out)["error"]
    assert (program.returncode, told["money"]) == (6, "maybe")
    assert f"--idempotency-key {names(relay).pop().decode()} " in told["next"]


def test_nothing_is_spent_where_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    nobody = Person(f"http://127.0.0.1:{port}/v1")
    told = nobody.runs("create", "a dog", "--json")
    assert told.code == told.json["error"]["exit_code"] == 5
    assert told.json["error"]["money"] == "none"
    assert "nothing listens at this address" in told.json["error"]["message"]


def test_what_reached_nobody_is_told_at_once() -> None:
    tries = 0

    def post() -> None:
        nonlocal tries
        tries += 1
        request = httpx2.Request("POST", "http://127.0.0.1:9")
        raise openai.APIConnectionError(request=request) from httpx2.ConnectError("")

    with pytest.raises(Failure) as caught:
        posted("film 1", post)
    assert (tries, caught.value.exit, caught.value.spent) == (1, Exit.UNREACHED, False)


@pytest.mark.parametrize(
    ("answer", "code", "money"),
    [
        (http("200 OK", b"<html>login</html>", Content_Type="text/html"), 6, "maybe"),
        (http("200 OK", b"{", **JSON), 6, "maybe"),
        (http("200 OK", b'{"id": 1}', **JSON), 6, "maybe"),
        (http("502 Bad Gateway", b"<html></html>", Content_Type="text/html"), 6, "maybe"),
        (error("504 Gateway Timeout", "gateway_timeout", x_should_retry="false"), 6, "maybe"),
        (error("502 Bad Gateway", "upstream_unreachable"), 5, "none"),
        (error("503 Service Unavailable", "paused", Retry_After="30"), 8, "none"),
        (error("429 Too Many Requests", "jobs_per_day_limit", x_should_retry="false"), 8, "none"),
        (error("403 Forbidden", "not_allowed"), 4, "none"),
        (error("503 Service Unavailable", "model_not_found", x_should_retry="false"), 4, "none"),
        (error("403 Forbidden", "access_denied"), 3, "none"),
        (error("400 Bad Request", "moderation_blocked", x_should_retry="false"), 4, "maybe"),
    ],
)
def test_each_answer_to_a_request_for_a_video_says_what_of_the_money(answer: bytes, code: int, money: str) -> None:
    with FaultServer(replies(answer)) as relay:
        told = Person(relay.url).asks("create", "a dog", "--no-wait", "--json")
    assert (told.code, told.json["error"]["exit_code"], told.json["error"]["money"]) == (code, code, money)
    assert told.json["error"]["message"]
    assert len(relay.posts) == 1


def test_a_relay_that_is_away_for_a_moment_is_waited_for() -> None:
    scripts = (replies(video()), cut, replies(error("503 Service Unavailable", "store_unavailable")))
    with FaultServer(*scripts, replies(video("completed"))) as relay:
        told = Person(relay.url).asks("create", "a dog", "--json")
    assert (told.code, told.json["status"], len(relay.posts)) == (0, "completed", 4)
    assert "no answer, trying on" in told.err


def test_one_that_stays_away_is_left_with_the_way_back() -> None:
    with FaultServer(replies(video()), cut) as server:
        relay = Relay(server.url.removesuffix("/v1"), "sk-x")
        begun = relay.create("film 1", "a dog", {})
        with pytest.raises(Failure) as caught:
            Watch(relay, 60, None, " -o dog.mp4", patience=0).follow(begun)
    assert (caught.value.exit, caught.value.next) == (
        Exit.UNREACHED,
        f"Come back with: reelay attach {ONE} -o dog.mp4",
    )


@pytest.mark.parametrize(
    "answer",
    [
        http("200 OK", b"x" * MEBIBYTE, Content_Type="video/mp4").replace(b"1048576", b"2097152"),
        http("200 OK", b"<html>login</html>", Content_Type="text/html"),
        error("503 Service Unavailable", "store_unavailable", x_should_retry="false"),
    ],
)
def test_half_a_file_is_no_file(tmp_path: Path, answer: bytes) -> None:
    with FaultServer(replies(answer)) as relay:
        told = Person(relay.url).asks("download", ONE, "-o", str(tmp_path / "dog.mp4"), "--json")
    assert (told.code, told.json["error"]["money"], [*tmp_path.iterdir()]) == (5, None, [])


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    film = tmp_path / "dog.mp4"

    def play(peer: Peer) -> None:
        peer.request()
        film.write_bytes(b"mine")
        peer.send(http("200 OK", b"theirs", Content_Type="video/mp4"))

    with FaultServer(replies(video("completed")), play) as relay:
        told = Person(relay.url).asks("attach", ONE, "-o", str(film))
    assert (told.code, film.read_bytes(), [*tmp_path.iterdir()]) == (7, b"mine", [film])
    assert f"reelay download {ONE} -o ANOTHER-NAME" in told.err


def test_the_key_goes_to_the_relay_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(variable, "my-account-at-openai")
    person_key = "sk-only-for-the-relay"
    with FaultServer(replies(http("200 OK", b"film", Content_Type="video/mp4"))) as bucket:
        moved = http("302 Found", Location=f"http://127.0.0.1:{bucket.port}/film")
        with FaultServer(replies(moved)) as relay:
            told = Person(relay.url, person_key).asks("download", ONE, "-o", str(tmp_path / "dog.mp4"))
    assert (told.code, (tmp_path / "dog.mp4").read_bytes()) == (0, b"film")
    assert person_key.encode() in relay.posts[0]
    assert person_key.encode() not in bucket.posts[0]
    assert b"my-account-at-openai" not in relay.posts[0]


def test_a_relay_that_repeats_the_key_or_moves_the_cursor_is_not_repeated() -> None:
    person = Person("")
    words = error("400 Bad Request", "invalid_request", f"Key {person.key} \x1b[2J\x1b]0;owned\x07 is wrong.")
    with FaultServer(replies(words)) as relay:
        person = Person(relay.url, person.key)
        told, document = person.asks("show", ONE), person.asks("show", ONE, "--json")
    assert told.code == 4
    assert "is wrong." in told.err
    for text in (told.err, document.out):
        assert person.key not in text
        assert "\x1b" not in text
    assert screen.plain("a\tb") == "a\ufffdb"
