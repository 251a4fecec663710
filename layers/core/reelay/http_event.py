"""A Lambda proxy event as an HTTP request: REST API (payload 1.0), and HTTP API or function URL (payload 2.0).

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html has both shapes.
Whatever is missing or of a wrong type counts as not sent: what is mangled ends as a 4xx and never as a crash.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote

from reelay.errors import BadRequest, TooLarge

MAX_BODY_BYTES = 6 * 1024 * 1024
"""Decoded. Lambda's quota for the payload of a synchronous invocation is 6 MB, so a larger one cannot arrive whole."""

MULTIPART = "multipart/form-data"

_TOKEN = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"  # noqa: S105 - RFC 9110's word for a name, not a secret
_MEDIA_TYPE = re.compile(
    rf'[ \t]*({_TOKEN}/{_TOKEN})(?:[ \t]*;[ \t]*charset=(?:utf-8|"utf-8"))?[ \t]*', re.IGNORECASE | re.ASCII
)
_FORM = re.compile(
    r"[ \t]*multipart/form-data[ \t]*;[ \t]*boundary="
    r"(?:([0-9A-Za-z'+_.-]{1,70})"
    r"""|"([0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-])")[ \t]*""",
    re.IGNORECASE | re.ASCII,
)
"""RFC 2046 section 5.1.1 has the characters of a boundary; those that no token has stand in quotes."""


@dataclass(frozen=True, slots=True)
class HttpEvent:
    """The request in an event.

    `path` is the path below the stage, `shown_path` the one that the caller used. Header names are lower-case, values
    of a repeated header are joined by commas (RFC 9110 section 5.3); query values are lists that are never empty.
    """

    method: str
    path: str
    shown_path: str
    request_id: str
    headers: Mapping[str, str] = field(repr=False)
    query: Mapping[str, list[str]] = field(repr=False)
    _body: object = field(repr=False)
    _base64: bool

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> HttpEvent:
        """Never raises, whatever the event holds."""
        event = _mapping(event)
        context = _mapping(event.get("requestContext"))
        http = _mapping(context.get("http"))
        if http:
            method, shown_path = _text(http.get("method")), _text(event.get("rawPath"))
            path = _below_stage(shown_path, _text(context.get("stage")))
            query = parse_qs(_text(event.get("rawQueryString")), keep_blank_values=True)
        else:
            method, path = _text(event.get("httpMethod")), _text(event.get("path"))
            shown_path = _text(context.get("path")) or path
            query = dict(_values(event, "multiValueQueryStringParameters", "queryStringParameters"))
        return cls(
            method=method,
            path=path,
            shown_path=shown_path,
            request_id=_text(context.get("requestId")),
            headers=_headers(event),
            query=query,
            _body=event.get("body"),
            _base64=event.get("isBase64Encoded") is True,
        )

    def body(self) -> bytes:
        """The body's bytes; none were sent: b"". Raises TooLarge or BadRequest."""
        body = self._body
        if body is None:
            return b""
        if not isinstance(body, str):
            raise _unreadable("it is not text")
        if len(body) > (MAX_BODY_BYTES // 3 * 4 if self._base64 else MAX_BODY_BYTES):
            raise too_large()
        try:
            data = base64.b64decode(body, validate=True) if self._base64 else body.encode()
        except ValueError:
            raise _unreadable("it is not the base64 it is said to be" if self._base64 else "it is not text") from None
        if len(data) > MAX_BODY_BYTES:
            raise too_large()
        return data


def media_type(content_type: str) -> str:
    """The bare lower-case type of a Content-Type; "" when it is malformed or has parameters but `charset=utf-8`.

    Of a form with files it is the type and its boundary, percent-encoded: openapi-core splits at every `=`. Without a
    boundary such a body cannot be read, so that is "" too.
    """
    form = _FORM.fullmatch(content_type)
    if form:
        return f"{MULTIPART}; boundary={quote(form[1] or form[2], safe='')}"
    found = _MEDIA_TYPE.fullmatch(content_type)
    return found[1].lower() if found and found[1].lower() != MULTIPART else ""


def too_large() -> TooLarge:
    """The error for a body of more than MAX_BODY_BYTES."""
    return TooLarge(f"The body is larger than {MAX_BODY_BYTES // 1024**2} MiB.")


def _unreadable(why: str) -> BadRequest:
    return BadRequest(f"The body cannot be read: {why}.", code="invalid_body")


def _mapping(value: object) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    """Text that can be encoded: half a surrogate pair cannot come from a gateway, and nothing behind here takes it."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _headers(event: Mapping[Any, Any]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, values in _values(event, "multiValueHeaders", "headers"):
        folded = name.lower()
        headers[folded] = ", ".join([headers[folded], *values] if folded in headers else values)
    return headers


def _values(event: Mapping[Any, Any], many: str, single: str) -> Iterable[tuple[str, list[str]]]:
    """Names with their values, from the multi-value mapping or, where there is none, from the plain one."""
    for name, value in (_mapping(event.get(many)) or _mapping(event.get(single))).items():
        values = [_text(each) for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]
        if values:
            yield _text(name), values


def _below_stage(path: str, stage: str) -> str:
    below = path.removeprefix(f"/{stage}")
    return below if below.startswith("/") else path
