"""When the next frame may go: after its delay, and only when a test has let it."""

from __future__ import annotations

import threading
from collections.abc import Callable

POLL_SECONDS = 0.05
"""How soon a waiting answer notices that the simulator is closing."""


class Closing(Exception):
    """The simulator is being closed: the answer ends where it is."""


class Pace:
    """The speed of every answer of one simulator.

    `delay` and `echo_delay` are seconds before each frame; `gate`, if given, is acquired once for each frame; `sleep`
    waits, by default in a way that closing interrupts.
    """

    def __init__(
        self,
        delay: float,
        echo_delay: float,
        silence_seconds: float,
        gate: threading.Semaphore | None,
        sleep: Callable[[float], object] | None,
    ) -> None:
        self._delay = delay
        self._echo_delay = echo_delay
        self._silence_seconds = silence_seconds
        self._gate = gate
        self._closing = threading.Event()
        self._released = threading.Event()
        self._sleep = sleep or self._closing.wait

    def turn(self, *, echo: bool) -> None:
        """Wait until the next frame may go. Raises Closing."""
        while self._gate is not None and not self._gate.acquire(timeout=POLL_SECONDS):
            self._go_on()
        self.pause(self._echo_delay if echo else self._delay)

    def pause(self, seconds: float) -> None:
        """Wait so long. Raises Closing."""
        if seconds:
            self._sleep(seconds)
        self._go_on()

    def silence(self) -> None:
        """Wait until `release`, or until the silence has lasted long enough. Raises Closing."""
        self._released.wait(self._silence_seconds)
        self._go_on()

    def step(self, frames: int) -> None:
        """Let so many frames go."""
        if self._gate is None:
            raise RuntimeError("stepping needs a gate: Simulator(gate=threading.Semaphore(0))")
        self._gate.release(frames)

    def release(self) -> None:
        """End every silence, now and from now on."""
        self._released.set()

    def close(self) -> None:
        """End every answer."""
        self._closing.set()
        self._released.set()

    def _go_on(self) -> None:
        if self._closing.is_set():
            raise Closing
