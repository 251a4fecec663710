"""README's examples, run as they stand; its settings, compared with the code; `make`'s words, with the Makefile."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dev.simulator import Simulator
from dev.stack import Stack, running

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Simulator() as simulator, running(simulator=simulator) as up:
        yield up


def test_the_curl_lines_work(stack: Stack) -> None:
    examples = blocks("sh")
    assert len(examples) == 2
    environment = {**os.environ, "REELAY": stack.url, "KEY": stack.token}
    streamed, listed = (
        subprocess.run(["bash", "-euc", example], env=environment, capture_output=True, text=True, check=True).stdout  # noqa: S603, S607 - README's own lines, under the machine's bash
        for example in examples
    )
    assert streamed.endswith("data: [DONE]\n\n")
    assert '"object":"list"' in listed
    assert ".mp4" in listed


def test_the_sdk_lines_work(stack: Stack) -> None:
    (example,) = blocks("python")
    names: dict[str, Any] = {"REELAY": stack.url, "KEY": stack.token}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the SDK warns that OpenAI's own Sora is gone
        exec(compile(example, "README.md", "exec"), names)  # noqa: S102 - README's own lines
    assert names["video"][4:8] == b"ftyp"
    assert names["kept"].choices[0].message.content
    assert [each.id for each in names["mine"].data] == [names["kept"].id]
    assert len(names["asked"].data) == 1
    names["client"].close()


def test_every_setting_is_in_the_table_and_the_table_has_no_other() -> None:
    source = (ROOT / "layers/core/reelay/settings.py").read_text()
    read = set(re.findall(r'"([A-Z][A-Z0-9_]{5,})"', source)) - {"AWS_SAM_LOCAL", "AWS_LAMBDA_RUNTIME_API"}
    told = set(re.findall(r"^\| `([A-Z_0-9]+)` \|", README, re.MULTILINE))
    assert told == read | {"POWERTOOLS_LOG_LEVEL"}


def test_every_make_target_that_readme_names_exists() -> None:
    named = set(re.findall(r"\bmake ([a-z-]+)", README))
    there = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"run", "test", "dev", "build", "deploy"} <= named <= there | {"lists"}


def test_make_alone_lists_every_target_with_a_line() -> None:
    listing = ["make", "--no-print-directory"]
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert [line.split()[0] for line in listed.splitlines()] == targets


def test_the_run_that_a_newcomer_starts_with_shows_it_all(tmp_path: Path) -> None:
    """`make run` itself, with the environment that is there already, and its exit status."""
    shown = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "dev.run", "--delay", "0", "--out", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'layers/core'}", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert re.search(r"Completion +chatcmpl-[0-9a-z]{26}\n", shown.stdout)
    assert re.search(r"Record +s3://reelay-local/tenants/[0-9a-f]{32}/records/[0-9a-z]{26}\.json\n", shown.stdout)
    (video,) = tmp_path.glob("*.mp4")
    assert video.read_bytes()[4:8] == b"ftyp"
    assert "100%" in shown.stdout
