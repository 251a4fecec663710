"""The build as Lambda mounts it, for this machine's processor: layer, functions, and the runtime's own modules."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from sysconfig import get_path

from tests.bench.processes import ROOT

DOORS = ("relay", "results", "authorizer", "intake", "worker", "sweep")
RUNTIME = ("awslambdaric", "simplejson", "snapshot_restore_py")
"""What the runtime client imports, beside its compiled half."""

USUAL = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six")
"""boto3 with all that it imports, as the managed runtime has it."""


@dataclass(frozen=True, slots=True)
class Opt:
    """`functions` holds a directory for each door, each with its app.py; `layer`, `runtime_path` and `usual` are where
    modules are found."""

    functions: Path
    layer: Path
    client: Path
    usual: Path

    @property
    def runtime(self) -> list[str]:
        """What starts the runtime: -S and -s leave out what this machine has installed."""
        return [sys.executable, "-S", "-s", "-m", "awslambdaric"]

    def path(self, name: str) -> list[Path]:
        """Where the function finds its modules, in Lambda's order."""
        own = self.layer / "python" if name in DOORS else self.usual
        return [self.functions / name, own, self.client]


def emulator() -> Path | None:
    """AWS's runtime interface emulator, where the environment of the SAM CLI is there."""
    machine = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return next(
        (ROOT / ".venv-sam").glob(f"lib/python3.*/site-packages/samcli/local/rapid/aws-lambda-rie-{machine}"), None
    )


@contextmanager
def built(place: Path, bare: Mapping[str, str]) -> Iterator[Opt]:
    """All of it under `place`, with bytecode; `bare` are further functions' sources by name."""
    opt = Opt(place / "functions", place / "layer", place / "client", place / "usual")
    machine = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    _make("layers/core/Makefile", "build-CoreLayer", opt.layer, ARCHITECTURE=machine, LAYER_PYTHON=version)
    for door in DOORS:
        (opt.functions / door).mkdir(parents=True)
        shutil.copy(ROOT / "functions" / door / "app.py", opt.functions / door)
    for name, source in bare.items():
        (opt.functions / name).mkdir()
        (opt.functions / name / "app.py").write_text(source)
    for names, target in ((RUNTIME, opt.client), (USUAL, opt.usual)):
        _copy(names, target)
    shutil.copy(next(_site().glob("runtime_client*.so")), opt.client)
    for each in (opt.functions, opt.client, opt.usual):
        _compile(each)
    yield opt


def _make(makefile: str, target: str, artefacts: Path, **variables: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    subprocess.run(  # noqa: S603 - our own makefile
        ["make", "--silent", "--makefile", makefile, target],  # noqa: S607 - make is on PATH
        env=environment | {"ARTIFACTS_DIR": str(artefacts), **variables},
        cwd=ROOT,
        check=True,
    )


def _copy(names: tuple[str, ...], target: Path) -> None:
    target.mkdir()
    for name in names:
        source = _site() / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source.with_suffix(".py"), target)


def _site() -> Path:
    return Path(get_path("platlib"))


def _compile(place: Path) -> None:
    """As dev/compile.sh does."""
    arguments = ["-q", "-f", "--invalidation-mode", "unchecked-hash", str(place)]
    subprocess.run([sys.executable, "-m", "compileall", *arguments], check=False)  # noqa: S603 - our own interpreter
