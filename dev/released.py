"""`python -m dev.released`: openapi.yaml against the one that was released last, released/openapi.yaml.

Exit status 1 with a list of what would break a caller, unless info.version says so: by its major number, or, before
1.0, by its minor one (https://semver.org/#spec-item-4). Redocly's `diff` rates the changes.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dev.contract_files import SOURCE

RELEASED = SOURCE.parent / "released/openapi.yaml"
PROGRAM = SOURCE.parent / ".node/contract/node_modules/@redocly/cli/bin/cli.js"
LIMIT_SECONDS = 60
"""For one comparison; it takes one or two."""

QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
"""It would tell its makers that it was run, and ask for its newest version."""


class CannotCompare(Exception):
    """Why nothing was compared, in words for the person at the terminal."""


@dataclass(frozen=True)
class Difference:
    """What would break a caller, a line each, and how many changes there are in all."""

    breaking: list[str]
    changes: int


def main(released: Path = RELEASED, now: Path = SOURCE) -> None:
    """Compare and tell. Without Node there is nothing to compare with, which only CI takes for an error."""
    try:
        found = difference(released, now)
    except CannotCompare as why:
        if "CI" in os.environ:
            sys.exit(str(why))
        print(why)
        return
    if found.breaking and not may_break(version(released), version(now)):
        print(f"Breaking changes since {version(released)} was released, which info.version does not tell:")
        sys.exit("\n".join(found.breaking))


def difference(released: Path, now: Path) -> Difference:
    """What changed between two contracts. Raises CannotCompare."""
    node = shutil.which("node")
    if node is None or not PROGRAM.exists():
        raise CannotCompare("openapi.yaml was not compared with the released one: that needs Node and npm.")
    done = subprocess.run(  # noqa: S603 - the program that dev/node/package-lock.json pins
        [node, str(PROGRAM), "diff", str(released), str(now), "--format=json", "--fail-on=none"],
        env={**os.environ, **QUIET},
        timeout=LIMIT_SECONDS,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotCompare(f"The contracts cannot be compared:\n{done.stderr}")
    changes = json.loads(done.stdout)["changes"]
    return Difference([_line(each) for each in changes if each["impact"] == "major"], len(changes))


def version(contract: Path) -> str:
    """Its info.version."""
    return str(yaml.safe_load(contract.read_bytes())["info"]["version"])


def may_break(released: str, now: str) -> bool:
    """Whether a version tells callers of `released` that something may break for them."""
    old, new = _numbers(released), _numbers(now)
    return new[0] > old[0] or (new[0] == old[0] == 0 and new[1] > old[1])


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("-", maxsplit=1)[0].split("."))


def _line(change: dict[str, Any]) -> str:
    """The place, as people write it, and what is said of it."""
    place = change["path"].removeprefix("#/").replace("/", " > ").replace("~1", "/").replace("~0", "~")
    said = " ".join(verdict["message"] for verdict in change["verdicts"])
    return f"  {place}: {said or change['kind']}"


if __name__ == "__main__":
    main()
