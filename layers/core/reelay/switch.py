"""Adapter: the pause switch, an object in the bucket that is there or not.

    guard/paused      whatever it holds: while it is there no paid call is begun

An object over a parameter of the stack: it takes effect within PAUSE_SECONDS and needs no deployment. The role needs
s3:GetObject on it, and s3:ListBucket on the bucket: without the last, S3 answers 403 where it is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reelay.bucket import Bucket
from reelay.errors import NotFound, StoreFailed

if TYPE_CHECKING:
    from reelay.ports import Clock

KEY = "guard/paused"

PAUSE_SECONDS = 30
"""How long an answer is believed: a switch that takes a minute at most, and two reads a minute of a busy function."""


class S3Switch:
    """Keeps the promises of `ports.Switch` in one bucket."""

    def __init__(self, bucket: Bucket, clock: Clock) -> None:
        self._bucket = bucket
        self._clock = clock
        self._known: tuple[float, bool] | None = None

    def paused(self) -> bool:
        """Whether paid calls are stopped. While S3 does not answer, what was known counts; raises StoreFailed where
        nothing was."""
        now = self._clock.monotonic()
        if self._known is None or now - self._known[0] >= PAUSE_SECONDS:
            try:
                self._known = (now, self._there())
            except StoreFailed:
                if self._known is None:
                    raise
        return self._known[1]

    def _there(self) -> bool:
        try:
            self._bucket.get(KEY)
        except NotFound:
            return False
        return True
