"""docs/BENCHMARKS.md: what was measured, by which command, when, on what and with which versions."""

from __future__ import annotations

import os
import platform
import subprocess
import time
import tomllib
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

from tests.bench import peers
from tests.bench.processes import PEERS, ROOT
from tests.bench.table import Row, markdown

PLACE = ROOT / "docs" / "BENCHMARKS.md"
LIMITS = Path(__file__).with_name("limits.toml")
"""By row, in words: what keeps it from its mark, and the profile that shows it."""

OURS = (
    "boto3",
    "botocore",
    "urllib3",
    "openapi-core",
    "jsonschema-rs",
    "aws-lambda-powertools",
    "awslambdaric",
    "moto",
)
THEIRS = ("litellm", "fastapi", "starlette", "pydantic", "mangum", "httpx", "uvicorn")

_ASK = """
import sys
from importlib.metadata import version

print(", ".join(f"{name} {version(name)}" for name in sys.argv[1:]))
"""

HEAD = """\
# Benchmarks

Made by `{command}` on {date}, in {minutes:.0f} minutes, all of it on one machine in one run:
{machine}. Another machine has other times; the ratios count, and their pairs took turns. Upstream is the simulator at
full speed. The commit is {commit}.

Versions: Python {python}; {ours}. Peers: {theirs}.
"""


def write(rows: Sequence[Row], command: str, seconds: float) -> None:
    """The whole document anew."""
    PLACE.write_text("\n".join(_lines(rows, command, seconds)).rstrip() + "\n", encoding="utf-8")


def limits() -> dict[str, str]:
    """What is known of rows that miss their mark."""
    known: dict[str, str] = tomllib.loads(LIMITS.read_text(encoding="utf-8"))
    return known


def _lines(rows: Sequence[Row], command: str, seconds: float) -> Iterator[str]:
    yield HEAD.format(
        command=command,
        date=time.strftime("%Y-%m-%d"),
        minutes=seconds / 60,
        machine=_machine(),
        commit=_said("git", "rev-parse", "--short", "HEAD"),
        python=platform.python_version(),
        ours=", ".join(f"{name} {version(name)}" for name in OURS),
        theirs=_peers(),
    )
    known = limits()
    yield from ("| row | at its mark |", "|---|---|")
    for row in rows:
        missed = [mark.what for mark in row.marks if mark.met is False]
        yield f"| [{row.title}](#{_anchor(row.title)}) | {'yes' if row.reached else 'no: ' + '; '.join(missed)} |"
    yield ""
    for row in rows:
        yield from markdown(row)
        if not row.reached and row.name in known:
            yield from (f"**The limit.** {known[row.name].strip()}", "")


def _anchor(title: str) -> str:
    """As GitHub makes it."""
    return "".join(each for each in title.lower().replace(" ", "-") if each.isalnum() or each == "-")


def _machine() -> str:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in _read("/proc/cpuinfo").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return f"{os.cpu_count()} processors ({model}), {platform.system()}"


def _read(path: str) -> str:
    place = Path(path)
    return place.read_text() if place.exists() else ""


def _peers() -> str:
    """Versions in the peers' own environment."""
    if not peers.installed():
        return "not installed"
    return _said(str(PEERS), "-c", _ASK, *THEIRS)


def _said(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    return done.stdout.strip() or "unknown"
