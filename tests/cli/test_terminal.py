"""The command line before a person: a bar that moves, Ctrl-C, a key that is typed."""

from __future__ import annotations

import json
import re
import shlex
import signal
from pathlib import Path

import pytest

from dev.stack import Stack
from tests.cli.asking import Person
from tests.cli.relays import ONE, video
from tests.cli.terminal import INTERRUPT
from tests.clients.asks import MP4
from tests.clients.paid import payments
from tests.integration.fault_server import FaultServer, replies

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")  # ours goes on


def test_ctrl_c_detaches_and_the_line_that_it_prints_leads_back(person: Person, stack: Stack, tmp_path: Path) -> None:
    film = tmp_path / "my dog.mp4"
    with person.sits_at("create", "a dog", "-m", "sim-silence-after-head", "-o", str(film)) as terminal:
        terminal.until(r"video_\w{26}\n")
        terminal.until(r"queued .* 0% .*Ctrl-C detaches")
        terminal.type(INTERRUPT)
        assert terminal.ended() == 130
        assert "Traceback" not in terminal.text
        (back,) = re.findall(r"^Come back with: reelay (.+)$", terminal.text, re.MULTILINE)
    assert not film.exists()
    with person.sits_at(*shlex.split(back)) as terminal:
        terminal.until(r"queued .* 0% ")
        assert stack.simulator
        stack.simulator.release()
        assert terminal.ended() == 0
        assert re.search(r"generated .*100%", terminal.text)
    assert film.read_bytes() == MP4
    assert payments(stack, person.key) == {"sim-silence-after-head": 1}


def test_the_bar_moves_with_the_video() -> None:
    looks = [replies(video("in_progress", percent)) for percent in (10, 45)]
    with (
        FaultServer(replies(video("queued", 0)), *looks, replies(video("completed", 100))) as relay,
        Person(relay.url).sits_at("create", "a dog") as terminal,
    ):
        assert terminal.ended() == 0
    shown = re.findall(r"(queued|generating|generated) \S+ +(\d+)%", terminal.text)
    assert [*dict.fromkeys(shown)] == [
        ("queued", "0"), ("generating", "10"), ("generating", "45"), ("generated", "100")
    ]  # fmt: skip
    assert f"reelay download {ONE}" in terminal.text


def test_the_bar_begins_where_the_video_is_and_does_not_stand_still_for_long() -> None:
    slow = replies(video("in_progress", 61, again_ms=60_000))
    with (
        FaultServer(slow, slow, replies(video("completed", 100))) as relay,
        Person(relay.url).sits_at("attach", ONE) as terminal,
    ):
        assert terminal.ended() == 0, "it looks again before the relay asks for it"
    assert re.findall(r" (\d+)%", terminal.text)[0] == "61"


def test_an_interrupt_in_a_pipe_detaches_too_and_json_says_it() -> None:
    with FaultServer(replies(video())) as relay, Person(relay.url).program("create", "a dog", "--json") as program:
        assert program.stderr
        assert program.stderr.readline() == f"{ONE}\n"
        assert "generating" in program.stderr.readline()
        program.send_signal(signal.SIGINT)
        out, _ = program.communicate(timeout=30)
    assert program.returncode == 130
    told = json.loads(out)
    assert (told["id"], told["error"]["next"]) == (ONE, f"Come back with: reelay attach {ONE}")


def test_a_key_is_asked_for_and_not_shown_and_a_list_is_a_table_with_whole_ids(person: Person) -> None:
    one = person.asks("create", f"a [red]dog[/] \x1b[31m \u202e {'x' * 200}", "--no-wait").out.strip()
    with person.without_key().sits_at("list") as terminal:
        terminal.until(r"Key \(not shown\): ")
        terminal.type(f"{person.key}\n")
        assert terminal.ended() == 0
        _, heading, row = terminal.text.splitlines()
    assert person.key not in terminal.seen
    assert heading.split() == ["id", "state", "created", "prompt"]
    assert row.startswith(f"{one}  ")
    assert "a [red]dog[/] \ufffd[31m \ufffd x" in row
    assert row.rstrip().endswith("\u2026")


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_a_list_tells_id_state_and_prompt_however_narrow_the_terminal(person: Person, columns: int) -> None:
    one = person.asks("create", "a dog in orbit", "--no-wait").out.strip()
    assert person.asks("attach", one).code == 0
    with person.sits_at("list", columns=columns) as terminal:
        assert terminal.ended() == 0
    assert re.search(rf"{one}\s+completed\s+\d{{4}}-\d\d-\d\d \d\d:\d\d\s+a dog in orbit", terminal.text)
    assert max(map(len, terminal.text.splitlines())) <= columns


def test_a_deletion_is_asked_about(person: Person) -> None:
    one = person.asks("create", "a dog", "--no-wait").out.strip()
    with person.sits_at("delete", one) as terminal:
        terminal.until(rf"Delete {one} \(\w+, a dog\) for good\? \[y/N\]: ")
        terminal.type("n\n")
        assert terminal.ended() == 130
        assert "Nothing was deleted." in terminal.text
    assert person.asks("show", one).code == 0
