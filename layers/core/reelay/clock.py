"""The machine's own clock, behind the port that tests replace."""

from __future__ import annotations

import time


class SystemClock:
    """Keeps the promises of `ports.Clock` with the standard library."""

    def now(self) -> float:
        """Unix seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)
