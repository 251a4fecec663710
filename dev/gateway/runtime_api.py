"""The Runtime API of one worker: what awslambdaric polls and posts to.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html; answers that stream: runtimes-custom.html. As strict as
AWS's own server was seen to be (aws-lambda-rie): a second answer is refused, trailers that were not announced are
dropped, and too long ones cut the answer off.
"""

from __future__ import annotations

import base64
import binascii
import json
import time
from typing import Any, Protocol

from dev.gateway.invocation import FunctionFailed, Invocation
from dev.gateway.wire import BodyBroken, BodyTooLarge, Connection, Listener

RESULT_LIMIT = 6 * 1024 * 1024 + 100
"""Bytes of a whole result (Lambda quotas: 6 MB; 6,291,556 is the number in its error message)."""

STREAM_LIMIT = 200 * 1024 * 1024
"""Bytes of a streamed answer (Lambda quotas: 200 MB)."""

_VERSION = "/2018-06-01/runtime"
_ERROR_TYPE, _ERROR_BODY = "lambda-runtime-function-error-type", "lambda-runtime-function-error-body"


class Sandbox(Protocol):
    """The worker behind a Runtime API."""

    arn: str

    def next_invocation(self) -> tuple[Invocation, float] | None:
        """Wait for an invocation and its deadline in Unix seconds; None when the worker has ended."""

    def running(self) -> Invocation | None:
        """What the worker works on."""

    def init_failed(self, failure: FunctionFailed) -> None:
        """The door could not be imported."""


class RuntimeApiServer(Listener):
    """Listens on a port of its own, so that who asks is who was started with it."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(("127.0.0.1", 0), RuntimeApi)
        self.sandbox = sandbox


class RuntimeApi(Connection):
    """One connection of the worker's."""

    server: RuntimeApiServer

    def do_GET(self) -> None:  # noqa: N802 - http.server's name for it
        """Hand out the next invocation."""
        if self.path != f"{_VERSION}/invocation/next":
            self._answer(404, "no such path")
            return
        given = self.server.sandbox.next_invocation()
        if given is None:
            self.close_connection = True
            return
        invocation, deadline = given
        headers = [
            ("Content-Type", "application/json"),
            ("Lambda-Runtime-Aws-Request-Id", invocation.id),
            ("Lambda-Runtime-Invocation-Id", invocation.token),
            ("Lambda-Runtime-Deadline-Ms", str(int(deadline * 1000))),
            ("Lambda-Runtime-Invoked-Function-Arn", self.server.sandbox.arn),
            ("Lambda-Runtime-Trace-Id", invocation.trace),
            ("Date", self.date_time_string(time.time())),
        ]
        self.reply(200, headers, invocation.event)

    def do_POST(self) -> None:  # noqa: N802 - http.server's name for it
        """Take an answer or an error."""
        if self.path == f"{_VERSION}/init/error":
            self.server.sandbox.init_failed(_failure(self._json()))
            self._answer(202, "OK")
            return
        invocation = self.server.sandbox.running()
        paths = {} if invocation is None else {f"{_VERSION}/invocation/{invocation.id}/{end}": end for end in _ENDS}
        if invocation is None or self.path not in paths:
            self._refuse(400, "InvalidRequestID")
        elif self.headers.get("Lambda-Runtime-Invocation-Id", invocation.token) != invocation.token:
            self._refuse(400, "InvalidInvocationID")
        elif not invocation.begin():
            self._refuse(403, "InvalidStateTransition")
        else:
            _ENDS[paths[self.path]](self, invocation)

    def _error(self, invocation: Invocation) -> None:
        invocation.fail(_failure(self._json()))
        self._answer(202, "OK")

    def _response(self, invocation: Invocation) -> None:
        streams = self.headers.get("Lambda-Runtime-Function-Response-Mode") == "streaming"
        trailers: dict[str, str] = {}
        try:
            for piece in self.body_pieces(STREAM_LIMIT if streams else RESULT_LIMIT, trailers):
                invocation.send(piece)
        except BodyTooLarge:
            invocation.fail(FunctionFailed("Function.ResponseSizeTooLarge", "Response payload size exceeded"))
            self._refuse(413, "RequestEntityTooLarge")
        except (BodyBroken, OSError):
            invocation.fail(FunctionFailed("Runtime.TruncatedResponse", "the function broke its answer off"))
            self.close_connection = True
        else:
            announced = {name.strip().lower() for name in self.headers.get("Trailer", "").split(",")}
            if _ERROR_TYPE in announced & trailers.keys():
                body = trailers.get(_ERROR_BODY, "") if _ERROR_BODY in announced else ""
                invocation.fail(FunctionFailed(trailers[_ERROR_TYPE], "", _decoded(body)))
            invocation.end()
            self._answer(202, "OK")

    def _json(self) -> Any:
        try:
            return json.loads(b"".join(self.body_pieces(RESULT_LIMIT)))
        except (BodyBroken, BodyTooLarge, ValueError):
            return {}

    def _refuse(self, status: int, kind: str) -> None:
        self.close_connection = True  # what was not read of the request cannot be told from the next one
        self._answer(status, kind)

    def _answer(self, status: int, word: str) -> None:
        body = {"status": word} if status < 300 else {"errorType": word, "errorMessage": word}
        self.reply(status, [("Content-Type", "application/json")], json.dumps(body).encode())


_ENDS = {"response": RuntimeApi._response, "error": RuntimeApi._error}  # noqa: SLF001 - its own methods


def _failure(error: Any) -> FunctionFailed:
    """An error object as awslambdaric posts it. Its message may hold a caller's words: a direct caller is given it,
    the log is not."""
    kind = error.get("errorType", "") if isinstance(error, dict) else ""
    return FunctionFailed(str(kind) or "Unhandled", "", error)


def _decoded(body: str) -> Any:
    try:
        return json.loads(base64.b64decode(body))
    except (binascii.Error, ValueError):
        return None
