"""What a simulator has received, sent and complained of, for tests to read while it plays."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

KEPT_REQUESTS = 2_000
KEPT_FRAMES = 20_000
"""How many of each are remembered, so that endless answers and long runs stay small."""


@dataclass(frozen=True, slots=True)
class Received:
    """One complete POST to the chat endpoint; header names are lower-case, `at` is by the simulator's clock."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    at: float


@dataclass(frozen=True, slots=True)
class Sent:
    """One frame: of the answer to which request (from 1), its bytes, and when it left, by `time.monotonic`."""

    request: int
    data: bytes = field(repr=False)
    at: float


class Ledger:
    """Thread-safe; what it hands out are copies."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._received: deque[Received] = deque(maxlen=KEPT_REQUESTS)
        self._sent: deque[Sent] = deque(maxlen=KEPT_FRAMES)
        self._complaints: list[str] = []
        self._attempts: Counter[bytes] = Counter()
        self._posts = 0

    def receive(self, request: Received) -> tuple[int, int]:
        """Note a paid call; returns its number and which attempt with these bytes it is, both from 1."""
        key = hashlib.sha256(request.body).digest()
        with self._lock:
            self._received.append(request)
            self._posts += 1
            self._attempts[key] += 1
            return self._posts, self._attempts[key]

    def send(self, request: int, data: bytes) -> None:
        """Note a frame that is about to leave."""
        with self._lock:
            self._sent.append(Sent(request, data, time.monotonic()))

    def complain(self, complaints: list[str]) -> None:
        """Note what was wrong with a request."""
        with self._lock:
            self._complaints += complaints

    @property
    def requests(self) -> list[Received]:
        """The paid calls in order of arrival, the last KEPT_REQUESTS of them."""
        with self._lock:
            return list(self._received)

    @property
    def posts(self) -> int:
        """How many paid calls there were."""
        with self._lock:
            return self._posts

    @property
    def sent(self) -> list[Sent]:
        """The frames in order of sending, the last KEPT_FRAMES of them."""
        with self._lock:
            return list(self._sent)

    @property
    def complaints(self) -> list[str]:
        """Every complaint."""
        with self._lock:
            return list(self._complaints)
