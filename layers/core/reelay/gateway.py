"""Between events and answers: the one place that turns an error into a reply, and an answer into bytes on their way."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from reelay.conformance import Conformance
from reelay.errors import ReelayError, Unforeseen
from reelay.identity import tenant_of
from reelay.model import Answer, Call, Invocation
from reelay.ports import Clock, Telemetry
from reelay.sse import encoded
from reelay.vouched import payer_of

Operation = Callable[[Call, Invocation], Answer]

REPLY_RESERVE_SECONDS = 1.0
"""Kept back from the invocation's remaining time so that a last word can still be said."""


class LambdaContext(Protocol):
    """The part of Lambda's context object that a door needs."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the invocation."""


class Stream(Protocol):
    """A response that is sent while it is made (`lambda_stream.ResponseStream`)."""

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Send status and headers."""

    def write(self, piece: bytes) -> bool:
        """Send a piece; False once the reader has gone."""

    def end(self) -> None:
        """No more pieces."""


class Reader(Protocol):
    """What turns an event into a call (`contract.Contract`)."""

    def read(self, event: Mapping[str, Any]) -> Call:
        """Raises CallerError."""


def invocation_of(context: LambdaContext, clock: Clock, *, live: bool) -> Invocation:
    """What this invocation may use of its time, a last word's kept back."""
    seconds = context.get_remaining_time_in_millis() / 1000 - REPLY_RESERVE_SECONDS
    return Invocation(clock.monotonic() + seconds, live=live)


@dataclass(frozen=True)
class Door:
    """A Lambda function's inside: reads the event, runs the operation, sends the answer.

    `open_stream` is None where answers are buffered: then `serve` returns a proxy response
    (https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html).
    """

    contract: Reader
    operations: Mapping[str, Operation]
    clock: Clock
    telemetry: Telemetry
    open_stream: Callable[[], Stream] | None = None
    tenant_secret: str = field(default="", repr=False)
    conformance: Conformance | None = None

    def serve(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any] | None:
        """Answer one event; returns a proxy response, or None when the answer has been streamed."""
        invocation = invocation_of(context, self.clock, live=self.open_stream is not None)
        answer = self._with_standard_headers(self._answer(event, invocation), context)
        if self.conformance is not None:
            answer = self.conformance.held(answer, event)
        reply = _buffered(answer) if self.open_stream is None else _send(answer, self.open_stream())
        try:
            answer.then()
        except Exception:  # noqa: BLE001 - the answer is made; what comes after it can only be told to the operator
            self.telemetry.alarm("unforeseen after the answer")
            self.telemetry.count("Unforeseen")
        return reply

    def _answer(self, event: Mapping[str, Any], invocation: Invocation) -> Answer:
        self.telemetry.count("Requests")
        try:
            call = self.contract.read(event)
            call = replace(call, tenant=tenant_of(call.token, self.tenant_secret), payer=payer_of(call.token, event))
            return self.operations[call.operation](call, invocation)
        except ReelayError as error:
            self.telemetry.note("refused", status=error.status, code=error.code, blame=error.blame)
            return refusal(error)
        except Exception:  # noqa: BLE001 - the last resort of a door: whatever was not foreseen is logged and answered
            self.telemetry.alarm("unforeseen")
            self.telemetry.count("Unforeseen")
            return refusal(Unforeseen())

    @staticmethod
    def _with_standard_headers(answer: Answer, context: LambdaContext) -> Answer:
        """What every answer carries; `nosniff`, so that no browser takes one for a page (WHATWG Fetch, section 3.6)."""
        standard = {"x-request-id": context.aws_request_id, "X-Content-Type-Options": "nosniff"}
        return replace(answer, headers={**answer.headers, **standard})


def json_answer(status: int, payload: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Answer:
    """An answer of one piece, never cached: what it tells belongs to one tenant."""
    standard = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return Answer(status, standard | dict(headers or {}), (encoded(payload),))


def refusal(error: ReelayError) -> Answer:
    """The error as a reply: its status, the OpenAI envelope, and the headers that say what to do next.

    `x-should-retry: false` keeps OpenAI SDKs from paying again by themselves (openai-python, `_should_retry`).
    """
    headers = dict(error.headers)
    if error.charged:
        headers["x-should-retry"] = "false"
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    return replace(json_answer(error.status, error.body(), headers), then=error.then)


def _send(answer: Answer, stream: Stream) -> dict[str, Any] | None:
    """Send the pieces as they come. A reader who has gone changes nothing: the pieces are made to the last one."""
    stream.begin(answer.status, answer.headers)
    for piece in answer.pieces:
        stream.write(piece)
    stream.end()
    return None


def _buffered(answer: Answer) -> dict[str, Any]:
    body = b"".join(answer.pieces)
    reply: dict[str, Any] = {"statusCode": answer.status, "headers": dict(answer.headers), "isBase64Encoded": False}
    try:
        reply["body"] = body.decode()
    except UnicodeDecodeError:
        reply |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    return reply


def bytes_answer(content_type: str, body: bytes) -> Answer:
    """A public document as it lies."""
    return Answer(200, {"Content-Type": content_type, "Cache-Control": "public, max-age=300"}, (body,))
