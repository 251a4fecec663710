"""The guards of guards.toml, each with the change that takes it away and the tests that have to notice."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Change:
    """`old` stands exactly once in `file`, a path below the repository's root."""

    file: str
    old: str
    new: str

    def found(self, root: Path = ROOT) -> int:
        """How often `old` stands there."""
        return (root / self.file).read_text().count(self.old)

    def apply(self, root: Path) -> None:
        """Write the file anew, without the guard."""
        path = root / self.file
        path.write_text(path.read_text().replace(self.old, self.new))


@dataclass(frozen=True)
class Guard:
    """`tests` are paths or ids that pytest takes; at least one test among them fails without the guard."""

    name: str
    changes: tuple[Change, ...]
    tests: tuple[str, ...]


def guards() -> list[Guard]:
    """In the order of the file."""
    entries = tomllib.loads((ROOT / "tests" / "mutation" / "guards.toml").read_text())["guard"]
    return [_guard(**entry) for entry in entries]


def _guard(name: str, file: str, old: str, new: str, tests: list[str], also: list[list[str]] | None = None) -> Guard:
    more = (Change(*each) for each in also or ())
    return Guard(name, (Change(file, old, new), *more), tuple(tests))
