"""What is told about the command line and what it is made of: documentation, package, completion, settings."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml
from click.shell_completion import get_completion_class

import reelay_cli
from reelay_cli.doctor import compatible
from reelay_cli.failures import Exit
from reelay_cli.main import COMPLETION_VARIABLE, NAME, SHELLS, commands
from tests.cli.asking import ROOT, Person
from tests.cli.relays import cut
from tests.clients.asks import MP4
from tests.integration.fault_server import FaultServer

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")  # ours goes on

DOCS = (ROOT / "docs" / "CLI.md").read_text()


def test_the_session_in_the_documentation_works(
    person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (session,) = re.findall(r"^```sh\n(.*?)^```$", DOCS, re.MULTILINE | re.DOTALL)
    one = ""
    for line in session.splitlines():
        program, *words = shlex.split(line.replace("$ID", one))
        told = person.asks(*words)
        assert (program, told.code) == ("reelay", 0), line + told.err
        one = one or "".join(re.findall(r"^video_\w+$", told.out, re.MULTILINE))
    assert [(tmp_path / name).read_bytes()[:12] for name in ("dog.mp4", "night.mp4")] == [MP4[:12]] * 2


def test_the_documentation_knows_every_command_and_every_exit_status() -> None:
    told = re.findall(r"^\| `([a-z]+)[ `]", DOCS, re.MULTILINE)
    assert sorted(told) == sorted(commands.commands)
    table = re.findall(r"^\| (\d+) \| (\w+) \|", DOCS, re.MULTILINE)
    assert table == [(str(int(each)), each.name.lower()) for each in Exit]


def test_help_names_every_exit_status(person: Person) -> None:
    _, statuses = person.asks("--help").out.split("Exit status:\n")
    assert re.findall(r"^ +(\d+)  \w", statuses, re.MULTILINE) == [str(int(each)) for each in Exit]


def test_the_commands_were_written_for_the_contract_of_this_repository() -> None:
    version = yaml.safe_load((ROOT / "openapi.yaml").read_text())["info"]["version"]
    assert compatible(version)
    assert [compatible(each) for each in ("1.1.0", "0.9.0", "nonsense")] == [False, False, False]


def test_the_package_has_everything_in_it(tmp_path: Path) -> None:
    build = "import sys; from flit_core.buildapi import build_wheel; print(build_wheel(sys.argv[1]))"
    made = subprocess.run(  # noqa: S603 - our own package
        [sys.executable, "-c", build, str(tmp_path)], cwd=ROOT / "cli", check=True, capture_output=True, text=True
    )
    unpacked = tmp_path / "unpacked"
    with ZipFile(tmp_path / made.stdout.strip()) as wheel:
        wheel.extractall(unpacked)
    start = "from importlib.metadata import entry_points as e; (each,) = e(group='console_scripts', name='reelay'); "
    told = subprocess.run(  # noqa: S603 - our own package
        [sys.executable, "-c", start + "each.load()()", "--version"],
        env={**os.environ, "PYTHONPATH": str(unpacked)},
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert told.stdout.startswith(f"reelay {reelay_cli.__version__},")
    modules = {path.name for path in (ROOT / "cli" / "reelay_cli").glob("*.py")}
    assert {path.name for path in (unpacked / "reelay_cli").iterdir()} - {"__pycache__"} == modules


def test_the_lock_is_of_the_ranges_of_the_package() -> None:
    package = tomllib.loads((ROOT / "cli" / "pyproject.toml").read_text())
    ranges = {*package["project"]["dependencies"], *package["build-system"]["requires"]}
    lines = (ROOT / "requirements" / "cli.in").read_text().splitlines()
    assert {line for line in lines if not line.startswith("#")} == ranges


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_is_told_how_to_complete(shell: str) -> None:
    told = Person("", key="").asks("completion", shell)
    assert (told.code, f"{shell}_complete" in told.out) == (0, True)


def test_tab_offers_commands_and_the_newest_ids(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    one = person.asks("create", "a dog\x1b[2J\nat night", "--no-wait").out.strip()
    completing = get_completion_class("zsh")
    assert completing

    def offered(by: Person, words: str, word: int) -> list[str]:
        typed = {**by.environment, "COMP_WORDS": words, "COMP_CWORD": str(word)}
        for name, value in typed.items():
            monkeypatch.setenv(name, value)
        return completing(commands, {}, NAME, COMPLETION_VARIABLE).complete().splitlines()

    assert offered(person, "reelay dow", 1)[:2] == ["plain", "download"]
    assert offered(person, "reelay show video", 2) == ["plain", one, "a dog\ufffd[2J at night"]
    assert offered(person.without_key(), "reelay show video", 2) == []
    with FaultServer(cut) as broken:
        assert offered(Person(broken.url), "reelay show video", 2) == []
    assert broken.connections == 1


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "No relay to call"),
        ("hello", "not one of a relay"),
        ("ftp://example.com", "not one of a relay"),
        ("https://user:secret@example.com", "not one of a relay"),
        ("https://example.com/?a=b", "not one of a relay"),
        ("https://[::1", "not a URL"),
        ("https://example.com:70000", "not a URL"),
        ("http://example.com", "cross the network"),
        ("http://localhost.example.com", "cross the network"),
        ("http://10.0.0.8:8080/v1", "cross the network"),
    ],
)
def test_an_address_that_is_none_or_gives_the_key_away_is_refused(url: str, says: str) -> None:
    told = Person(url, key="sk-x").asks("create", "a dog")
    assert (told.code, told.out, "secret" in told.err) == (2, "", False)
    assert says in told.err


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/", "/live/v1"])
def test_an_address_may_end_as_it_is_printed(person: Person, suffix: str) -> None:
    assert Person(person.url + suffix, person.key).asks("list").code == 0
