"""One invocation between the two sides: pieces from the function's Runtime API to whoever called."""

from __future__ import annotations

import threading
import uuid
from collections import deque
from typing import Any

WINDOW = 1 << 20
"""Bytes that may wait for the caller before the function has to: a slow reader slows the function down."""


class FunctionFailed(Exception):
    """The invocation has no whole answer. `kind` is Lambda's errorType, `payload` what a direct caller is given."""

    def __init__(self, kind: str, message: str, payload: Any = None) -> None:
        super().__init__(f"{kind}: {message}" if message else kind)
        self.kind = kind
        self.payload = payload if payload is not None else {"errorType": kind, "errorMessage": message}


class Invocation:
    """An event on its way through a function, and the answer on its way back.

    The worker's side calls `begin` once, `send` for each piece, then `end` or `fail`; the caller's side calls
    `receive` until None, or `abandon`. Both ids are the ones that the Runtime API hands to the function.
    """

    def __init__(self, event: bytes, trace: str) -> None:
        self.event = event
        self.trace = trace
        self.id = str(uuid.uuid4())
        self.token = str(uuid.uuid4())
        self._pieces: deque[bytes] = deque()
        self._waiting = 0
        self._begun = self._ended = self._abandoned = False
        self._failure: FunctionFailed | None = None
        self._changed = threading.Condition()

    def begin(self) -> bool:
        """Whether an answer may be sent: only the first one may."""
        with self._changed:
            first = not (self._begun or self._ended)
            self._begun = True
            return first

    def send(self, piece: bytes) -> None:
        """Pass a piece on; waits while the caller is WINDOW bytes behind. For a caller who has left it is dropped."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting < WINDOW or self._abandoned or self._ended)
            if not (self._abandoned or self._ended):
                self._pieces.append(piece)
                self._waiting += len(piece)
                self._changed.notify_all()

    def end(self) -> None:
        """The answer is whole."""
        self._finish(None)

    def fail(self, failure: FunctionFailed) -> bool:
        """There will be no more; False when the answer was whole before, or failed."""
        return self._finish(failure)

    def receive(self, timeout: float) -> bytes | None:
        """The next piece, None at the end. Raises TimeoutError after `timeout` seconds, FunctionFailed."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._pieces or self._ended, timeout):
                raise TimeoutError
            if self._pieces:
                piece = self._pieces.popleft()
                self._waiting -= len(piece)
                self._changed.notify_all()
                return piece
            if self._failure is not None:
                raise self._failure
            return None

    def abandon(self) -> None:
        """The caller has left. As on AWS the function is not told, and works to its end."""
        with self._changed:
            self._abandoned = True
            self._changed.notify_all()

    def _finish(self, failure: FunctionFailed | None) -> bool:
        with self._changed:
            first = not self._ended
            if first:
                self._ended, self._failure = True, failure
                self._changed.notify_all()
            return first
