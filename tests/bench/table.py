"""What a row of the benchmark says, and the table that is printed and kept."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

_PLAIN_WIDTH = 60


@dataclass(frozen=True, slots=True)
class Mark:
    """One number beside the number it has to reach. `met` is None for what is told and judged by nobody."""

    what: str
    measured: str
    to_reach: str = "-"
    met: bool | None = None

    @property
    def verdict(self) -> str:
        """In a word."""
        return {None: "", True: "yes", False: "NO"}[self.met]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the issue: its `marks`, what is inside and outside of its numbers (`how`), and lines beside them."""

    name: str
    title: str
    how: str
    marks: Sequence[Mark]
    notes: Sequence[str] = field(default=())

    @property
    def reached(self) -> bool:
        """Whether no mark is missed."""
        return all(mark.met is not False for mark in self.marks)


def below(what: str, value: float, limit: float, unit: str, digits: int = 2) -> Mark:
    """A number that has to stay under `limit`."""
    return Mark(what, f"{value:.{digits}f} {unit}", f"under {limit:g} {unit}", value < limit)


def at_most(what: str, value: float, limit: float, unit: str = "", digits: int = 0) -> Mark:
    """A number that may be as large as `limit`."""
    return Mark(what, f"{value:.{digits}f} {unit}".strip(), f"at most {limit:g} {unit}".strip(), value <= limit)


def at_least(what: str, value: float, limit: float, unit: str, digits: int = 2) -> Mark:
    """A number that has to be as large as `limit`."""
    return Mark(what, f"{value:.{digits}f} {unit}", f"at least {limit:g} {unit}", value >= limit)


def told(what: str, value: float, unit: str, digits: int = 2) -> Mark:
    """A number without a mark, for scale."""
    return Mark(what, f"{value:.{digits}f} {unit}")


def absent(what: str, why: str) -> Mark:
    """What could not be measured here."""
    return Mark(what, f"not measured: {why}")


def p(samples: Iterable[float], percent: int) -> float:
    """The percentile of samples, one of them and nothing between two; the median is p 50."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def median(samples: Iterable[float]) -> float:
    """The usual one."""
    return statistics.median(samples)


def plain(row: Row) -> Iterator[str]:
    """For a terminal."""
    yield row.title
    for mark in row.marks:
        yield f"  {mark.what:<{_PLAIN_WIDTH}} {mark.measured:>16}   {mark.to_reach:<20} {mark.verdict}".rstrip()
    yield from (f"    {note}" for note in row.notes)


def markdown(row: Row) -> Iterator[str]:
    """For docs/BENCHMARKS.md."""
    yield from (f"## {row.title}", "", row.how, "", "| what | measured | to reach | reached |", "|---|---|---|---|")
    yield from (f"| {mark.what} | {mark.measured} | {mark.to_reach} | {mark.verdict} |" for mark in row.marks)
    yield from ("", *row.notes, "") if row.notes else ("",)
