"""A server on raw sockets that plays, connection by connection, what an upstream must never do and does."""

from __future__ import annotations

import itertools
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

_PATIENCE_SECONDS = 10.0
"""No script waits longer for its client: a test that hangs should fail by its own assertion."""

_FIN_WAIT1 = b"\x04"
"""Of `tcp_info.tcpi_state` (tcp.h of Linux): the end was sent and not yet acknowledged."""


class Peer:
    """The server's end of one connection."""

    def __init__(self, sock: socket.socket, server: FaultServer) -> None:
        self._sock = sock
        self._server = server
        sock.settimeout(_PATIENCE_SECONDS)

    def request(self, *, body: bool = True) -> bytes:
        """The request as it came on the wire, counted; with `body=False` its body is left unread."""
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._received()
        self._server.posts.append(received)
        head, _, rest = received.partition(b"\r\n\r\n")
        while body and len(rest) < _content_length(head):
            rest += self._received()
        self._server.posts[-1] = head + b"\r\n\r\n" + rest
        return self._server.posts[-1]

    def send(self, data: bytes) -> None:
        """Raises OSError when the client has gone."""
        self._sock.sendall(data)

    def think(self, seconds: float) -> None:
        """Lets time pass, unless the server is being stopped."""
        self._server.stopped.wait(seconds)

    def drip(self, data: bytes, seconds: float = 0.01) -> None:
        """Sends `data` again and again, byte by byte, until the client has gone."""
        for byte in itertools.cycle(data):
            self.send(bytes([byte]))
            self.think(seconds)

    def flood(self, data: bytes) -> None:
        """Sends `data` again and again; tells the server's `stalled` how many bytes went out before nobody read."""
        self._sock.settimeout(0.3)
        sent = 0
        while True:
            try:
                sent += self._sock.send(data)
            except TimeoutError:
                self._server.stalled_after = sent
                self._server.stalled.set()
                self._sock.settimeout(_PATIENCE_SECONDS)

    def hold(self) -> None:
        """Says nothing until the client leaves."""
        while self._sock.recv(65_536):
            pass

    def end(self) -> None:
        """Ends the connection in order; the client's side has heard it when this returns."""
        _shut(self._sock)
        if hasattr(socket, "TCP_INFO"):  # elsewhere than on Linux loopback is left to be as fast as it is
            while self._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == _FIN_WAIT1:
                self.think(0.001)

    def reset(self) -> None:
        """Ends the connection with RST."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _received(self) -> bytes:
        data = self._sock.recv(65_536)
        if not data:
            raise ConnectionError("the client left in the middle of its request")
        return data


Script = Callable[[Peer], None]


def replies(*pieces: bytes) -> Script:
    """Takes the request and sends the pieces, then closes."""

    def play(peer: Peer) -> None:
        peer.request()
        for piece in pieces:
            peer.send(piece)

    return play


def http(status: str, body: bytes = b"", **headers: str) -> bytes:
    """A reply with a body of known length; header names are written with underscores."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class FaultServer:
    """Listens on loopback; each connection gets the next script, and the last one again and again.

    `posts` are the requests that came, `connections` how many clients were accepted, `left` is set when a client went
    away while a script was talking to it.
    """

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None) -> None:
        self._scripts = scripts
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.port: int = self._listener.getsockname()[1]
        self.posts: list[bytes] = []
        self.connections = 0
        self.left = threading.Event()
        self.stopped = threading.Event()
        self.stalled = threading.Event()
        self.stalled_after = 0

    @property
    def url(self) -> str:
        """The base URL, with the path that v98store's has."""
        return f"{'https' if self._tls else 'http'}://localhost:{self.port}/v1"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        _shut(self._listener)
        with self._lock:
            for sock in self._open:
                _shut(sock)
        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while not self.stopped.is_set():
                sock, _ = self._listener.accept()
                script = self._scripts[min(self.connections, len(self._scripts) - 1)]
                self.connections += 1
                self._start(self._play, sock, script)

    def _play(self, sock: socket.socket, script: Script) -> None:
        with self._lock:
            self._open.append(sock)
        with sock, suppress(OSError):
            secured = self._secured(sock)
            with secured:
                try:
                    script(Peer(secured, self))
                except OSError:
                    self.left.set()

    def _secured(self, sock: socket.socket) -> socket.socket:
        if self._tls is None:
            return sock
        secured = self._tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        with self._lock:
            self._open.append(secured)
        try:
            secured.do_handshake()
        except OSError:
            secured.close()
            raise
        return secured


def _shut(sock: socket.socket) -> None:
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0
