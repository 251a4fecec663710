"""A function's output -> HTTP reply: proxy responses, the prelude of a stream, and API Gateway's own errors; no I/O.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html (output format),
response-transfer-mode-lambda.html (streams) and api-gateway-gatewayResponse-definition.html beside it.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dev.template import GatewayResponse

PRELUDE_LIMIT = 16 * 1024
"""Bytes within which the eight NULs have to come that end a stream's status and headers."""

DELIMITER = bytes(8)
_FIELDS = frozenset({"isBase64Encoded", "statusCode", "headers", "multiValueHeaders", "body"})
_STREAM_FIELDS = frozenset({"statusCode", "headers", "multiValueHeaders", "cookies"})
_REMAPPED = frozenset({"connection", "content-length", "date", "server"})
_DROPPED = frozenset({"transfer-encoding"})
_VARIABLE = re.compile(r"\$context\.([A-Za-z.]+)")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")


class Refusal(Exception):
    """API Gateway answers by itself: `kind` is its name for the error, `message` its words to the caller, `why` what
    the developer should know."""

    def __init__(self, kind: str, status: int, message: str, why: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.status = status
        self.message = message
        self.why = why


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers, as they go out."""

    status: int
    headers: list[tuple[str, str]]


def failed(why: str) -> Refusal:
    """The function failed, or what it returned is no proxy response."""
    return Refusal("DEFAULT_5XX", 502, "Internal server error", why)


def timed_out() -> Refusal:
    """The route's time is over."""
    return Refusal("INTEGRATION_TIMEOUT", 504, "Endpoint request timed out")


def proxy_reply(payload: bytes, decodes: bool) -> tuple[Head, bytes]:
    """The reply that a function's JSON stands for; `decodes` says whether a base64 body is binary for the caller.

    Raises Refusal when it is malformed: no object, a field that is not one of the five, a body that is no string.
    """
    response = _object(payload, _FIELDS)
    body = response.get("body")
    if not (body is None or isinstance(body, str)):
        raise failed("its body is no string")
    if not (response.get("isBase64Encoded") and decodes):
        return _head(response), (body or "").encode("utf-8", "replace")
    try:
        return _head(response), base64.b64decode(body or "")
    except binascii.Error:
        raise failed("its body is not base64") from None


def read_prelude(pieces: Iterator[bytes]) -> tuple[Head, bytes]:
    """Status and headers of a stream, and what came behind them in the same piece.

    Raises Refusal when the delimiter is not within PRELUDE_LIMIT bytes or something else stands before it.
    """
    start = b""
    while DELIMITER not in start:
        piece = next(pieces, None)
        if piece is None or len(start) >= PRELUDE_LIMIT:
            raise failed("a streamed route wants eight NULs within 16 KB and got none")
        start += piece
    prelude, _, rest = start.partition(DELIMITER)
    if len(prelude) + len(DELIMITER) > PRELUDE_LIMIT:
        raise failed("its status and headers take more than 16 KB")
    return _head(_object(prelude, _STREAM_FIELDS)), rest


def render(refusal: Refusal, responses: Mapping[str, GatewayResponse], request_id: str) -> tuple[Head, bytes]:
    """API Gateway's own answer, in the template's words where it has some: by the error's name, else by its class."""
    default = "DEFAULT_4XX" if refusal.status < 500 else "DEFAULT_5XX"
    response = responses.get(refusal.kind) or responses.get(default) or GatewayResponse(None, {}, {})
    context = {
        "requestId": request_id,
        "error.message": refusal.message,
        "error.messageString": json.dumps(refusal.message),
        "error.responseType": refusal.kind,
    }
    bodies = response.bodies or {"application/json": '{"message":$context.error.messageString}'}
    media_type = "application/json" if "application/json" in bodies else next(iter(bodies))
    body = _VARIABLE.sub(lambda variable: context.get(variable[1], ""), bodies[media_type])
    headers = {name.lower(): (name, _parameter(value, context)) for name, value in response.headers.items()}
    headers.setdefault("content-type", ("Content-Type", media_type))
    return Head(response.status or refusal.status, list(headers.values())), body.encode()


def _parameter(value: str, context: Mapping[str, str]) -> str:
    """A mapping expression: `'words'`, or `context.` and the name of a variable."""
    return context.get(value.removeprefix("context."), "") if value.startswith("context.") else value.strip("'")


def _object(payload: bytes, fields: frozenset[str]) -> dict[str, Any]:
    try:
        response = json.loads(payload)
    except ValueError:
        raise failed("its answer is not JSON") from None
    if not isinstance(response, dict) or not response.keys() <= fields:
        raise failed(f"its answer is no object of {', '.join(sorted(fields))} alone")
    return response


def _head(response: Mapping[str, Any]) -> Head:
    try:
        status = int(response.get("statusCode", 200))
    except (TypeError, ValueError):
        raise failed("its statusCode is no number") from None
    headers = [header for pair in _pairs(response) for header in _outgoing(*pair)]
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json"))
    if not 100 <= status <= 599 or not all(_sendable(*header) for header in headers):
        raise failed("its statusCode or a header is none of HTTP's")
    return Head(status, headers)


def _pairs(response: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Both kinds of headers as one list; a pair that stands in both is there once."""
    single, multi = response.get("headers") or {}, response.get("multiValueHeaders") or {}
    if not (isinstance(single, dict) and isinstance(multi, dict) and all(isinstance(v, list) for v in multi.values())):
        raise failed("its headers are no object, or its multiValueHeaders no object of lists")
    yield from ((name, value) for name, value in single.items() if value not in multi.get(name, []))
    yield from ((name, value) for name, values in multi.items() for value in values)
    yield from (("Set-Cookie", cookie) for cookie in response.get("cookies") or [])


def _outgoing(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """The header as API Gateway lets it out: some it drops, some it renames because it sends its own."""
    if not isinstance(value, (str, bool)):
        raise failed("a header's value is no string")
    if name.lower() not in _DROPPED:
        text = str(value).lower() if isinstance(value, bool) else value
        yield (f"x-amzn-Remapped-{name}" if name.lower() in _REMAPPED else name), text


def _sendable(name: str, value: str) -> bool:
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return bool(_HEADER_NAME.match(name)) and not {"\r", "\n", "\0"} & set(value)
