"""Takes one guard after another away, in a copy of the repository, and expects its tests to fail: `make mutate`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.mutation.guards import ROOT, Guard, guards

RUN_SECONDS = 300
"""What the tests of one guard may take; without the guard some wait for what never comes, so this counts as failing."""

PASSED, FAILED = 0, 1
"""pytest's exit codes; all others mean that the tests could not be run."""

COPIED = ("layers", "functions", "dev", "tests", "events", "docs")
FILES = ("pyproject.toml", "openapi.yaml", "upstream.yaml", "template.yaml", "README.md", "Makefile")


def main() -> int:
    """0 when the tests pass with every guard and fail without any one; else 1, and says which guard nobody misses."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _copy(root)
        everything = tuple(dict.fromkeys(test for guard in guards() for test in guard.tests))
        if _run(root, everything) != PASSED:
            print(f"the tests fail with every guard in its place: pytest {' '.join(everything)}")  # noqa: T201 - a command-line program prints
            return 1
        missed = [guard for guard in guards() if not _noticed(root, guard)]
    print(f"{len(guards()) - len(missed)} of {len(guards())} guards are missed when they are gone")  # noqa: T201 - a command-line program prints
    return 1 if missed else 0


def _copy(root: Path) -> None:
    without_caches = shutil.ignore_patterns("__pycache__")
    for name in COPIED:
        shutil.copytree(ROOT / name, root / name, ignore=without_caches)
    for name in FILES:
        shutil.copy2(ROOT / name, root / name)


def _noticed(root: Path, guard: Guard) -> bool:
    kept = {change.file: (root / change.file).read_text() for change in guard.changes}
    for change in guard.changes:
        change.apply(root)
    code = _run(root, guard.tests)
    for file, text in kept.items():
        (root / file).write_text(text)
    print(f"{'red' if code == FAILED else f'NOT RED ({code})'}: {guard.name}", flush=True)  # noqa: T201 - a command-line program prints
    return code == FAILED


def _run(root: Path, tests: tuple[str, ...]) -> int:
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-x", "--no-header", *tests]
    try:
        done = subprocess.run(  # noqa: S603 - our own tests
            command,
            cwd=root,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{root}:{root}/layers/core"},
            capture_output=True,
            timeout=RUN_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return FAILED
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
