"""A host of media that behaves as badly as it is told to, byte by byte, on 127.0.0.1.

`python -m tests.integration.media_server MIB` serves one whole mp4 of that size, for the benchmark.
"""

from __future__ import annotations

import hashlib
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Self

HOST = "127.0.0.1"
PIECE = bytes(1024 * 1024)


def box(kind: bytes, payload: bytes = b"") -> bytes:
    """A box of an mp4 (ISO/IEC 14496-12 section 4.2)."""
    return (len(payload) + 8).to_bytes(4, "big") + kind + payload


FTYP = box(b"ftyp", b"isom\0\0\2\0isomiso2avc1mp41")
MOOV = box(b"moov", box(b"mvhd", bytes(100)))
WEBP = b"RIFF" + (4 + 8 + 10).to_bytes(4, "little") + b"WEBPVP8 " + (10).to_bytes(4, "little") + bytes(10)
HTML = b"<!DOCTYPE html><html><body>This link has expired.</body></html>"


def mp4(size: int) -> bytes:
    """A whole mp4 of exactly `size` bytes, no two parts of it alike."""
    return FTYP + MOOV + box(b"mdat", hashlib.shake_128().digest(size - len(FTYP) - len(MOOV) - 8))


class Wire:
    """One connection whose request has been read: what a script writes to."""

    def __init__(self, sock: socket.socket, stopping: threading.Event) -> None:
        self._sock = sock
        self._stopping = stopping

    def send(self, data: bytes) -> None:
        """Raises OSError when the reader is gone."""
        self._sock.sendall(data)

    def pause(self, seconds: float) -> None:
        """Say nothing for a while; raises OSError when the server ends."""
        if self._stopping.wait(seconds):
            raise ConnectionAbortedError


Script = Callable[[Wire], None]


def raw(*data: bytes) -> Script:
    """Those bytes, then the end of the connection."""

    def script(wire: Wire) -> None:
        for piece in data:
            wire.send(piece)

    return script


def head(status: int = 200, /, **headers: str | int) -> bytes:
    """A status line and headers; an underscore in a name stands for a hyphen."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def reply(body: bytes, status: int = 200, content_type: str = "video/mp4", **headers: str | int) -> Script:
    """A whole answer with an honest length."""
    return raw(head(status, **{"Content_Type": content_type, "Content_Length": len(body), **headers}), body)


def redirect(location: str, status: int = 302) -> Script:
    """An answer that leads on."""
    return raw(head(status, Location=location, Content_Length=0))


def endless(first: bytes, piece: bytes, seconds: float = 0, **headers: str | int) -> Script:
    """A body without a length that begins with `first` and never ends: `piece` after `piece`, `seconds` apart."""

    def script(wire: Wire) -> None:
        wire.send(head(Content_Type="video/mp4", **headers) + first)
        while True:
            wire.pause(seconds)
            wire.send(piece)

    return script


def large(mib: int) -> Script:
    """A whole mp4 of about `mib` MiB, of one megabyte over and over, so that the host needs no memory for it."""

    def script(wire: Wire) -> None:
        payload = mib * len(PIECE)
        start = FTYP + MOOV + (1).to_bytes(4, "big") + b"mdat" + (payload + 16).to_bytes(8, "big")
        wire.send(head(Content_Type="video/mp4", Content_Length=len(start) + payload) + start)
        for _ in range(mib):
            wire.send(PIECE)

    return script


class MediaServer(ThreadingTCPServer):
    """Plays `scripts[path]` to whoever asks for the path, over TLS when it has a context. 404 for all else."""

    daemon_threads = True
    request_queue_size = 16

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__((HOST, 0), _Connection)
        self.tls = tls
        self.scripts: dict[str, Script] = {}
        self.connections = 0
        self.requests: list[str] = []
        self.stopping = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def origin(self) -> str:
        return f"http://{HOST}:{self.port}"

    def url(self, path: str, script: Script) -> str:
        """Play `script` at `path` from now on; returns its link."""
        self.scripts[path] = script
        return self.origin + path

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Connection(BaseRequestHandler):
    server: MediaServer
    request: socket.socket

    def handle(self) -> None:
        self.server.connections += 1
        with suppress(OSError), self._secured() as sock:
            request = _request(sock)
            self.server.requests.append(request)
            path = request.split(" ")[1].partition("?")[0]
            self.server.scripts.get(path, reply(b"", 404))(Wire(sock, self.server.stopping))

    @contextmanager
    def _secured(self) -> Iterator[socket.socket]:
        if self.server.tls is None:
            yield self.request
        else:
            with self.server.tls.wrap_socket(self.request, server_side=True) as sock:
                yield sock


def _request(sock: socket.socket) -> str:
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        piece = sock.recv(4096)
        if not piece:
            raise ConnectionAbortedError
        data += piece
    return data.decode("latin-1")


def main() -> None:
    """Serve until the standard input ends."""
    with MediaServer() as server:
        print(server.url("/large.mp4", large(int(sys.argv[1]))), flush=True)  # noqa: T201 - a program for the benchmark
        sys.stdin.read()


if __name__ == "__main__":
    main()
