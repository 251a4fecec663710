"""The gateway's front: HTTP in, a door's answer out, whole or piece by piece.

Stands for a Regional REST API with Lambda proxy integrations, one stage, reached under the stage's path as on
execute-api hosts and without it as under a custom domain.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dev.gateway.events import Request, is_binary, proxy_event, undeclared_binary
from dev.gateway.invocation import FunctionFailed, Invocation
from dev.gateway.replies import Head, Refusal, failed, proxy_reply, read_prelude, render
from dev.gateway.routes import Match, Routes
from dev.gateway.wire import BodyBroken, BodyTooLarge, Connection, Listener
from dev.gateway.worker import Start, Workers
from dev.template import Template, read

BODY_LIMIT = 10 * 1024 * 1024
"""Bytes of a request's body (API Gateway quotas: 10 MB)."""

EVENT_LIMIT = 6 * 1024 * 1024
"""Bytes of an event, body and all (Lambda quotas: 6 MB, invocation payload)."""

IDLE_SECONDS = 300.0
"""How long a stream may be silent, before its first byte too (API Gateway: Regional endpoints, 5 minutes)."""

INVOKE_SECONDS = 900.0
"""How long a direct invocation may take (Lambda: the longest time-out)."""

_LINGER_BYTES = 64 * 1024 * 1024


class Gateway:
    """The API and the functions of a template, up from `with` to its end.

    `environment` is laid over the functions' own variables; `log` takes what they print and what the gateway has to
    say (the error stream when None). `port` 0 means any free one.
    """

    def __init__(
        self,
        template: Path,
        environment: Mapping[str, str],
        *,
        port: int = 0,
        stage: str = "live",
        python: str = sys.executable,
        log: Path | None = None,
    ) -> None:
        self.stage = stage
        self.template: Template = read(template)
        self.routes = Routes(self.template.routes)
        self._port, self._python, self._environment, self._log = port, python, environment, log
        self._workers: dict[str, Workers] = {}
        self._stop = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            log = sys.stderr if self._log is None else undo.enter_context(self._log.open("w", encoding="utf-8"))
            self._start = Start(self._python, self._environment, log)
            for name, function in self.template.functions.items():
                self._workers[name] = Workers(function, self._start)
                undo.callback(self._workers[name].close)
            self._listener = Front(self, self._port)
            self._listener.start()
            undo.callback(self._listener.close)
            self._stop = undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.close()

    @property
    def url(self) -> str:
        """The origin; routes are under it, and under it and the stage."""
        return f"http://127.0.0.1:{self._listener.port}"

    def invoke(self, function: str, event: Any) -> Any:
        """Invoke a function directly, by its logical id; returns what its JSON answer says.

        Raises KeyError for an unknown function, FunctionFailed (its error object as `payload`), TimeoutError, and
        ValueError when the answer is no JSON (as a streamed one).
        """
        invocation = self._workers[function].invoke(json.dumps(event).encode(), "Root=local", INVOKE_SECONDS)
        return json.loads(b"".join(iter(lambda: invocation.receive(INVOKE_SECONDS), None)))

    def start(self, match: Match, request: Request) -> Invocation:
        """Hand a request to its function. Raises Refusal when it does not fit or no worker can take it."""
        media = undeclared_binary(request, self.template.binary_media_types)
        if media is not None:
            self.note(f"API Gateway would garble this body: BinaryMediaTypes does not name {media}")
        event = proxy_event(request, match, self.stage, self.template.binary_media_types)
        payload = json.dumps(event, ensure_ascii=False).encode()
        if len(payload) > EVENT_LIMIT:
            raise Refusal("REQUEST_TOO_LARGE", 413, "Request Too Long")
        try:
            return self._workers[match.route.function].invoke(payload, request.trace, match.route.timeout)
        except TimeoutError:
            raise _timed_out() from None
        except OSError:
            why = f"{match.route.function} cannot be started"
            raise Refusal("INTEGRATION_FAILURE", 504, "Network error communicating with endpoint", why) from None

    def note(self, line: str) -> None:
        """Say one line on the log."""
        self._start.note(line)


class Front(Listener):
    """Listens for callers."""

    def __init__(self, gateway: Gateway, port: int) -> None:
        super().__init__(("127.0.0.1", port), Caller)
        self.gateway = gateway


