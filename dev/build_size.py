"""Print how large each artefact of `sam build` is, unzipped and zipped; exit 1 when they are too large together.

`python -m dev.build_size [DIRECTORY]`, by default .aws-sam/build.
"""

from __future__ import annotations

import sys
import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

MIB = 1024 * 1024
LIMIT_MIB = 60
"""Unzipped, in all: our mark. Lambda's own limit is 250 MB for a function with its layers."""


@dataclass(frozen=True)
class Size:
    """Bytes on disk in Lambda, and bytes uploaded."""

    unzipped: int
    zipped: int


def measure(artefact: Path) -> Size:
    """The size of one artefact, zipped as SAM does it (deflate, default level)."""
    files = sorted(path for path in artefact.rglob("*") if path.is_file())
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as bundle:
        for path in files:
            # Fixed times: what pip unpacked may date from before 1980, which a zip cannot say.
            entry = zipfile.ZipInfo(path.relative_to(artefact).as_posix())
            bundle.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return Size(sum(path.stat().st_size for path in files), len(archive.getvalue()))


def main(build: Path) -> int:
    """Print the table; the exit status."""
    sizes = {artefact.name: measure(artefact) for artefact in sorted(build.glob("*/"))}
    if not sizes:
        print(f"Nothing is built in {build}: run `make build` first.", file=sys.stderr)
        return 1
    total = Size(sum(size.unzipped for size in sizes.values()), sum(size.zipped for size in sizes.values()))
    print(f"{'artefact':<20}{'unzipped MiB':>14}{'zipped MiB':>14}")
    for name, size in (*sizes.items(), ("in all", total)):
        print(f"{name:<20}{size.unzipped / MIB:>14.2f}{size.zipped / MIB:>14.2f}")
    if total.unzipped > LIMIT_MIB * MIB:
        print(f"More than {LIMIT_MIB} MiB unzipped: prune in layers/core/Makefile.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ".aws-sam/build")))
