"""API Gateway's events, as a REST API with Lambda proxy integration makes them (payload format 1.0)."""

from __future__ import annotations

import base64 as b64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from reelay.errors import CallerError
from reelay.routes import Routes

TOKEN = "sk-0123456789abcdefABCDEF-._~+/=="
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
JSON = {**AUTHORIZED, "Content-Type": "application/json"}
REQUEST_ID = "7d5e2c1a-0000-4000-8000-00000000000a"

HOST = "abcdef1234.execute-api.eu-central-1.amazonaws.com"
BY_THE_GATEWAY = {
    "Host": HOST,
    "User-Agent": "pytest",
    "X-Amzn-Trace-Id": "Root=1-67460f00-0123456789abcdef01234567",
    "X-Forwarded-For": "203.0.113.7",
    "X-Forwarded-Port": "443",
    "X-Forwarded-Proto": "https",
}

Values = Mapping[str, str | Sequence[str]]

_routes = Routes(yaml.safe_load((Path(__file__).parents[2] / "openapi.yaml").read_bytes())["paths"])


def rest_event(  # noqa: PLR0913 - an HTTP request has so many parts
    method: str,
    path: str,
    *,
    headers: Values | None = None,
    query: Values | None = None,
    body: Any = None,
    stage: str = "live",
    base64: bool = False,
) -> dict[str, Any]:
    """The event of one request.

    `headers` are the caller's, all of them; by default a good token, and JSON where there is a body. A list as a value
    means that the header, or query parameter, was sent more than once. Text is sent as it is; bytes, or anything with
    `base64`, as API Gateway sends binary media; any other body as JSON.
    """
    sent = headers if headers is not None else (AUTHORIZED if body is None else JSON)
    resource, variables = _resource(method, path)
    text, encoded = _body(body, base64)
    return {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        **_multi("headers", "multiValueHeaders", {**BY_THE_GATEWAY, **sent}),
        **_multi("queryStringParameters", "multiValueQueryStringParameters", query or {}),
        "pathParameters": variables or None,
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": HOST.partition(".")[0],
            "domainName": HOST,
            "domainPrefix": HOST.partition(".")[0],
            "extendedRequestId": "FqVdjFaLliAFeJg=",
            "httpMethod": method,
            "identity": {"sourceIp": "203.0.113.7", "userAgent": "pytest"},
            "path": f"/{stage}{path}",
            "protocol": "HTTP/1.1",
            "requestId": REQUEST_ID,
            "requestTime": "23/Nov/2026:09:00:00 +0000",
            "requestTimeEpoch": 1795510800000,
            "resourceId": "a1b2c3",
            "resourcePath": resource,
            "stage": stage,
        },
        "body": text,
        "isBase64Encoded": encoded,
    }


BOUNDARY = "1e35d3bb21624985a11ee659523c9a2e"
FORM = {**AUTHORIZED, "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def form_part(name: str, value: str | bytes, filename: str | None = None, *more: str) -> bytes:
    """One field of a form as OpenAI's clients write it; `more` are further lines of its header."""
    head = [f'Content-Disposition: form-data; name="{name}"' + (f'; filename="{filename}"' if filename else ""), *more]
    data = value.encode() if isinstance(value, str) else value
    return "".join(f"{line}\r\n" for line in head).encode() + b"\r\n" + data


def form_body(*parts: bytes, boundary: str = BOUNDARY) -> bytes:
    """A form of these fields."""
    line = b"--" + boundary.encode()
    return b"".join(line + b"\r\n" + part + b"\r\n" for part in parts) + line + b"--\r\n"


def form_event(*parts: bytes, path: str = "/v1/videos") -> dict[str, Any]:
    """The event of a form, as API Gateway sends binary media."""
    return rest_event("POST", path, headers=FORM, body=form_body(*parts))


def http_api_event(
    method: str, path: str, *, headers: Mapping[str, str], query: str = "", body: str | None = None, stage: str = "live"
) -> dict[str, Any]:
    """The same request through an HTTP API (payload format 2.0); a function URL's stage is `$default`."""
    shown = path if stage == "$default" else f"/{stage}{path}"
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": shown,
        "rawQueryString": query,
        "cookies": ["session=1"],
        "headers": {name.lower(): value for name, value in headers.items()},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abcdef1234",
            "http": {"method": method, "path": shown, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7"},
            "requestId": REQUEST_ID,
            "routeKey": "$default",
            "stage": stage,
        },
        "body": body,
        "isBase64Encoded": False,
    }


def _resource(method: str, path: str) -> tuple[str, dict[str, str]]:
    try:
        route = _routes.match(method, path)
    except CallerError:
        return "/{proxy+}", {"proxy": path.lstrip("/")}
    return route.template, dict(route.variables)


def _body(body: Any, as_base64: bool) -> tuple[str | None, bool]:
    if body is None:
        return None, False
    if not isinstance(body, str | bytes):
        body = json.dumps(body)
    if isinstance(body, str) and not as_base64:
        return body, False
    data = body.encode() if isinstance(body, str) else body
    return b64.b64encode(data).decode(), True


def _multi(single: str, many: str, values: Values) -> dict[str, Any]:
    """Both mappings, the plain one with the last value of each; both null when nothing was sent."""
    lists = {name: [value] if isinstance(value, str) else [*value] for name, value in values.items()}
    return {single: {name: each[-1] for name, each in lists.items()} or None, many: lists or None}
