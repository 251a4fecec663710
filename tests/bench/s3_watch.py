"""Every call of the house to S3, with when it was on its way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from reelay.bucket import Bucket
from reelay.s3_rest import Asked, Attempt, Carry, Received, S3Rest


@dataclass(slots=True)
class S3Call:
    """An attempt of a call, by `time.monotonic`, which all processes of a machine share: `began` and `ended` on its way
    to S3 and back, `asked` and `done` as whoever made it sees it."""

    operation: str
    path: str
    asked: float
    began: float
    ended: float
    done: float

    @property
    def seconds(self) -> float:
        """How long it was on its way."""
        return self.ended - self.began

    @property
    def library(self) -> float:
        """Seconds beside: building, signing, reading."""
        return self.done - self.asked - self.seconds


class S3Watch:
    """Stands before a bucket's calls and before what carries them."""

    def __init__(self, bucket: Bucket) -> None:
        self.calls: list[S3Call] = []
        self._thread = threading.local()
        carry = bucket.rest.carry
        bucket.rest = _Timed(bucket.rest, self._called)
        bucket.rest.carry = partial(self._carried, carry)

    def _called(self, call: Callable[[], Received]) -> Received:
        self._thread.asked = time.monotonic()
        try:
            return call()
        finally:
            self._thread.call.done = time.monotonic()

    def _carried(self, carry: Carry, attempt: Attempt) -> Received:
        began = time.monotonic()
        answer = carry(attempt)
        ended = time.monotonic()
        path = urlsplit(attempt.url).path
        self._thread.call = S3Call(attempt.operation, path, self._thread.asked, began, ended, ended)
        self.calls.append(self._thread.call)
        return answer

    def take(self) -> list[S3Call]:
        """The calls since the last time."""
        calls, self.calls = self.calls, []
        return calls


class _Timed(S3Rest):
    """The same, each call by way of `around`."""

    def __init__(self, rest: S3Rest, around: Callable[[Callable[[], Received]], Received]) -> None:
        vars(self).update(vars(rest))
        self._around = around

    def call(self, asked: Asked) -> Received:
        return self._around(lambda: super(_Timed, self).call(asked))


def covered(calls: Iterable[tuple[float, float]], since: float, until: float) -> float:
    """Seconds between `since` and `until` in which at least one of the intervals is open."""
    total, reached = 0.0, since
    for began, ended in sorted(calls):
        opened, closed = max(began, reached), min(ended, until)
        if closed > opened:
            total, reached = total + closed - opened, closed
    return total
