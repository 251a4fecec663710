"""`python -m tests.bench.profiled`: what a warm whole answer is made of, for the reasons in limits.toml.

First the milliseconds of its steps until the answer is out, as the door's thread sees them, median of SAMPLES, with
what is on its way to S3 or waits for the upstream named as such; then cProfile's table of the same number of requests,
with what comes after the answer.
"""

from __future__ import annotations

import cProfile
import io
import os
import pstats
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from reelay.admission import Admission
from reelay.contract import Contract
from reelay.handoff import Handoff
from reelay.run import Run
from reelay.s3_rest import S3Rest
from reelay.telemetry import PowertoolsTelemetry
from reelay.upstream import HttpsLine, HttpsUpstream
from tests.bench.around import world
from tests.bench.asked import WHOLE, event
from tests.bench.door import RelayDoor

SAMPLES = 300
WARM_UP = 50
STEPS: tuple[tuple[type, str, str], ...] = (
    (Contract, "read", "validation"),
    (Admission, "admit", "admission"),
    (HttpsUpstream, "dial", "dials"),
    (HttpsLine, "post", "the exchange begins"),
    (Handoff, "take", "waits for the upstream"),
    (Run, "_settle", "the verdict"),
    (S3Rest, "_signed", "signs calls of S3"),
    (PowertoolsTelemetry, "note", "logs"),
    (PowertoolsTelemetry, "count", "counts metrics"),
)
"""Class, method and what it does; the time of one that calls another is what it spends beside."""


class Steps:
    """Which step the door's thread is in, and for how long it was in each."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self.answered: dict[str, float] = {}
        self._stack = ["all else"]
        self._since = time.monotonic()
        self._thread = threading.get_ident()

    def around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same call, its time counted as `name`'s."""

        def timed(*args: Any, **named: Any) -> Any:
            if threading.get_ident() != self._thread:
                return call(*args, **named)
            self._turn(name)
            try:
                return call(*args, **named)
            finally:
                self._turn(None)

        return timed

    def begin(self) -> None:
        """Of one request."""
        self.spent, self._since = {}, time.monotonic()

    def end(self) -> None:
        """Of its answer; what comes after it counts no more."""
        self._count()
        self.answered, self.spent = self.spent, {}

    def _turn(self, name: str | None) -> None:
        self._count()
        if name is None:
            self._stack.pop()
        else:
            self._stack.append(name)

    def _count(self) -> None:
        now = time.monotonic()
        self.spent[self._stack[-1]] = self.spent.get(self._stack[-1], 0.0) + now - self._since
        self._since = now


def steps(door: RelayDoor) -> dict[str, float]:
    """Median milliseconds of each step."""
    told = Steps()
    for kind, method, name in STEPS:
        setattr(kind, method, told.around(name, getattr(kind, method)))
    rest = door.app.house.bucket.rest
    rest.carry = told.around("on its way to S3", rest.carry)
    door.at_end = told.end
    rows: dict[str, list[float]] = {}
    for sample in range(WARM_UP + SAMPLES):
        told.begin()
        door.serve(event(WHOLE))
        for name, seconds in told.answered.items() if sample >= WARM_UP else ():
            rows.setdefault(name, []).append(seconds * 1000)
    return {name: median(each) for name, each in rows.items()}


def profile(door: RelayDoor) -> str:
    """cProfile's table of the house's own functions."""
    kept = cProfile.Profile()
    for _ in range(SAMPLES):
        asked = event(WHOLE)
        kept.runcall(partial(door.serve, asked))
    table = io.StringIO()
    pstats.Stats(kept, stream=table).sort_stats("cumtime").print_stats("reelay/|aws_lambda_powertools", 45)
    return table.getvalue()


def main() -> None:
    """Print both; what the function itself prints goes nowhere."""
    with world() as around, Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        os.environ.update(around.environment)
        terminal, sys.stdout = sys.stdout, nowhere
        try:
            door = RelayDoor()
            told, table = steps(door), profile(door)
        finally:
            sys.stdout = terminal
    for name, milliseconds in sorted(told.items(), key=lambda each: -each[1]):
        print(f"{milliseconds:7.2f} ms  {name}")  # noqa: T201 - a program prints
    print(table)  # noqa: T201 - as above


if __name__ == "__main__":
    main()
