"""What callers saw: times and errors by kind of call, and what was accepted."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from statistics import quantiles


class Tally:
    """Thread-safe. A request is known by its label, which begins with the tally's `name` and which no other has."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._seconds: defaultdict[str, list[float]] = defaultdict(list)
        self._errors: Counter[tuple[str, str]] = Counter()
        self._accepted: dict[str, str | None] = {}
        self._labels = 0

    def label(self) -> str:
        """A fresh one."""
        with self._lock:
            self._labels += 1
            return f"{self._name}-{self._labels}"

    def accept(self, label: str, id: str | None) -> None:
        """A request that will be paid; its id where the caller was told one."""
        with self._lock:
            self._accepted[label] = id

    def took(self, kind: str, seconds: float) -> None:
        """A call that went well."""
        with self._lock:
            self._seconds[kind].append(seconds)

    def failed(self, kind: str, what: str) -> None:
        """A call that did not: the status or the name of the error."""
        with self._lock:
            self._errors[kind, what] += 1

    @property
    def accepted(self) -> dict[str, str | None]:
        """Ids by labels."""
        with self._lock:
            return dict(self._accepted)

    @property
    def errors(self) -> dict[tuple[str, str], int]:
        """How often what went wrong, by kind and what."""
        with self._lock:
            return dict(self._errors)

    def lines(self, seconds: float) -> Iterator[str]:
        """A table: of each kind the calls, calls a second over `seconds`, and percentiles in milliseconds."""
        yield f"{'kind':10}{'calls':>7}{'a second':>10}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}"
        with self._lock:
            measured = sorted(self._seconds.items())
        everything = [each for _, times in measured for each in times]
        for kind, times in [*measured, ("all", everything)]:
            shown = "".join(f"{1000 * each:9.0f}" for each in percentiles(times))
            yield f"{kind:10}{len(times):7}{len(times) / seconds:10.1f}{shown}"


def percentiles(times: list[float]) -> tuple[float, float, float]:
    """p50, p95 and p99."""
    if len(times) < 2:
        return (times or [0.0])[0], (times or [0.0])[0], (times or [0.0])[0]
    cuts = quantiles(times, n=100, method="inclusive")
    return cuts[49], cuts[94], cuts[98]
