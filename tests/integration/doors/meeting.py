"""Where a test and a door meet: a socket of the test's that the door connects to, so that neither has to sleep."""

from __future__ import annotations

import socket
from types import TracebackType
from typing import Self

PATIENCE_SECONDS = 10.0


class Meeting:
    """Listens from `with` on; `port` goes to the door, `go` lets it take a step, `hear` waits for what it says."""

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(PATIENCE_SECONDS)
        self._door: socket.socket | None = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        if self._door is not None:
            self._door.close()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def go(self) -> None:
        self._connected().sendall(b".")

    def hear(self) -> str:
        """What the door says next; nothing when it has hung up."""
        return self._connected().recv(1000).decode()

    def _connected(self) -> socket.socket:
        if self._door is None:
            self._door, _ = self._listener.accept()
            self._door.settimeout(PATIENCE_SECONDS)
        return self._door
