"""`python -m tests.fuzz.guided --seconds 60 [target]`: the targets again, led by which code their inputs reach.

Each target runs in a process of its own, for its share of the seconds. Exit status 1 when one found something, which
is told with the input in hex. Needs atheris; where there is none it says so and ends well.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from tests.fuzz.targets import TARGETS

SECONDS = 60
"""For all targets together: a look, not a search. A night's is `--seconds 30000`."""

INPUT_BYTES = 4096
"""The longest input: a captured stream of which most frames are the echo's is cut to that."""

SLOW_SECONDS = 10
"""An input that takes longer is a find."""

MEMORY_MIB = 1024
"""A process that takes more is a find: twice what a function has."""

GRACE_SECONDS = 60
"""For a process to load the code and to end beyond its share."""

TOLD_LINES = 25
"""Of what the process said of a find: the traceback."""


def main() -> None:
    """Fuzz one target or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.guided", description=__doc__)
    parser.add_argument("--seconds", type=int, default=SECONDS, help=f"in all ({SECONDS})")
    parser.add_argument("target", nargs="?", choices=TARGETS, help="all of them unless one is named")
    asked = parser.parse_args()
    if find_spec("atheris") is None:
        say(f"skipped: no atheris for Python {sys.version.split()[0]} here; requirements/fuzz.in says where one is")
        return
    names = [asked.target] if asked.target else list(TARGETS)
    found = [name for name in names if not holds(name, max(1, asked.seconds // len(names)))]
    if found:
        sys.exit(f"promises are broken: {', '.join(found)}")


def holds(name: str, seconds: int) -> bool:
    """Fuzz a target; False, and told, when it found something."""
    with tempfile.TemporaryDirectory() as place:
        corpus, finds = Path(place, "corpus"), Path(place, "finds")
        finds.mkdir()
        sow(name, corpus)
        done = subprocess.run(  # noqa: S603 - our own module
            [sys.executable, "-m", "tests.fuzz.one", name, *options(seconds, finds), str(corpus)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=seconds + GRACE_SECONDS,
            check=False,
        )
        tell(name, done, sorted(finds.iterdir()))
        return done.returncode == 0


def sow(name: str, corpus: Path) -> None:
    """The seeds as files, as libFuzzer reads them."""
    corpus.mkdir()
    for number, seed in enumerate(TARGETS[name].seeds()):
        (corpus / f"seed-{number:04}").write_bytes(seed[:INPUT_BYTES])


def options(seconds: int, finds: Path) -> list[str]:
    """What libFuzzer is told (https://llvm.org/docs/LibFuzzer.html#options)."""
    return [
        f"-max_total_time={seconds}",
        f"-max_len={INPUT_BYTES}",
        f"-timeout={SLOW_SECONDS}",
        f"-rss_limit_mb={MEMORY_MIB}",
        f"-artifact_prefix={finds}/",
        "-print_final_stats=1",
    ]


def tell(name: str, done: subprocess.CompletedProcess[str], finds: list[Path]) -> None:
    """One line of a target that held; of one that did not, what was said and the inputs."""
    lines = done.stdout.splitlines()
    runs = next((line.split()[-1] for line in lines if "number_of_executed_units" in line), "no")
    say(f"{name:10} {'held' if done.returncode == 0 else 'FOUND'}, {runs} inputs")
    if done.returncode != 0:
        begins = next((at for at, line in enumerate(lines) if "Uncaught Python exception" in line), -TOLD_LINES)
        say("\n".join(lines[begins:][:TOLD_LINES]))
    for find in finds:
        say(f"{find.name.split('-')[0]} in {name}: bytes.fromhex('{find.read_bytes().hex()}')")


def say(words: str) -> None:
    """To whoever waits."""
    print(words, flush=True)  # noqa: T201 - a program prints


if __name__ == "__main__":
    main()
