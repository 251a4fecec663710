"""The socket side: accepts connections on loopback, one thread each, and ends them all when asked."""

from __future__ import annotations

import contextlib
import selectors
import socket
import socketserver
import ssl
import sys
import threading
from typing import Any

from dev.simulator.pace import Closing

JOIN_SECONDS = 5
"""How long closing waits for a connection's thread; they end at once unless an injected sleep holds one."""


class Listener(socketserver.ThreadingTCPServer):
    """A TCP server whose `close` leaves no thread and no open socket behind.

    A client that goes away, or whose TLS handshake fails, is part of the play and not worth a line.
    """

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, port: int, handler: type[socketserver.BaseRequestHandler], tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(("127.0.0.1", port), handler)
        self._tls = tls
        self._lock = threading.Lock()
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._closing = False
        self._woken, self._waker = socket.socketpair()
        self._accepting = threading.Thread(target=self._accept, daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.server_address[1])

    def start(self) -> None:
        """Begin to accept."""
        self._accepting.start()

    def close(self) -> None:
        """Stop accepting, shut every connection down, wait for their threads."""
        self._waker.close()
        self._accepting.join()
        self._woken.close()
        self.server_close()
        with self._lock:
            self._closing = True
            open_now = dict(self._connections)
        for thread, connection in open_now.items():
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join(JOIN_SECONDS)

    def _accept(self) -> None:
        """In place of `serve_forever`, which notices its end only at the next poll."""
        with selectors.DefaultSelector() as selector:
            selector.register(self, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while all(key.fileobj is self for key, _ in selector.select()):
                self.handle_request()

    def get_request(self) -> tuple[socket.socket, Any]:
        """The next connection; its TLS handshake happens in its own thread, at the first read."""
        connection, address = super().get_request()
        if self._tls is not None:
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def process_request(self, request: Any, client_address: Any) -> None:
        """A thread for this connection."""
        thread = threading.Thread(target=self._serve, args=(request, client_address), daemon=True)
        with self._lock:
            self._connections[thread] = request
        thread.start()

    def _serve(self, request: Any, client_address: Any) -> None:
        try:
            self.process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._connections.pop(threading.current_thread(), None)

    def shutdown_request(self, request: Any) -> None:
        """Only close: a FIN sent first would turn a reset into an orderly end."""
        self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print what is a defect of the simulator's own."""
        error = sys.exc_info()[1]
        if not self._closing and not isinstance(error, OSError | Closing):
            super().handle_error(request, client_address)
