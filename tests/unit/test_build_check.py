"""What `make build` would notice about a build, on small builds made by hand."""

from __future__ import annotations

import compileall
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dev import build_check, build_imports

ROOT = Path(__file__).resolve().parents[2]
NEEDS_RUNTIME = pytest.mark.skipif(
    sys.version_info[:2] != build_check.RUNTIME, reason="the runtime's Python 3.13 is not the one that runs here"
)


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A layer with two modules, and a door that needs both."""
    house, door = tmp_path / "CoreLayer/python/reelay", tmp_path / "RelayFunction"
    house.mkdir(parents=True)
    door.mkdir()
    (house / "__init__.py").write_text("")
    (house / "words.py").write_text("HELLO = 'hello'\n")
    (door / "app.py").write_text("from reelay.words import HELLO\n\n\ndef handler(event, context):\n    return HELLO\n")
    return tmp_path


def library(path: Path, machine: int, magic: bytes = b"\x7fELF") -> None:
    path.write_bytes(magic + bytes(14) + machine.to_bytes(2, "little") + bytes(8))


def failing(build: Path) -> list[str]:
    return build_imports.failing(build, build / "CoreLayer", {"PYTHONDONTWRITEBYTECODE": "1"})


def test_a_whole_build_imports(build: Path) -> None:
    assert failing(build) == []


@pytest.mark.parametrize(
    ("place", "source", "says"),
    [
        (
            "CoreLayer/python/reelay/more.py",
            "import a_library_that_is_not_in_the_layer\n",
            "the layer: ModuleNotFoundError",
        ),
        ("CoreLayer/python/reelay/more.py", "this is no Python\n", "the layer: SyntaxError"),
        ("RelayFunction/app.py", "import boto3\n", "RelayFunction: ModuleNotFoundError"),
        ("SweepFunction/app.py", "from reelay.words import GOODBYE\n", "SweepFunction: ImportError"),
    ],
)
def test_what_does_not_import_is_named(build: Path, place: str, source: str, says: str) -> None:
    """boto3 is on this machine, but in no layer that was built here."""
    (build / place).parent.mkdir(exist_ok=True)
    (build / place).write_text(source)
    [fault] = failing(build)
    assert fault.startswith(says)


@pytest.mark.parametrize("missing", ["CoreLayer", "RelayFunction"])
def test_a_build_with_nothing_in_it_is_no_whole_build(build: Path, missing: str) -> None:
    shutil.rmtree(build / missing)
    assert failing(build)


@pytest.mark.parametrize(("architecture", "other"), [("arm64", "x86_64"), ("x86_64", "arm64")])
def test_a_library_for_another_processor_is_named(build: Path, architecture: str, other: str) -> None:
    folder = build / "CoreLayer/python"
    library(folder / "right.so", build_check.MACHINES[architecture])
    assert build_check.libraries_for_another_machine(build, architecture) == []
    library(folder / "wrong.so", build_check.MACHINES[other])
    library(folder / "no_elf.so", build_check.MACHINES[architecture], magic=b"MZ\x90\x00")
    faults = build_check.libraries_for_another_machine(build, architecture)
    assert [fault.split(":")[0].rsplit("/")[-1] for fault in faults] == ["no_elf.so", "wrong.so"]


@NEEDS_RUNTIME
def test_bytecode_that_lambda_would_make_again_is_named(build: Path) -> None:
    assert len(build_check.sources_without_bytecode(build)) == 3
    compileall.compile_dir(build, quiet=1)
    assert all("checked against" in fault for fault in build_check.sources_without_bytecode(build))
    command = ["bash", "dev/compile.sh", str(build), "/opt"]
    subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603 - our own script
    assert build_check.sources_without_bytecode(build) == []
