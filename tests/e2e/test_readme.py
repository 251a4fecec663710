"""README's examples, run as they stand; its settings, compared with the code; `make`'s words, with the Makefile."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import string
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import urllib3

from dev.intrinsics import load
from dev.simulator import Simulator
from dev.stack import Stack, StackError, running
from dev.up import lines
from tests.patience import PATIENCE_SECONDS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
SETTINGS = (ROOT / "docs/SETTINGS.md").read_text()


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Simulator() as simulator, running(simulator=simulator) as up:
        yield up


def request_of(curl: str, environment: dict[str, str]) -> dict[str, Any]:
    """A curl line as the request that it makes."""
    words = shlex.split(string.Template(curl).substitute(environment))
    options = dict(pairwise(words))
    headers = [words[place + 1] for place, word in enumerate(words) if word == "-H"]
    (url,) = [word for word in words if word.startswith("http")]
    return {
        "method": "POST" if "-d" in options else "GET",
        "url": url,
        "body": options.get("-d"),
        "headers": dict(header.split(": ", 1) for header in headers),
    }


def test_the_curl_lines_work(stack: Stack) -> None:
    """As requests, so that a machine without curl can tell too; with curl itself where it is."""
    exports, *examples = blocks("sh")
    assert re.fullmatch(r"export REELAY=http://127\.0\.0\.1:8080 KEY=\S+\n", exports)
    assert len(examples) == 2
    assert README.count("curl ") == len(examples), "a curl line outside of the blocks that are run here"
    environment = {"REELAY": stack.url, "KEY": "sk-anything"}
    sent = [
        urllib3.request(**request_of(example, environment), retries=False, timeout=PATIENCE_SECONDS).data.decode()
        for example in examples
    ]
    if shutil.which("curl"):
        sent += [run(["bash", "-euc", example], environment) for example in examples]
    for streamed, listed in zip(sent[::2], sent[1::2], strict=True):
        assert streamed.endswith("data: [DONE]\n\n")
        assert '"object":"list"' in listed
        assert ".mp4" in listed


def run(command: list[str], environment: dict[str, str]) -> str:
    """What a command prints."""
    return subprocess.run(  # noqa: S603 - README's own lines and our own Makefile
        command, env={**os.environ, **environment}, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


def test_the_sdk_lines_work(stack: Stack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (example,) = blocks("python")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REELAY", stack.url)
    monkeypatch.setenv("KEY", stack.token)
    names: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the SDK warns that OpenAI's own Sora is gone
        exec(compile(example, "README.md", "exec"), names)  # noqa: S102 - README's own lines
    assert names["video"][4:8] == b"ftyp"
    assert names["kept"].choices[0].message.content
    assert [each.id for each in names["mine"].data] == [names["kept"].id]
    assert len(names["asked"].data) == 1
    assert (tmp_path / "dog.mp4").read_bytes()[4:8] == b"ftyp"
    names["client"].close()


def test_the_lines_that_make_dev_prints_work_and_never_show_a_real_key(stack: Stack) -> None:
    shown = lines(stack)
    curls = re.findall(r"^  (curl .*?)\n\n", shown, re.MULTILINE | re.DOTALL)
    assert [
        urllib3.request(**request_of(each, {}), retries=False, timeout=PATIENCE_SECONDS).status for each in curls
    ] == [200, 200]
    compile(textwrap.dedent(shown[shown.index("  from openai") : shown.index("Ctrl-C")]), "make dev", "exec")
    real = replace(stack, simulator=None, token="sk-real-key")
    assert "sk-real-key" not in lines(real)
    assert '"Authorization: Bearer $V98STORE_TOKEN"' in lines(real)


def test_every_setting_is_in_the_table_and_the_table_has_no_other() -> None:
    source = "".join((ROOT / "layers/core/reelay" / name).read_text() for name in ("settings.py", "callers_key.py"))
    read = set(re.findall(r'"([A-Z][A-Z0-9_]{5,})"', source)) - {"AWS_SAM_LOCAL", "AWS_LAMBDA_RUNTIME_API"}
    told = set(re.findall(r"^\| `([A-Z_0-9]+)` \|", SETTINGS, re.MULTILINE))
    assert told == read | {"POWERTOOLS_LOG_LEVEL"}


def test_every_make_target_that_readme_names_exists() -> None:
    named = set(re.findall(r"\bmake ([a-z-]+)", README))
    there = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"run", "test", "dev", "build", "deploy"} <= named <= there | {"lists"}


def test_make_alone_lists_every_target_with_a_line() -> None:
    listed = run(["make", "--no-print-directory"], {})
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert [line.split()[0] for line in listed.splitlines()] == targets


def test_every_parameter_of_the_template_is_named() -> None:
    parameters = set(load(ROOT / "template.yaml")["Parameters"])
    told = SETTINGS[SETTINGS.index("## Parameters") : SETTINGS.index("## Variables")]
    assert set(re.findall(r"`([A-Za-z]+)`", told)) == parameters


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"V98STORE_TOKEN": "sk real"}, "V98STORE_TOKEN"),
        ({"UPSTREAM_BASE_URL": "https://example.com/v1"}, "V98STORE_TOKEN"),
        ({"V98STORE_TOKEN": "sk-real", "UPSTREAM_BASE_URL": "http://example.com/v1"}, "plain http"),
        ({"V98STORE_TOKEN": "sk-real", "UPSTREAM_BASE_URL": "hello"}, "UPSTREAM_BASE_URL"),
        ({"S3_ENDPOINT_URL": "http://127.0.0.1:9"}, "The stack cannot start"),
    ],
)
def test_a_wrong_environment_is_one_sentence(
    environment: dict[str, str], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StackError, match=says) as caught, running():
        pass
    assert "sk-real" not in str(caught.value)
    assert "sk real" not in str(caught.value)


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
    assert re.search(r"Record +s3://reelay-local/kept/records/[0-9a-f]{32}/[0-9a-z]{26}\.json\n", shown.stdout)
    (video,) = tmp_path.glob("*.mp4")
    assert video.read_bytes()[4:8] == b"ftyp"
    assert "100%" in shown.stdout
