"""The gateway's front: HTTP in, a door's answer out, whole or piece by piece."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from dev.gateway.events import Request, is_binary, method_arn
from dev.gateway.invocation import FunctionFailed, Invocation
from dev.gateway.lambda_api import invoke_reply, invoked_function
from dev.gateway.replies import Head, Refusal, failed, proxy_reply, read_prelude, render, timed_out
from dev.gateway.wire import BodyBroken, BodyTooLarge, Connection, Listener

if TYPE_CHECKING:
    from dev.gateway.server import Gateway

BODY_LIMIT = 10 * 1024 * 1024
"""Bytes of a request's body (API Gateway quotas: 10 MB)."""

IDLE_SECONDS = 300.0
"""How long a stream may be silent, before its first byte too (API Gateway: Regional endpoints, 5 minutes)."""

_LINGER_BYTES = 64 * 1024 * 1024


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

    do_GET = do_HEAD = do_TRACE = do_QUERY = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815 - http.server's names

    def _answer(self, request: Request) -> str:
        """Answer, and say how it went. Raises Refusal as long as nothing has been sent."""
        gateway = self.server.gateway
        request = replace(request, body=self._body())
        function = invoked_function(request.method, request.path)
        if function is not None:
            if request.header("origin") is not None:  # Lambda wants a signature here, which no page of a browser has
                raise Refusal("ACCESS_DENIED", 403, "A page in a browser may not invoke functions")
            head, answer = invoke_reply(gateway.invoke, function, request.body)
            self.reply(head.status, self._signed(head, request), answer)
            return f"{head.status}"
        match = gateway.routes.find(request.method, request.path)
        if match is None:
            raise Refusal("MISSING_AUTHENTICATION_TOKEN", 403, "Missing Authentication Token")
        admitted = gateway.guard.admit(match.route, request, method_arn(request, gateway.stage))
        deadline = time.monotonic() + match.route.timeout
        invocation = gateway.start(match, request, admitted)
        idle = IDLE_SECONDS if match.route.streams else match.route.timeout
        pieces = _pieces(invocation, deadline, idle)
        try:
            if match.route.streams:
                return self._stream(request, pieces)
            return self._whole(request, b"".join(pieces))
        except FunctionFailed as failure:
            raise failed(str(failure)) from None
        except TimeoutError:
            raise timed_out() from None
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
