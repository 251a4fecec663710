"""The worker's door in a process of its own, that a test hands messages to and may kill with SIGKILL at any moment.

The processes are forked from one that has imported the house, so a new one costs milliseconds.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from reelay.clock import SystemClock
from reelay.settings import Settings
from reelay.wiring import House
from tests.e2e.local_house import Context

INVOCATION_SECONDS = 60
"""What each message may take: its lease ends two minutes after it began."""

ANSWER_SECONDS = 30
"""How long the test waits for an answer before it is taken for hanging."""

Event = Mapping[str, Any]

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload([__name__])


class LaterClock(SystemClock):
    """The machine's clock, put forward by `offset` seconds."""

    offset = 0.0

    def now(self) -> float:
        return super().now() + self.offset

    def monotonic(self) -> float:
        return super().monotonic() + self.offset


@dataclass(frozen=True)
class Task:
    """A batch of messages, at so many seconds after now."""

    event: Event
    offset: float


class WorkerProcess:
    """One process; `environment` is what leads boto3 to the local AWS."""

    def __init__(self, settings: Settings, environment: Mapping[str, str]) -> None:
        self._ours, theirs = _forks.Pipe()
        self._process = _forks.Process(target=_serve, args=(theirs, settings, dict(environment)), daemon=True)
        self._process.start()
        theirs.close()

    def hand(self, task: Task) -> None:
        """Give it work; it begins at once."""
        self._ours.send(task)

    def answers_within(self, seconds: float) -> bool:
        """Whether it is done by then."""
        return self._ours.poll(seconds)

    def answer(self) -> Any:
        """What its door said. Raises EOFError when the process is gone."""
        if not self._ours.poll(ANSWER_SECONDS):
            raise TimeoutError("a worker hangs")
        return self._ours.recv()

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.join()
        self._ours.close()


def _serve(connection: Connection, settings: Settings, environment: Mapping[str, str]) -> None:
    os.environ.update(environment)
    clock = LaterClock()
    house = House(settings, clock)
    door = house.worker()
    while True:
        task: Task = connection.recv()
        clock.offset = task.offset
        connection.send(door.serve(task.event, Context(INVOCATION_SECONDS)))
        house.telemetry.metrics.clear_metrics()  # what a function's decorator does after each event
