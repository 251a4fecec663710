"""The workers of a function: started when all are busy, and used again."""

from __future__ import annotations

import threading

from dev.gateway.invocation import Invocation
from dev.gateway.worker import Start, Worker
from dev.template import Function

WORKERS = 20
"""Processes of one function at a time; further callers wait. Enough for a person, and for tests of races."""


class Workers:
    """The workers of one function: started when all are busy, up to WORKERS, and used again."""

    def __init__(self, function: Function, start: Start) -> None:
        self._function = function
        self._start = start
        self._all: set[Worker] = set()
        self._free: list[Worker] = []
        self._closed = False
        self._changed = threading.Condition()

    def invoke(self, event: bytes, trace: str, wait_seconds: float) -> Invocation:
        """Set a worker to work. Raises TimeoutError when none was free in time or all have been ended,
        OSError when none can be started."""
        invocation = Invocation(event, trace)
        with self._changed:
            while self._changed.wait_for(self._has_room, wait_seconds) and not self._closed:
                if not self._free:
                    self._all.add(Worker(self._function, self._start, invocation, self._on_free, self._on_end))
                    return invocation
                if self._free.pop().assign(invocation):
                    return invocation
        raise TimeoutError

    def close(self) -> None:
        """End them all; there will be no others."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            every = list(self._all)
        for worker in every:
            worker.terminate()
        for worker in every:
            worker.join()

    def _has_room(self) -> bool:
        return self._closed or bool(self._free) or len(self._all) < WORKERS

    def _on_free(self, worker: Worker) -> None:
        with self._changed:
            self._free.append(worker)
            self._changed.notify_all()

    def _on_end(self, worker: Worker) -> None:
        with self._changed:
            self._all.discard(worker)
            self._free = [each for each in self._free if each is not worker]
            self._changed.notify_all()
