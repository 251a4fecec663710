"""schemathesis over the local stack: one run, and what it found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CONFIG = Path(__file__).parent / "schemathesis.toml"
PROGRAM = Path(sys.executable).with_name("schemathesis")


@dataclass(frozen=True)
class Verdict:
    """Whether the run ended well, its JSON report, and what it printed unless that was shown."""

    passed: bool
    report: dict[str, Any]
    printed: str

    @property
    def failures(self) -> list[str]:
        """What failed, and at which operations."""
        return [f"{each['title']}: {', '.join(each['operations'])}" for each in self.report["failures"]]


def schemathesis(
    url: str, folder: Path, *options: str, contract: Path = ROOT / "openapi.yaml", show: bool = False
) -> Verdict:
    """Run it against the stack at `url`, with schemathesis.toml and `options`; its report goes into `folder`.

    With `show` it prints as it goes. Raises RuntimeError when it comes to no end.
    """
    report = folder / "report.json"
    command = [str(PROGRAM), "--config-file", str(CONFIG), "run", str(contract), "--url", url, "--workers", "1"]
    command += ["--no-color", "--continue-on-failure", "--report-json-path", str(report), *options]
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'layers/core'}"}
    out = None if show else subprocess.PIPE
    done = subprocess.run(  # noqa: S603 - the program that requirements/dev.txt installs, with our own words
        command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT, text=True, check=False
    )
    printed = done.stdout or ""
    if not report.exists():
        raise RuntimeError(f"schemathesis came to no end:\n{printed}")
    return Verdict(done.returncode == 0, json.loads(report.read_text()), printed)
