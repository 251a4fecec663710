"""The command line as its users start it: as a program, under a terminal, or, where that is enough, in this process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from reelay_cli.main import commands
from tests.cli.terminal import COLUMNS, Terminal

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = (sys.executable, "-m", "reelay_cli")
PATIENCE_SECONDS = 40.0
LOOKS = {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"}
"""What the machine that runs the tests says about its own terminal."""


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document that it printed."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Person:
    """Somebody with an address and a key. What one key made, no other sees."""

    url: str
    key: str = field(default_factory=lambda: f"sk-person-{uuid.uuid4().hex}")

    @property
    def environment(self) -> dict[str, str]:
        """What the command line reads."""
        return {"REELAY_URL": self.url, "REELAY_API_KEY": self.key}

    def without_key(self) -> Person:
        """The same, who has to be asked."""
        return replace(self, key="")

    def asks(self, *words: str, input: str | None = None) -> Said:
        """Quick: in this process."""
        told = CliRunner().invoke(commands, words, input=input, env=self.environment, prog_name="reelay")
        if told.exception and not isinstance(told.exception, SystemExit):
            raise told.exception
        return Said(told.exit_code, told.stdout, told.stderr)

    def program(self, *words: str) -> subprocess.Popen[str]:
        """Started, with pipes."""
        return subprocess.Popen(  # noqa: S603 - our own program
            [*PROGRAM, *words],
            env=self._whole_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def runs(self, *words: str, input: str = "") -> Said:
        """As a program, in a pipe."""
        with self.program(*words) as running:
            out, err = running.communicate(input, timeout=PATIENCE_SECONDS)
        return Said(running.returncode, out, err)

    def sits_at(self, *words: str, columns: int = COLUMNS) -> Terminal:
        """As a program, at a terminal."""
        return Terminal([*PROGRAM, *words], self._whole_environment(), columns)

    def _whole_environment(self) -> dict[str, str]:
        rest = {name: value for name, value in os.environ.items() if name not in LOOKS}
        return {**rest, "PYTHONPATH": str(ROOT / "cli"), "PYTHONWARNINGS": "", **self.environment}
