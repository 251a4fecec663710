"""Every call of an S3 client, with when it was on its way."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.httpsession import URLLib3Session

from reelay.s3 import READ_SECONDS

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest, AWSResponse
    from mypy_boto3_s3 import S3Client


@dataclass(slots=True)
class S3Call:
    """An attempt of a call, by `time.monotonic`, which all processes of a machine share: `began` and `ended` on its way
    to S3 and back, `asked` and `done` as whoever called boto3 sees it."""

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
        """Seconds that boto3 took beside: building, signing, reading."""
        return self.done - self.asked - self.seconds


class S3Watch:
    """Does a client's HTTP itself (boto3's event `before-send` lets it), by the same class as the client would."""

    def __init__(self, client: S3Client) -> None:
        self.calls: list[S3Call] = []
        self._session = URLLib3Session(timeout=READ_SECONDS)
        self._thread = threading.local()
        events = client.meta.events
        events.register("provide-client-params.s3", self._asked)
        events.register("before-send.s3", self._send)  # type: ignore[arg-type] # its answer is taken
        events.register("after-call.s3", self._done)

    def _asked(self, **_: Any) -> None:
        self._thread.asked = time.monotonic()

    def _send(self, request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse:
        began = time.monotonic()
        answer = self._session.send(request)
        ended = time.monotonic()
        operation, path = event_name.rpartition(".")[2], urlsplit(str(request.url)).path
        self._thread.call = S3Call(operation, path, getattr(self._thread, "asked", began), began, ended, ended)
        self.calls.append(self._thread.call)
        return answer

    def _done(self, **_: Any) -> None:
        self._thread.call.done = time.monotonic()

    def take(self) -> list[S3Call]:
        """The calls since the last time."""
        calls, self.calls = self.calls, []
        return calls


def covered(calls: Iterable[tuple[float, float]], since: float, until: float) -> float:
    """Seconds between `since` and `until` in which at least one of the intervals is open."""
    total, reached = 0.0, since
    for began, ended in sorted(calls):
        opened, closed = max(began, reached), min(ended, until)
        if closed > opened:
            total, reached = total + closed - opened, closed
    return total
