"""Memory and open files of the stack's process and of its functions'. Linux only: proc(5)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
RUNTIME = b"awslambdaric"
"""What a function's process runs, as its command line says."""


@dataclass(frozen=True, slots=True)
class Size:
    """MiB that are resident, and open file descriptors."""

    mib: float
    files: int

    def since(self, before: Size) -> Size:
        """What was added."""
        return Size(self.mib - before.mib, self.files - before.files)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of this process, and of each function's by process id."""

    stack: Size
    functions: dict[int, Size]

    @classmethod
    def now(cls) -> Sizes:
        """Of every process that is there to the end of the measurement."""
        return cls(_size(os.getpid()), dict(_functions()))

    def since(self, before: Sizes) -> Sizes:
        """What was added, of the functions' processes that are in both."""
        both = self.functions.keys() & before.functions.keys()
        grown = {pid: self.functions[pid].since(before.functions[pid]) for pid in both}
        return Sizes(self.stack.since(before.stack), grown)

    @property
    def largest(self) -> Size:
        """The most that any function's process has of each."""
        every = list(self.functions.values()) or [Size(0, 0)]
        return Size(max(each.mib for each in every), max(each.files for each in every))


def _functions() -> Iterator[tuple[int, Size]]:
    for place in PROC.glob("[0-9]*"):
        try:
            if RUNTIME in (place / "cmdline").read_bytes() and _field(place, "PPid") == os.getpid():
                yield int(place.name), _size(int(place.name))
        except (OSError, StopIteration):
            continue  # it has just ended


def _size(pid: int) -> Size:
    place = PROC / str(pid)
    return Size(_field(place, "VmRSS") / 1024, len(list((place / "fd").iterdir())))


def _field(place: Path, name: str) -> int:
    """Raises StopIteration when there is none, as of a process that has ended."""
    lines = (place / "status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
