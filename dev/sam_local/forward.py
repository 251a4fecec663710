"""A port of loopback, also on another address of this machine: what listens for us alone, for containers too."""

from __future__ import annotations

import socket
import socketserver
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

LOOPBACK = "127.0.0.1"
PIECE = 64 * 1024
"""Bytes passed on at once."""

CONNECT_SECONDS = 5
IDLE_SECONDS = 900
"""A connection on which nothing moves for as long as a function may live is given up."""

_CLOSE_SECONDS = 0.05
"""How often it looks whether it is to end."""


class Forward(socketserver.ThreadingTCPServer):
    """`address`:`port` is 127.0.0.1:`port`, from `__enter__` to `__exit__`. Raises OSError when it cannot listen."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, address: str, port: int) -> None:
        super().__init__((address, port), _Connection)
        self.port = port
        self._thread = threading.Thread(target=self.serve_forever, args=[_CLOSE_SECONDS], daemon=True)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that breaks off is the affair of its two ends."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()


class _Connection(socketserver.BaseRequestHandler):
    """Both directions of one connection, each until its sender has ended."""

    server: Forward

    def handle(self) -> None:
        """Until both ends have ended."""
        near: socket.socket = self.request
        near.settimeout(IDLE_SECONDS)
        with socket.create_connection((LOOPBACK, self.server.port), CONNECT_SECONDS) as far:
            far.settimeout(IDLE_SECONDS)
            back = threading.Thread(target=_pass_on, args=(far, near), daemon=True)
            back.start()
            _pass_on(near, far)
            back.join()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    """All that comes, and its end."""
    with suppress(OSError):
        while piece := source.recv(PIECE):
            sink.sendall(piece)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
