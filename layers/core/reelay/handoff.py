"""Where the thread that reads the upstream, the one that consumes, and the deadline meet."""

from __future__ import annotations

import socket
import threading
from collections import deque
from contextlib import suppress

from reelay.model import Data, Failed, Outgoing, Seen


class Over(Exception):
    """The exchange has ended for the consumer; the reader has nothing left to do."""


class Handoff:
    """A bounded row of things seen, and one last thing, which the first to say it decides.

    The reader is held back while `length` things wait. At every moment there is a `verdict`: what is true if the
    exchange were to end now. Whoever ends it from outside makes that the last thing, and shuts the reader's socket.
    """

    def __init__(self, length: int, verdict: Failed) -> None:
        self._changed = threading.Condition()
        self._length = length
        self._row: deque[Seen] = deque()
        self._verdict = verdict
        self._last: Seen | None = None
        self._asked: Outgoing | None = None
        self._socket: socket.socket | None = None

    def ask(self, outgoing: Outgoing) -> None:
        """Give the reader its request. Raises RuntimeError for a second one, which is never meant."""
        with self._changed:
            if self._asked is not None:
                raise RuntimeError("only one request may be posted on a line")
            self._asked = outgoing
            self._changed.notify_all()

    def asked(self) -> Outgoing:
        """Wait for the request. Raises Over."""
        with self._changed:
            self._changed.wait_for(lambda: self._asked is not None or self._last is not None)
            if self._asked is None or self._last is not None:
                raise Over
            return self._asked

    def hold(self, sock: socket.socket) -> None:
        """The reader is about to block on `sock`. Raises Over."""
        with self._changed:
            self._check()
            self._socket = sock

    def stand(self, verdict: Failed) -> None:
        """From now on this is true of an early end. Raises Over: then nothing may be done that would make it true."""
        with self._changed:
            self._check()
            self._verdict = verdict

    def check(self) -> None:
        """Raises Over when the reader has nothing left to do."""
        with self._changed:
            self._check()

    def put(self, seen: Seen) -> None:
        """Hand on what was seen, then wait until there is room for more. Raises Over."""
        with self._changed:
            self._check()
            self._row.append(seen)
            self._changed.notify_all()
            if len(self._row) >= self._length:
                self._changed.wait_for(lambda: len(self._row) < self._length or self._last is not None)
                self._check()

    def finish(self, last: Seen) -> None:
        """The last thing, unless the exchange has been ended before. Never waits."""
        with self._changed:
            self._last = self._last or last
            self._changed.notify_all()

    def take(self, seconds: float) -> Seen | None:
        """The next thing, the last one again and again, or None when `seconds` passed without one. Bytes that wait come
        together."""
        with self._changed:
            self._changed.wait_for(lambda: self._row or self._last is not None, seconds)
            if not self._row:
                return self._last
            seen = self._taken()
            self._changed.notify_all()
            return seen

    def _taken(self) -> Seen:
        """The first in the row, and with bytes all that wait behind them: who lags takes them at once."""
        first = self._row.popleft()
        pieces = [first.data] if isinstance(first, Data) else []
        while pieces and self._row and isinstance(waiting := self._row[0], Data):
            pieces.append(waiting.data)
            self._row.popleft()
        return Data(b"".join(pieces)) if len(pieces) > 1 else first

    def interrupt(self) -> None:
        """End the exchange with the verdict as it stands, after what was seen so far. Never waits."""
        with self._changed:
            self.finish(self._verdict)
            if self._socket is not None:
                with suppress(OSError):  # closed already, or now the inside of a TLS socket
                    # Not SSLSocket.shutdown, which takes the TLS layer from under the thread that reads.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """The same, and nobody will ask for what was seen."""
        with self._changed:
            self.interrupt()
            self._row.clear()

    def _check(self) -> None:
        if self._last is not None:
            raise Over
