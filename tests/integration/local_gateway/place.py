"""What the tests of the local gateway share: its doors, callers over sockets, and tokens that say what to answer."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import urllib.parse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from dev.gateway import Gateway
from tests.integration.doors.meeting import PATIENCE_SECONDS

DOORS = Path(__file__).parents[1] / "doors"


class Answer:
    """A reply read off the socket; `pieces` are the chunks as they were framed."""

    def __init__(self, connection: socket.socket) -> None:
        self._stream = connection.makefile("rb")
        self.status = int(self._stream.readline().split()[1])
        self.headers = http.client.parse_headers(self._stream)

    def piece(self) -> bytes | None:
        """The next chunk; None after the last. Raises ConnectionError where the transfer is broken off."""
        size = self._stream.readline()
        if not size:
            raise ConnectionError
        data = self._stream.read(int(size, 16) + 2)[:-2]
        return data or None

    def pieces(self) -> list[bytes]:
        return list(iter(self.piece, None))

    def text(self) -> str:
        return self._stream.read(int(self.headers["Content-Length"])).decode()

    def json(self) -> Any:
        return json.loads(self.text())

    def close(self) -> None:
        self._stream.close()


class Caller:
    """One connection to the gateway, used for any number of requests."""

    def __init__(self, gateway: Gateway, stop: ExitStack) -> None:
        target = urllib.parse.urlsplit(gateway.url)
        address = (target.hostname or "", target.port or 0)
        self.connection = stop.enter_context(socket.create_connection(address, PATIENCE_SECONDS))
        self._stop = stop

    def ask(self, method: str, target: str, body: bytes | None = None, *headers: str) -> Answer:
        length = [] if body is None else [f"Content-Length: {len(body)}"]
        lines = [f"{method} {target} HTTP/1.1", "Host: api.test", *headers, *length, "", ""]
        self.connection.sendall("\r\n".join(lines).encode("latin-1") + (body or b""))
        return self.answer()

    def answer(self) -> Answer:
        answer = Answer(self.connection)
        self._stop.callback(answer.close)
        return answer


@contextmanager
def another_caller(gateway: Gateway) -> Iterator[Caller]:
    with ExitStack() as stop:
        yield Caller(gateway, stop)


TEMPLATES_KEY = "key-00000000-0000-4000-8000-000000000000"
EVERYTHING = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}
LOCKED = "arn:aws:execute-api:us-east-1:123456789012:local/live/GET/v1/locked"


def says(*statements: Any, **more: Any) -> str:
    """A token that makes the authorizer answer so; `more` goes over the rest of the answer."""
    answer = {
        "principalId": "somebody",
        "policyDocument": {"Version": "2012-10-17", "Statement": list(statements)},
        "usageIdentifierKey": "given",
    }
    return "Bearer " + base64.urlsafe_b64encode(json.dumps(answer | more).encode()).decode()


def knock(caller: Caller, token: str, path: str = "/v1/locked", method: str = "GET") -> Answer:
    return caller.ask(method, path, None, f"Authorization: {token}")
