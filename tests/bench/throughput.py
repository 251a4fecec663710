"""Requests a second of the local gateway, one process, against LiteLLM's proxy with one worker."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import urllib3

from dev.stack import running as stack_running
from tests.bench import peers
from tests.bench.around import World, world
from tests.bench.asked import DOCUMENTED, HEADERS, KEY, PATH
from tests.bench.processes import ENVIRONMENT, running
from tests.bench.table import Mark, Row, absent, at_least, p, told

CALLERS, QUICK_CALLERS = (1, 2, 4, 8, 16), (1, 2)
SECONDS, QUICK_SECONDS = 5.0, 1.0
WARM_UP_SECONDS = 2.0
LIMIT_MS = 50
TIMES = 5
BODY = json.dumps({**DOCUMENTED, "model": "sim-text", "stream": False})
NAME, TITLE = "throughput", "Throughput"
HOW = """\
A whole answer of a text model, asked for by 1, 2, 4, 8 and 16 callers that ask again as soon as they are answered, 5
seconds each after a warm-up, the two taking turns; kept is the highest rate whose p99 stays under 50 ms. Reelay's
process is the gateway's; its functions, the S3 (SeaweedFS) and the simulator are processes of their own, as on AWS.
LiteLLM's proxy has one worker and keeps nothing. Callers and simulator share the machine with both."""


@dataclass
class _Rates:
    """Requests a second and p99 in ms for each number of callers."""

    rates: list[tuple[int, float, float]] = field(default_factory=list)

    @property
    def sustained(self) -> float:
        """The highest rate at a p99 under LIMIT_MS, 0 when there is none."""
        return max((rate for _, rate, slowest in self.rates if slowest < LIMIT_MS), default=0.0)


def measure(*, quick: bool) -> Row:
    """Take turns."""
    mine, theirs = _Rates(), _Rates()
    seconds = QUICK_SECONDS if quick else SECONDS
    with world() as around, ExitStack() as stop:
        lanes = [(mine, stop.enter_context(stack(around)))]
        if peers.installed():
            lanes.append((theirs, stop.enter_context(peers.litellm(around.upstream))))
        for callers in QUICK_CALLERS if quick else CALLERS:
            for rates, origin in lanes:
                asked(origin, callers, WARM_UP_SECONDS if not quick else QUICK_SECONDS)
                rates.rates.append((callers, *asked(origin, callers, seconds)))
    return Row(NAME, TITLE, HOW, list(_marks(mine, theirs)))


def stack(around: World) -> AbstractContextManager[str]:
    """The stack relays to the simulator as it would to the real upstream. The simulator is loopback, so plain http is
    allowed."""
    environment = ENVIRONMENT | {
        "V98STORE_TOKEN": KEY,
        "UPSTREAM_BASE_URL": around.upstream,
        "S3_ENDPOINT_URL": around.s3,
    }
    return running("tests.bench.throughput", environment=environment)


def asked(origin: str, callers: int, seconds: float) -> tuple[float, float]:
    """Requests a second, and the p99 of their milliseconds. Raises RuntimeError for any status but 200."""
    taken: list[float] = []
    statuses: set[int] = set()
    until = time.monotonic() + seconds

    def call() -> None:
        pool = urllib3.PoolManager(retries=False)
        while time.monotonic() < until:
            began = time.monotonic()
            answer = pool.request("POST", origin + PATH, body=BODY, headers=HEADERS)
            taken.append((time.monotonic() - began) * 1000)
            statuses.add(answer.status)

    every = [threading.Thread(target=call) for _ in range(callers)]
    began = time.monotonic()
    for each in every:
        each.start()
    for each in every:
        each.join()
    if statuses != {200}:
        raise RuntimeError(f"{origin} answered {sorted(statuses)}")
    return len(taken) / (time.monotonic() - began), p(taken, 99)


def _marks(mine: _Rates, theirs: _Rates) -> Iterator[Mark]:
    yield told(f"Reelay, sustained at a p99 under {LIMIT_MS} ms", mine.sustained, "a second", 1)
    if not theirs.rates:
        yield absent("LiteLLM's proxy", peers.MISSING)
        return
    yield told("LiteLLM's proxy, sustained likewise", theirs.sustained, "a second", 1)
    if theirs.sustained:
        yield at_least("Reelay's to LiteLLM's", mine.sustained / theirs.sustained, TIMES, "times")
    most = max(rate for _, rate, _ in mine.rates), max(rate for _, rate, _ in theirs.rates)
    yield told("the most of each, however slow: Reelay's to LiteLLM's", most[0] / most[1], "times")
    for who, rates in (("Reelay", mine), ("LiteLLM", theirs)):
        for callers, rate, slowest in rates.rates:
            yield told(f"{who}, {callers} callers", rate, f"a second, p99 {slowest:.0f} ms", 1)


def main() -> None:
    """The stack in a process of its own, until the standard input ends."""
    with stack_running(triggers=False, log=Path(os.devnull)) as stack:
        sys.stdout.write(f"{stack.url}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
