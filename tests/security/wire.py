"""A caller on a bare socket, who writes what no client library would."""

from __future__ import annotations

import http.client
import json
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

PATIENCE_SECONDS = 30.0
ENVELOPE = {"message", "type", "param", "code"}
"""What every error holds."""


@dataclass(frozen=True)
class Heard:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def error(self) -> Any:
        """The error, which has to be in the envelope."""
        error = json.loads(self.body)["error"]
        assert set(error) == ENVELOPE
        return error


def said(url: str, method: str, target: str, *lines: bytes, body: bytes = b"") -> Heard:
    """Send these header lines as they are, whatever they hold, and a body whose length is told."""
    place = urlsplit(url)
    head = [f"{method} {target} HTTP/1.1".encode("latin-1"), b"Host: api.test", b"Connection: close", *lines]
    if body:
        head.append(b"Content-Length: %d" % len(body))
    with socket.create_connection((place.hostname or "", place.port or 0), PATIENCE_SECONDS) as connection:
        connection.sendall(b"\r\n".join([*head, b"", b""]) + body)
        with http.client.HTTPResponse(connection, method=method) as answer:
            answer.begin()
            return Heard(answer.status, answer.headers, answer.read())
