"""HTTP request -> REST API proxy event, version 1.0; no I/O.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html (input format).
"""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from dev.gateway.routes import Match
from dev.intrinsics import ACCOUNT, REGION

API_ID = "local"
"""What API Gateway would have named the API, in events and in the ARN of a method."""

DROPPED = frozenset(
    {
        "connection", "content-length", "content-md5", "expect", "max-forwards", "proxy-authenticate", "server", "te",
        "trailer", "transfer-encoding", "upgrade", "www-authenticate",
    }
)  # fmt: skip
"""Request headers that never reach a function (API Gateway developer guide, "important notes for REST APIs")."""

_TEXT = ("text/", "application/json", "application/xml", "application/x-www-form-urlencoded")


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came. `path` is free of the stage, `full_path` is what the caller wrote; both are as encoded as
    they came. `headers` are in order, names in the caller's spelling."""

    method: str
    path: str
    full_path: str
    query: str
    headers: list[tuple[str, str]]
    body: bytes = field(repr=False)
    client: str
    port: int
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    trace: str = field(default_factory=lambda: f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}")

    def header(self, name: str) -> str | None:
        """The last value of a header, by lower-case name."""
        return next((value for key, value in reversed(self.headers) if key.lower() == name), None)


@dataclass(frozen=True, slots=True)
class Admitted:
    """What is known of a caller who was let in: `context` is the authorizer's (None where there is none), `key` the
    API key that counts (None where none is required)."""

    context: Mapping[str, str] | None = None
    key: str | None = field(default=None, repr=False)


def method_arn(request: Request, stage: str) -> str:
    """What a policy of execute-api:Invoke has to allow."""
    return f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{API_ID}/{stage}/{request.method}{request.path}"


def proxy_event(
    request: Request, match: Match, stage: str, binary_media_types: frozenset[str], admitted: Admitted
) -> dict[str, Any]:
    """The event that API Gateway would make of `request`."""
    headers = _multi(_one_spelling(_headers(request)))
    query = _multi(parse_qsl(request.query, keep_blank_values=True))
    body, is_base64 = _body(request, binary_media_types)
    return {
        "resource": match.route.path,
        "path": request.path,
        "httpMethod": request.method,
        "headers": _last(headers),
        "multiValueHeaders": headers,
        "queryStringParameters": _last(query) or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": match.parameters or None,
        "stageVariables": None,
        "requestContext": _context(request, match, stage, admitted),
        "body": body,
        "isBase64Encoded": is_base64,
    }


def is_binary(media_type: str, binary_media_types: frozenset[str]) -> bool:
    """Whether the API is told to treat a media type as binary (BinaryMediaTypes)."""
    return "*/*" in binary_media_types or media_type in binary_media_types


def undeclared_binary(request: Request, binary_media_types: frozenset[str]) -> str | None:
    """The media type of a body that arrives whole here and would be garbled by API Gateway, or None."""
    media_type = _media_type(request)
    declared = is_binary(media_type, binary_media_types)
    return None if declared or _reads_as_text(request.body, media_type) else media_type or "no Content-Type"


def _headers(request: Request) -> list[tuple[str, str]]:
    """What passes, and what API Gateway adds; a forwarded-for list of the caller's is carried on."""
    kept = [(name, value) for name, value in request.headers if name.lower() not in DROPPED | {"x-forwarded-for"}]
    before = [value for name, value in request.headers if name.lower() == "x-forwarded-for"]
    added = [("X-Forwarded-For", ", ".join([*before, request.client])), ("X-Forwarded-Port", str(request.port))]
    added += [("X-Forwarded-Proto", "http")] if request.header("x-forwarded-proto") is None else []
    added += [("X-Amzn-Trace-Id", request.trace)] if request.header("x-amzn-trace-id") is None else []
    return kept + added


def _context(request: Request, match: Match, stage: str, admitted: Admitted) -> dict[str, Any]:
    now = time.time()
    host = request.header("host") or ""
    return {
        "accountId": ACCOUNT,
        "apiId": API_ID,
        "domainName": host,
        "domainPrefix": host.split(".")[0],
        "extendedRequestId": request.id,
        "httpMethod": request.method,
        "identity": {"sourceIp": request.client, "userAgent": request.header("user-agent")}
        | ({} if admitted.key is None else {"apiKey": admitted.key}),
        "path": request.full_path,
        "protocol": "HTTP/1.1",
        "requestId": request.id,
        "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
        "requestTimeEpoch": int(now * 1000),
        "resourceId": "local",
        "resourcePath": match.route.path,
        "stage": stage,
    } | ({} if admitted.context is None else {"authorizer": dict(admitted.context)})


def _body(request: Request, binary_media_types: frozenset[str]) -> tuple[str | None, bool]:
    """Text as it is, the rest in base64.

    API Gateway garbles bytes that are not UTF-8 unless BinaryMediaTypes names their type; here they arrive whole and
    the gateway says on its log that they would not.
    """
    if not request.body:
        return None, False
    media_type = _media_type(request)
    if is_binary(media_type, binary_media_types) or not _reads_as_text(request.body, media_type):
        return base64.b64encode(request.body).decode(), True
    return request.body.decode(), False


def _reads_as_text(body: bytes, media_type: str) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return not media_type or media_type.startswith(_TEXT) or media_type.endswith(("+json", "+xml"))


def _media_type(request: Request) -> str:
    return (request.header("content-type") or "").split(";")[0].strip().lower()


def _one_spelling(headers: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Header names that differ in case only are one name: as it was spelled first."""
    spelling: dict[str, str] = {}
    for name, value in headers:
        yield spelling.setdefault(name.lower(), name), value


def _multi(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values


def _last(multi: dict[str, list[str]]) -> dict[str, str]:
    return {name: values[-1] for name, values in multi.items()}
