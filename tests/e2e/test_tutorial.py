"""docs/TUTORIAL.md, followed line by line: its blocks in a shell, its numbered steps in Chromium, before `make dev`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.clients.asks import MP4
from tests.studio.newcomer import NEWCOMER_SECONDS, STOP, Newcomer, Part
from tests.studio.place import CHROMIUM, PATIENCE_MS, need_chromium
from tests.studio.visitor import action

ROOT = Path(__file__).resolve().parents[2]
TUTORIAL = (ROOT / "docs/TUTORIAL.md").read_text(encoding="utf-8")
PROMPT = "a golden retriever in orbit"
OWN = {"V98STORE_TOKEN", "UPSTREAM_BASE_URL", "S3_ENDPOINT_URL", "REELAY", "KEY", "REELAY_URL", "REELAY_API_KEY"}
"""What a person may have set, and would change what the document tells."""

_STEP = r"^(?P<number>\d+)\. (?P<step>[^\n]*(?:\n   \S[^\n]*)*)"
_PART = re.compile(rf"^```(?P<kind>\w*)\n(?P<block>.*?)^```$|{_STEP}", re.MULTILINE | re.DOTALL)


PARTS = [
    Part(found["kind"] or "step", found["block"] or found["step"], TUTORIAL.count("\n", 0, found.start()) + 1)
    for found in _PART.finditer(TUTORIAL)
]


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Newcomer]:
    """In an empty folder; `make cli` names a folder with this machine's `reelay` in it instead of installing one."""
    programs, tools = tmp_path / "programs", tmp_path / "tools"
    _script(tools / "make", f'test "$*" = cli && echo \'export PATH="{programs}:$PATH"\'')
    _script(programs / "reelay", f'PYTHONPATH="{ROOT}/cli" exec "{sys.executable}" -m reelay_cli "$@"')
    mine = {name: value for name, value in os.environ.items() if name not in OWN}
    mine |= {"PATH": f"{tools}:{mine['PATH']}", "PYTHONPATH": f"{ROOT}:{ROOT / 'layers/core'}", "TZ": "UTC"}
    expect.set_options(timeout=PATIENCE_MS)
    with ExitStack() as stop:
        yield Newcomer(tmp_path, stop, mine)


def _script(path: Path, line: str) -> None:
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


@pytest.mark.timeout(NEWCOMER_SECONDS * 2)
def test_it_leads_from_a_clone_to_every_video(newcomer: Newcomer) -> None:
    for part in PARTS:
        newcomer.follows(part)
        if part.kind == "sh" and not CHROMIUM and part is PARTS[0]:
            newcomer.asks("POST", "videos", {"prompt": PROMPT})  # what somebody with a browser had by now
    assert newcomer.broken == []
    for name in ("curl", "openai", "reelay"):
        assert (newcomer.folder / f"out/{name}.mp4").read_bytes() == MP4
    need_chromium()


def test_no_step_is_left_to_chance() -> None:
    """Each sentence has one meaning, the numbers count up, and nothing else on the page looks like a step."""
    for part in PARTS:
        for sentence in part.sentences if part.kind == "step" else []:
            assert sentence == STOP or callable(action(sentence))
    numbers = [int(found["number"]) for found in _PART.finditer(TUTORIAL) if found["number"]]
    assert numbers == [*range(1, 11), 1]
    assert "**" not in _PART.sub("", TUTORIAL)
    assert "```" not in _PART.sub("", TUTORIAL)


@pytest.mark.parametrize(
    "changed",
    ["Press the button Make it.", "Press the knob **Make it**.", "Press the button **Make** **it**.", "Wait."],
)
def test_a_step_that_nobody_knows_fails_in_words(changed: str) -> None:
    with pytest.raises(LookupError, match="nobody knows how to do this"):
        action(changed)


@pytest.mark.parametrize(
    ("target", "does"),
    [
        ("dev", r"\.venv/bin/python -m dev\.up --port 8080"),
        ("cli", rf"echo 'export PATH=\"{re.escape(str(ROOT))}/\.venv-cli/bin:\$PATH\"'"),
    ],
)
def test_make_does_what_stands_in_for_it_here(target: str, does: str) -> None:
    told = subprocess.run(  # noqa: S603 - our own Makefile
        ["make", "-n", "--no-print-directory", target],  # noqa: S607 - found on PATH
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},  # of a make around us
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.fullmatch(does, told.stdout.splitlines()[-1])
