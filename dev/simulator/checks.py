"""What a request must be like. A relay that sends anything else is broken, and is told so."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Headers = Sequence[tuple[str, str]]

_HOP_BY_HOP = {
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
}
"""RFC 9110 section 7.6.1, less Connection and Transfer-Encoding, which this hop may use for itself."""

_OF_THE_CALLERS_HOP = ("x-amzn-", "x-amz-", "x-stainless-", "cloudfront-", "cookie", "x-api-key", "via", "forwarded")
"""Headers of the way between caller and relay; none of the upstream's business."""

_PRIVATE_TO_THE_CALLER = ("authorization", "cookie", "x-api-key", "proxy-authorization")
_BEARER = re.compile(r"Bearer [A-Za-z0-9\-._~+/]+=*\Z", re.ASCII)
_JSON = re.compile(r"application/json(\s*;\s*charset=utf-8)?\Z", re.ASCII | re.IGNORECASE)
_LABEL = r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*(:\d{{1,5}})?\Z", re.ASCII)


def of_chat(headers: Headers, body: bytes) -> tuple[dict[str, Any] | None, list[str]]:
    """The decoded body, if it can be played, and every complaint. Complaints name places, never values."""
    found = [*_of_headers(headers)]
    try:
        decoded = json.loads(body.decode("utf-8"), object_pairs_hook=_distinct, parse_constant=_no_constant)
        json.dumps(decoded, ensure_ascii=False).encode()  # refuses lone surrogates
    except (ValueError, RecursionError) as error:
        return None, [*found, f"the body is not strict JSON in UTF-8 ({type(error).__name__})"]
    found += _of_body(decoded)
    return (decoded if isinstance(decoded, dict) else None), found


def of_media(headers: Headers) -> list[str]:
    """Complaints about a request for media: whoever follows a link brings no credentials."""
    return [f"a media link was asked with {name}" for name, _ in headers if name.lower() in _PRIVATE_TO_THE_CALLER]


def _of_headers(headers: Headers) -> Iterator[str]:
    named: dict[str, str] = {}
    for name, value in headers:
        if name.lower() in named:
            yield f"the header {name} came twice"
        named[name.lower()] = value
    for name in named:
        if name in _HOP_BY_HOP:
            yield f"the hop-by-hop header {name} was passed on"
        if name.startswith(_OF_THE_CALLERS_HOP) or (name.startswith("x-forwarded-") and name != "x-forwarded-host"):
            yield f"the caller's header {name} was passed on"
    yield from _of_values(named)


def _of_values(named: Mapping[str, str]) -> Iterator[str]:
    if not _JSON.match(named.get("content-type", "")):
        yield "Content-Type is not application/json"
    if not named.get("accept", "").strip():
        yield "Accept is missing"
    if named.get("accept-encoding", "").strip() != "identity":
        yield "Accept-Encoding is not identity"
    if "authorization" in named and not _BEARER.match(named["authorization"]):
        yield "Authorization is not 'Bearer <token>'"
    if "x-forwarded-host" in named and not _HOST.match(named["x-forwarded-host"]):
        yield "X-Forwarded-Host is not a host name"


def _of_body(body: Any) -> Iterator[str]:
    if not isinstance(body, dict):
        yield "the body is not an object"
        return
    if not isinstance(body.get("model"), str) or not body["model"]:
        yield "model is not a name"
    if not isinstance(body.get("stream"), bool | None):
        yield "stream is not a boolean"
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        yield "messages is not a list with something in it"
        return
    for place, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            yield f"messages[{place}] has no role"


def _distinct(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in pairs:
        if name in made:
            raise ValueError("a key came twice")
        made[name] = value
    return made


def _no_constant(_: str) -> None:
    raise ValueError("not a number of JSON's")
