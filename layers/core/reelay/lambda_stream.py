"""The hook that lets a door on the managed Python runtime stream its answer.

awslambdaric (4.2.2 as this is written) can only post one whole result. Here the response POST to the Runtime API is
opened by the door itself, and three methods of awslambdaric's client learn to leave an invocation alone whose answer
has gone out that way. Everything else stays AWS's. Alone in its module so that it can be deleted the day the runtime
streams by itself (aws/aws-lambda-roadmap issue 39).

Protocol: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming and
https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html
"""

from __future__ import annotations

import base64
import http.client
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import awslambdaric  # type: ignore[import-untyped]  # AWS ships no types
from awslambdaric.lambda_runtime_client import LambdaRuntimeClient  # type: ignore[import-untyped]  # AWS ships no types

PRELUDE_LIMIT = 16 * 1024
"""Bytes within which Lambda wants status, headers and the delimiter (API Gateway: response-transfer-mode-lambda)."""

SEND_SECONDS = 60.0
"""How long one send may wait for a reader who takes nothing: the upstream's own idle limit must not run out."""

TRAILERS_LIMIT = 3 * 1024
"""Bytes of the trailing error body. The Runtime API is a Go server, which reads no trailers beyond its 4 KiB buffer
(net/http, transfer.go: "suspiciously long trailer") and then takes the whole answer for cut off."""

_WORDS = 128  # characters of each word of a shortened error: three of 4 bytes each, in base64, stay under the limit
_DELIMITER = bytes(8)
_HOOKED = ("wait_next_invocation", "post_invocation_result", "post_invocation_error")
_ERROR_TYPE, _ERROR_BODY = "Lambda-Runtime-Function-Error-Type", "Lambda-Runtime-Function-Error-Body"
_log = logging.getLogger(__name__)


class ResponseStream:
    """The answer to one invocation, sent while it is made: `begin`, any number of `write`, `end`.

    `gone` turns True when the other side stops taking bytes. Nothing here raises OSError: that the reader has left is
    no failure of the door, which goes on to its end.
    """

    def __init__(
        self, runtime_api: str, invoke_id: str, invocation_id: str | None, send_seconds: float = SEND_SECONDS
    ) -> None:
        self.gone = False
        self.begun = False
        self._open = False
        self._path = f"/2018-06-01/runtime/invocation/{invoke_id}/response"
        self._invocation_id = invocation_id
        # http.client turns Nagle's algorithm off when it connects, so no piece waits for the one before it.
        self._connection = http.client.HTTPConnection(runtime_api, timeout=send_seconds)

    def begin(self, status: int, headers: Mapping[str, str], cookies: Sequence[str] = ()) -> None:
        """Open the POST and send status and headers, before any piece is there.

        Raises ValueError when they take more than PRELUDE_LIMIT bytes; nothing has been sent then and the invocation
        can still fail as a whole. Raises RuntimeError when called twice.
        """
        if self.begun:
            raise RuntimeError("begin was called before: an invocation has one answer")
        head: dict[str, Any] = {"statusCode": status, "headers": dict(headers)}
        if cookies:
            head["cookies"] = list(cookies)
        prelude = json.dumps(head, separators=(",", ":")).encode() + _DELIMITER
        if len(prelude) > PRELUDE_LIMIT:
            raise ValueError(
                f"status, headers and delimiter take {len(prelude)} bytes and Lambda reads {PRELUDE_LIMIT}: "
                "send fewer or shorter headers"
            )
        self.begun = self._open = True
        self._attempt(self._request, prelude)

    def write(self, piece: bytes) -> bool:
        """Send `piece` as one chunk; False once the reader has gone. Raises RuntimeError before begin or after end."""
        if not self._open:
            raise RuntimeError("write needs a stream that has begun and not ended")
        return self._attempt(self._connection.send, _chunk(piece)) if piece else not self.gone

    def end(self) -> None:
        """Say that the answer is whole. The handler may go on working. Ending twice does no harm."""
        self._finish(b"")

    def fail(self, error_json: str) -> None:
        """End with the two trailers that tell Lambda of awslambdaric's error object, shortened to what it reads."""
        error = json.loads(error_json)
        kind = str(error.get("errorType", ""))[:_WORDS].encode("ascii", "replace").decode()
        trailers = f"{_ERROR_TYPE}: {kind}\r\n{_ERROR_BODY}: {_shortened(error)}\r\n"
        self._finish(trailers.encode())

    def _request(self, prelude: bytes) -> None:
        connection = self._connection
        connection.putrequest("POST", self._path, skip_accept_encoding=True)
        connection.putheader("Content-Type", "application/vnd.awslambda.http-integration-response")
        connection.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.putheader("Trailer", f"{_ERROR_TYPE}, {_ERROR_BODY}")  # what is not announced is dropped
        if self._invocation_id:
            connection.putheader("Lambda-Runtime-Invocation-Id", self._invocation_id)
        connection.endheaders()
        connection.send(_chunk(prelude))

    def _finish(self, trailers: bytes) -> None:
        if self._open:
            self._open = False
            self._attempt(self._connection.send, b"0\r\n" + trailers + b"\r\n")
            self._attempt(self._acknowledge)
            self._connection.close()

    def _acknowledge(self) -> None:
        status = self._connection.getresponse().status
        if status != http.client.ACCEPTED:
            _log.warning("the Runtime API answered %d to a streamed response", status)

    def _attempt(self, step: Callable[..., None], *arguments: bytes) -> bool:
        """Take a step if the reader is still there; False when the reader is not, or leaves over it."""
        if not self.gone:
            try:
                step(*arguments)
            except (OSError, http.client.HTTPException):
                self.gone = True
                self._connection.close()
        return not self.gone


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _shortened(error: dict[str, Any]) -> str:
    """Base64 of the error; what is too long loses its stack trace, which is in the log, and the end of its message."""
    whole = base64.b64encode(json.dumps(error).encode())
    if len(whole) > TRAILERS_LIMIT:
        words = {key: str(error.get(key, ""))[:_WORDS] for key in ("errorMessage", "errorType", "requestId")}
        whole = base64.b64encode(json.dumps(words, ensure_ascii=False).encode("utf-8", "replace"))
    return whole.decode()


