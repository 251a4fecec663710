"""What is due at a time, done by one thread for the whole process: a thread for each would cost a start of 0.2 ms."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable
from itertools import count

Act = Callable[[], object]


class Timekeeper:
    """Does acts when they are due, unless they were called off. Acts are short, and never raise.

    The thread begins with the first act and stays; what was called off is forgotten when it would have been due.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, list[Act]]] = []
        self._numbers = count()
        self._began = False

    def at(self, when: float, act: Act) -> Callable[[], None]:
        """Do `act` at `when`, on the scale of `time.monotonic`; the answer calls it off. Then it may be under way."""
        acts = [act]
        with self._changed:
            heapq.heappush(self._due, (when, next(self._numbers), acts))
            if self._due[0][2] is acts:
                self._changed.notify()
            if not self._began:
                threading.Thread(target=self._run, name="timekeeper", daemon=True).start()
                self._began = True
        return acts.clear

    def _run(self) -> None:
        while True:
            for act in self._next():
                act()

    def _next(self) -> list[Act]:
        """What is due now, once something is."""
        with self._changed:
            while not self._due or self._due[0][0] > time.monotonic():
                self._changed.wait(self._due[0][0] - time.monotonic() if self._due else None)
            return heapq.heappop(self._due)[2]


TIMEKEEPER = Timekeeper()
"""The process's own."""
