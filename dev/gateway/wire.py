"""HTTP/1.1 as both of the gateway's servers speak it: bodies in, replies out, connections that end with their server.

RFC 9112; what http.server of the standard library lacks is the chunked coding (section 7.1) and an orderly end.
"""

from __future__ import annotations

import re
import socket
import sys
import threading
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from http.client import responses
from http.server import BaseHTTPRequestHandler
from io import BufferedIOBase
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

TRAILERS_LIMIT = 4096
"""Bytes of trailers that a Go server reads (net/http, transfer.go), and the Runtime API is one."""

_LINE_LIMIT = 256
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;|\Z)")
_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
"""Digits that no body has more of."""


class BodyBroken(Exception):
    """The body is not framed as HTTP says, or ended before its end."""


class BodyTooLarge(Exception):
    """The body is longer than the reader takes."""


class Listener(ThreadingTCPServer):
    """A thread for each connection; `close` ends the connections too."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseRequestHandler]) -> None:
        super().__init__(address, handler)
        self._connections: set[Any] = set()
        self._latest: Any = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.server_address[1])

    def start(self) -> None:
        """Serve until `close`."""
        self._thread.start()

    def close(self) -> None:
        """Stop listening, and hang up on whoever is connected."""
        self.shutdown()
        self.server_close()
        with self._changed:
            for connection in self._connections:
                hang_up(connection)

    def drain(self, seconds: float) -> None:
        """Wait until the other side is gone and what it sent has been dealt with, but no longer than that.

        Connections are accepted in order: a last one of our own shows that those before it were.
        """
        with socket.create_connection(("127.0.0.1", self.port)) as own, self._changed:
            self._changed.wait_for(lambda: self._latest == own.getsockname(), seconds)
        self.settle(seconds)

    def settle(self, seconds: float) -> None:
        """Wait until no connection is left, but no longer than that."""
        with self._changed:
            self._changed.wait_for(lambda: not self._connections, seconds)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection."""
        with self._changed:
            self._connections.add(request)
            self._latest = client_address
            self._changed.notify_all()
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection."""
        with self._changed:
            self._connections.discard(request)
            self._changed.notify_all()
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The other side may leave at any time; all else is a defect of the gateway and is shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class Connection(BaseHTTPRequestHandler):
    """Keep-alive, no waiting for more to send (Nagle), and no log line of its own."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def reply(self, status: int, headers: Iterable[tuple[str, str]], body: bytes = b"") -> None:
        """Send a whole reply in one piece; without its body where HTTP wants none (RFC 9110 section 6.4.1)."""
        bare = status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
        length = [] if bare else [("Content-Length", str(len(body)))]
        self.wfile.write(self.head(status, [*headers, *length]) + (b"" if bare or self.command == "HEAD" else body))

    def head(self, status: int, headers: Iterable[tuple[str, str]]) -> bytes:
        """Status line and headers. Raises UnicodeEncodeError for what HTTP cannot carry."""
        closing = [("Connection", "close")] if self.close_connection else []
        lines = [f"{name}: {value}" for name, value in [*headers, *closing]]
        return "\r\n".join([f"HTTP/1.1 {status} {responses.get(status, '')}", *lines, "", ""]).encode("latin-1")

    def body_pieces(self, limit: int, trailers: dict[str, str] | None = None) -> Iterator[bytes]:
        """The body as it was framed: each chunk, or all of it.

        Fills `trailers`, by lower-case name. Raises BodyTooLarge past `limit` bytes, BodyBroken.
        """
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            yield from _chunks(self.rfile, limit, {} if trailers is None else trailers)
            return
        length = self.headers.get("Content-Length", "0")
        if not _LENGTH.fullmatch(length):
            raise BodyBroken("Content-Length is not a number")
        if int(length) > limit:
            raise BodyTooLarge
        if int(length):
            yield _exactly(self.rfile, int(length))


def hang_up(connection: socket.socket) -> None:
    """End both directions, whatever state the connection is in."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it had ended before


def _chunks(stream: BufferedIOBase, limit: int, trailers: dict[str, str]) -> Iterator[bytes]:
    total = 0
    while size := _chunk_size(stream):
        total += size
        if total > limit:
            raise BodyTooLarge
        yield _exactly(stream, size + 2)[:-2]
    read = 0
    while line := _line(stream, TRAILERS_LIMIT - read):
        read += len(line)
        name, _, value = line.decode("latin-1").partition(":")
        trailers[name.strip().lower()] = value.strip()


def _chunk_size(stream: BufferedIOBase) -> int:
    digits = _SIZE.match(_line(stream, _LINE_LIMIT))
    if digits is None:
        raise BodyBroken("a chunk has no size")
    return int(digits[1], 16)


def _line(stream: BufferedIOBase, limit: int) -> bytes:
    line = stream.readline(limit + 1)
    if not line.endswith(b"\n"):
        raise BodyBroken("a line is cut or too long")
    return line.rstrip(b"\r\n")


def _exactly(stream: BufferedIOBase, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise BodyBroken("the body is cut")
    return data