class Caller(Connection):
    """One connection of a caller's."""

    server: Front

    def _serve(self) -> None:
        began = time.monotonic()
        request = self._request()
        try:
            said = self._answer(request)
        except Refusal as refusal:
            head, body = render(refusal, self.server.gateway.template.responses, request.id)
            self._note(request, f"{head.status} {refusal.kind} {refusal.why}".rstrip(), began)
            self.reply(head.status, self._signed(head, request), body)
        except OSError:
            self._note(request, "left before the answer", began)
            self.close_connection = True
        else:
            self._note(request, said, began)
        if self.close_connection:
            self._linger()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815 - http.server's names

    def _answer(self, request: Request) -> str:
        """Answer, and say how it went. Raises Refusal as long as nothing has been sent."""
        gateway = self.server.gateway
        request = replace(request, body=self._body())
        match = gateway.routes.find(request.method, request.path)
        if match is None:
            raise Refusal("MISSING_AUTHENTICATION_TOKEN", 403, "Missing Authentication Token")
        deadline = time.monotonic() + match.route.timeout
        invocation = gateway.start(match, request)
        idle = IDLE_SECONDS if match.route.streams else match.route.timeout
        pieces = _pieces(invocation, deadline, idle)
        try:
            if match.route.streams:
                return self._stream(request, pieces)
            return self._whole(request, b"".join(pieces))
        except FunctionFailed as failure:
            raise failed(str(failure)) from None
        except TimeoutError:
            raise _timed_out() from None
        finally:
            invocation.abandon()

    def _whole(self, request: Request, payload: bytes) -> str:
        accepts = (request.header("accept") or "").split(",")[0].split(";")[0].strip().lower()
        decodes = is_binary(accepts, self.server.gateway.template.binary_media_types)
        head, body = proxy_reply(payload, decodes)
        self.reply(head.status, self._signed(head, request), body)
        return f"{head.status}"

    def _stream(self, request: Request, pieces: Iterator[bytes]) -> str:
        head, rest = read_prelude(pieces)
        signed = self._signed(head, request)
        if request.method == "HEAD" or head.status in (204, 304):
            self.reply(head.status, signed)
            return f"{head.status}"
        self.wfile.write(self.head(head.status, [*signed, ("Transfer-Encoding", "chunked")]))
        try:
            for piece in _with_rest(rest, pieces):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
        except (FunctionFailed, TimeoutError) as failure:
            self.close_connection = True  # without the last chunk, so that the caller knows that this was not all
            return f"{head.status}, broken off: {str(failure) or 'silent for too long'}"
        except OSError:
            self.close_connection = True
            return f"{head.status}, but the caller left"
        return f"{head.status} streamed"

    def _request(self) -> Request:
        target = self.path if self.path.startswith("/") else "/" + self.path.split("/", 3)[-1]
        full_path, _, query = target.partition("?")
        stage = f"/{self.server.gateway.stage}"
        staged = full_path == stage or full_path.startswith(stage + "/")
        path = (full_path.removeprefix(stage) or "/") if staged else full_path
        headers = [(name, str(value)) for name, value in self.headers.items()]
        return Request(self.command, path, full_path, query, headers, b"", self.client_address[0], self.server.port)

    def _body(self) -> bytes:
        try:
            return b"".join(self.body_pieces(BODY_LIMIT))
        except BodyTooLarge:
            self.close_connection = True
            raise Refusal("REQUEST_TOO_LARGE", 413, "Request Too Long") from None
        except BodyBroken:
            self.close_connection = True
            raise Refusal("BAD_REQUEST_BODY", 400, "Bad Request") from None

    def _signed(self, head: Head, request: Request) -> list[tuple[str, str]]:
        """The headers, and those that API Gateway adds to every answer."""
        date = self.date_time_string(time.time())
        return [*head.headers, ("Date", date), ("x-amzn-RequestId", request.id), ("x-amzn-Trace-Id", request.trace)]

    def _note(self, request: Request, said: str, began: float) -> None:
        milliseconds = (time.monotonic() - began) * 1000
        self.server.gateway.note(f"{request.method} {request.full_path} {said} {milliseconds:.0f} ms")

    def _linger(self) -> None:
        """End, but read on a while: closing at once would take the reply from under a caller who still sends."""
        self.connection.shutdown(socket.SHUT_WR)
        left = _LINGER_BYTES
        while left > 0 and (data := self.rfile.read1(65536)):
            left -= len(data)


def _pieces(invocation: Invocation, deadline: float, idle: float) -> Iterator[bytes]:
    """What comes until the end. Raises TimeoutError after `idle` seconds without any, or at `deadline`."""
    while (piece := invocation.receive(max(0.0, min(idle, deadline - time.monotonic())))) is not None:
        yield piece


def _with_rest(rest: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield from [rest] if rest else []
    yield from pieces


def _timed_out() -> Refusal:
    return Refusal("INTEGRATION_TIMEOUT", 504, "Endpoint request timed out")
