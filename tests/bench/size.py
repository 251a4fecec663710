"""How large the deployment is."""

from __future__ import annotations

import os
import subprocess

from dev.build_size import MIB, Size
from dev.build_size import measure as size_of
from tests.bench.processes import ROOT
from tests.bench.table import Row, below, told

ARCHITECTURE = "arm64"
UNZIPPED_MIB, ZIPPED_MIB = 40, 12
NAME, TITLE = "size", "Deployed size"
HOW = """\
What `make build` makes for arm64, the default: every layer and function, unzipped as Lambda mounts it and zipped as
SAM uploads it (deflate). The AWS SDK is inside, so that the version that was tested is the one that runs."""


def measure(*, quick: bool) -> Row:
    """Build and weigh; a quick one weighs what was built before, if anything was."""
    build = ROOT / ".aws-sam" / "build"
    if not (quick and build.is_dir()):
        _build()
    sizes = {artefact.name: size_of(artefact) for artefact in sorted(build.glob("*/"))}
    total = Size(sum(size.unzipped for size in sizes.values()), sum(size.zipped for size in sizes.values()))
    marks = [
        below("in all, unzipped", total.unzipped / MIB, UNZIPPED_MIB, "MiB"),
        below("in all, zipped", total.zipped / MIB, ZIPPED_MIB, "MiB"),
    ]
    for name, size in sizes.items():
        marks.append(told(f"{name}, unzipped", size.unzipped / MIB, "MiB", 3))
        marks.append(told(f"{name}, zipped", size.zipped / MIB, "MiB", 3))
    return Row(NAME, TITLE, HOW, marks)


def _build() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    subprocess.run(  # noqa: S603 - our own makefile
        ["make", "--silent", "build", f"ARCHITECTURE={ARCHITECTURE}"],  # noqa: S607 - make is on PATH
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        check=True,
    )
