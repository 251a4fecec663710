"""docs/cli.svg: what it shows is what the commands say, and it needs nothing from outside."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.text import Text

from reelay_cli.main import commands
from tests.cli.__main__ import COLUMNS, PICTURE, PROMPT, TITLE, shell
from tests.cli.asking import ROOT, Person
from tests.cli.picture import BAR, CHARACTER, LINE, svg
from tests.cli.recording import Frame, screen

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")  # ours goes on

SHOWN = PICTURE.read_text(encoding="utf-8")
TAG = "{http://www.w3.org/2000/svg}"


def last_frame(picture: str) -> list[str]:
    """The lines that stand there in the end."""
    rows: dict[int, str] = {}
    for group in ET.fromstring(picture).iter(f"{TAG}g"):  # noqa: S314 - our own file
        place = re.search(r" (\d+)\)$", group.get("transform", ""))
        if place and "past" not in group.get("class", ""):
            line = ""
            for piece in group.iter(f"{TAG}text"):
                line = line.ljust(round(float(piece.get("x", "0")) / CHARACTER)) + (piece.text or "")
            rows[(int(place[1]) - BAR) // LINE] = line.rstrip()
    return [rows.get(row, "") for row in range(max(rows) + 1)]


def test_it_shows_what_the_commands_say_today(person: Person) -> None:
    lines = last_frame(SHOWN)
    typed = [shlex.split(line)[1:] for line in lines if line.startswith("$ reelay ")]
    assert [words[1] for words in typed] == ["doctor", "create", "attach", "list"]
    assert {words[1] for words in typed} <= set(commands.commands)
    said = person.asks("doctor").out.replace(person.url, "http://127.0.0.1:8080").splitlines()
    assert lines[1 : 1 + len(said)] == said
    assert f"Come back with: {shlex.join(typed[2])}" in lines
    assert re.search(r"generating ━+[╸╺]━+ +[1-9]\d%", "\n".join(lines)), "a bar half-way"
    assert re.search(r"generated ━+ +100%", "\n".join(lines)), "and one at its end"
    assert re.search(r"^id +state +created +prompt$", "\n".join(lines), re.MULTILINE)


def test_it_needs_nothing_from_outside_and_tells_nothing_of_the_machine() -> None:
    assert re.findall(r"https?://[^\s<\"]+", SHOWN) == ["http://www.w3.org/2000/svg", "http://127.0.0.1:8080"]
    assert not re.search(r"<script|<image|href=|url\(|@import|@font-face", SHOWN)
    assert not re.search(r"\bsk-|/tmp|/home|/root|/work|/usr|\.venv", SHOWN)


def test_a_recording_is_what_stood_on_the_terminal(person: Person, tmp_path: Path) -> None:
    program = tmp_path / "reelay"
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}/cli" exec "{sys.executable}" -m reelay_cli "$@"\n')
    program.chmod(0o755)
    with shell(person, tmp_path) as terminal:
        terminal.type("reelay doctor\n")
        terminal.until(rf"key .+\n{PROMPT}")
        terminal.hold(0.1)
        frames = [*terminal.frames()]
    assert [frame.second for frame in frames] == sorted(frame.second for frame in frames)
    assert last_frame(svg(frames, COLUMNS, TITLE)) == [
        "$ reelay doctor", *person.asks("doctor").out.splitlines(), "$"
    ]  # fmt: skip


def test_a_line_is_seen_for_as_long_as_it_stood_there() -> None:
    frames = [Frame(0, (Text("$ a"),)), Frame(2, (Text("$ a"), Text("50% <&>"))), Frame(6, (Text("$ a"), Text("b")))]
    shown = svg(frames, 20, "a & b")
    assert last_frame(shown) == ["$ a", "b"]
    assert "<title>a &amp; b</title>" in shown
    (half,) = re.findall(r'class="past (\w+)".*50% &lt;&amp;&gt;', shown)
    round_trip = 6 / 2 + 8  # twice as fast, and eight seconds at the end
    begin, end = (f"{100 * second / 2 / round_trip:.2f}%" for second in (2, 6))
    assert f"@keyframes {half} {{ 0.00% {{ opacity: 0 }} {begin} {{ opacity: 1 }} {end} {{ opacity: 0 }} }}" in shown


@pytest.mark.parametrize(
    ("written", "stands"),
    [
        ("a\r\nb\r\n", ["a", "b"]),
        ("10%\r\x1b[2K\x1b[?25l\x1b[31m20%\x1b[0m\r\nend", ["20%", "end"]),
        ("a \x1b[2mdim\x1b[0m word", ["a dim word"]),
    ],
)
def test_lines_that_are_written_anew_stand_once(written: str, stands: list[str]) -> None:
    assert [line.plain for line in screen(written)] == stands


@pytest.mark.parametrize("moves", ["\x1b[1A", "\x1b[3;4H", "\x07", "\x1b]0;title\x07"])
def test_what_cannot_be_drawn_is_refused(moves: str) -> None:
    with pytest.raises(ValueError, match="no words for"):
        screen(f"a{moves}b")