class _Hook:
    """What the three methods share; a process serves one invocation at a time."""

    runtime_api = ""
    stream: ResponseStream | None = None


def install(runtime_api: str) -> None:
    """Hook awslambdaric's client, once per process; `runtime_api` is AWS_LAMBDA_RUNTIME_API, host:port.

    Raises RuntimeError when this awslambdaric lacks one of the hooked methods: better at the cold start, in clear
    words, than in the middle of an answer.
    """
    missing = [name for name in _HOOKED if not callable(getattr(LambdaRuntimeClient, name, None))]
    if missing:
        raise RuntimeError(
            f"awslambdaric {awslambdaric.__version__} has no LambdaRuntimeClient.{missing[0]}, which streaming hooks "
            "into: keep the runtime version that was tested (RuntimeManagementConfig), or set RESPONSE_STREAMING=false"
        )
    if not _Hook.runtime_api:
        _wrap_client()
    _Hook.runtime_api = runtime_api


def response_stream() -> ResponseStream:
    """The stream of the current invocation; raises RuntimeError outside one, or before `install`."""
    if _Hook.stream is None:
        raise RuntimeError("no invocation to answer: call lambda_stream.install when the door is imported")
    return _Hook.stream


def _wrap_client() -> None:
    wait, post_result, post_error = (getattr(LambdaRuntimeClient, name) for name in _HOOKED)

    def wait_next_invocation(client: Any) -> Any:
        invocation = wait(client)
        token = getattr(invocation, "invocation_id", None)  # from awslambdaric 4.0.2 on
        _Hook.stream = ResponseStream(_Hook.runtime_api, invocation.invoke_id, token)
        return invocation

    def post_invocation_result(client: Any, *result: Any, **more: Any) -> None:
        if response_stream().begun:
            response_stream().end()
        else:
            post_result(client, *result, **more)

    def post_invocation_error(client: Any, invoke_id: str, error_response_data: str, *more: Any, **named: Any) -> None:
        if response_stream().begun:
            response_stream().fail(error_response_data)
        else:
            post_error(client, invoke_id, error_response_data, *more, **named)

    for hooked in (wait_next_invocation, post_invocation_result, post_invocation_error):
        setattr(LambdaRuntimeClient, hooked.__name__, hooked)
