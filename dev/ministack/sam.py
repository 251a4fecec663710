"""The real SAM: builds the template for this machine, deploys it, deletes it."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from dev.ministack import ROOT, NotSo
from dev.ministack.cloud import PYTHON, REGION, Cloud

SAM = ROOT / ".venv-sam" / "bin" / "sam"
STACK = "reelay"
TOLD_LINES = 30
"""Of what SAM printed, when it failed."""

NOWHERE = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_DEFAULT_REGION": REGION}
"""For a build, which asks AWS nothing. Without credentials SAM waits 10 s for STS; a closed port says no at once."""

ARCHITECTURE = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())


def build(folder: Path) -> Path:
    """The built template, in `folder`. The layer is for this machine and for the Python that the functions run on."""
    version = "import sys; print('{}.{}'.format(*sys.version_info))"
    python = subprocess.run([PYTHON, "-c", version], capture_output=True, text=True, check=True)  # noqa: S603 - ours
    target = folder / "build"
    _sam(
        ["build", "--build-dir", str(target), "--parameter-overrides", f"Architecture={ARCHITECTURE}"],
        NOWHERE | {"ARCHITECTURE": ARCHITECTURE, "LAYER_PYTHON": python.stdout.strip(), "MAKEFLAGS": ""},
    )
    return target / "template.yaml"


def deploy(template: Path, cloud: Cloud, parameters: Mapping[str, str]) -> None:
    """The stack, complete."""
    given = [f"{name}={value}" for name, value in parameters.items()]
    where = ["--template-file", str(template), "--config-file", str(ROOT / "samconfig.toml"), "--stack-name", STACK]
    how = ["--no-confirm-changeset", "--no-progressbar", "--parameter-overrides", f"Architecture={ARCHITECTURE}"]
    _sam(["deploy", *where, *how, *given], cloud.environment)


def delete(cloud: Cloud) -> None:
    """The stack and what was uploaded for it, gone."""
    _sam(["delete", "--stack-name", STACK, "--region", REGION, "--no-prompts"], cloud.environment)


def _sam(words: Sequence[str], environment: Mapping[str, str]) -> None:
    """Raises NotSo with SAM's last lines. Nothing of the machine's own AWS account reaches it."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(  # noqa: S603 - our own environment's program and our own words
        [SAM, *words],
        env=inherited | {"SAM_CLI_TELEMETRY": "0"} | dict(environment),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        told = "\n".join(done.stdout.splitlines()[-TOLD_LINES:])
        raise NotSo(f"`sam {words[0]}` failed:\n{told}")
