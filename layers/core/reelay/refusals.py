"""What the upstream says instead of an answer, read as a failure of ours: whose words, which status, paid or not.

v98store's envelope is `{"error":{"message","type","param"?,"code"}}`; its `type` carries a brand and says nothing, so
the HTTP status and `code` decide.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from reelay.errors import UpstreamBroken, UpstreamBusy, UpstreamError, UpstreamRefused, UpstreamSilent

MESSAGE_CHARACTERS = 2000
"""Ours: the longest message of the upstream that is passed on; the longest one seen has about 300."""

WORD_CHARACTERS = 128
"""Ours: the longest `code` and `param` that are passed on."""

DEFAULT_RETRY_AFTER_SECONDS = 10
"""Ours: told to the caller when the upstream is saturated and does not say for how long; v98store never does."""

MODEL_NOT_FOUND = "model_not_found"
"""No channel serves the model. Nothing was asked of a model, so nothing is charged, and asking again is of no use."""

_FREE_STATUSES = frozenset({400, 401, 403, 404, 413, 422, 429})
"""Refused before any model was asked. 408 is not among them: the upstream had the request and lost patience."""


class _Known(NamedTuple):
    """What a code tells: the status it comes with, whether money may have been taken, and our type for it."""

    status: int
    charged: bool
    type: str | None = None


_CODES: Mapping[str | None, _Known] = {
    MODEL_NOT_FOUND: _Known(503, charged=False),
    "sentinel_block": _Known(400, charged=False),
    "moderation_blocked": _Known(400, charged=True),
    "insufficient_user_quota": _Known(403, charged=False, type="insufficient_quota"),
    "invalid_api_key": _Known(401, charged=False, type="authentication_error"),
}

_DEFAULTS = {
    401: ("invalid_api_key", "The upstream does not accept the API key."),
    413: ("request_too_large", "The upstream says that the request is too large."),
}
"""Statuses that are clear without a body: the code and the words that stand in."""

_DELAY = re.compile(r"\d{1,9}", re.ASCII)
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,128}", re.ASCII)
_CHAINED_ID = re.compile(rf"\(request id: ({_REQUEST_ID.pattern})\)", re.ASCII)
_SECRET = re.compile(r"\b(sk-|Bearer )[\w.*+/=~-]{6,}")
# Control characters, what reorders text on a screen, and lone surrogates, which no UTF-8 text can hold
_NOT_WORDS = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ufeff\\ud800-\\udfff]+")


def refusal(status: int, headers: Mapping[str, str], body: bytes, now: float) -> UpstreamError:
    """The error that a reply outside 2xx means.

    `headers` are by lower-case name, `body` is as much as was read, `now` is in Unix seconds. The error's `charged` is
    True unless the reply proves, or by convention means, that nothing was; only an UpstreamBusy may be posted again.
    """
    words = _said(body)
    said = words or _Said()
    identity = _identity_headers(headers, said)
    if status < 400:
        return UpstreamBroken(_misplaced(status), charged=True, headers=identity)
    if said.code == MODEL_NOT_FOUND:
        return _refused(status, said, identity)
    asked = retry_after(headers, now)
    if status == 429 or (status == 503 and asked is not None):
        return _busy(status, said, asked, identity)
    if words is None and status not in _DEFAULTS:
        return UpstreamBroken(_unreadable(status, headers, body), charged=_charged(status, None), headers=identity)
    if status < 500:
        return _refused(status, said, identity)
    return _failed(status, said, identity)


def in_stream_error(payload: Mapping[str, Any]) -> UpstreamError:
    """The error in a reply that began as 200: `payload` is a JSON object whose `error` is truthy.

    The charge is unknown unless the code is one that is known to cost nothing.
    """
    said = _words(payload)
    identity = _identity_headers({}, said)
    if said.code in _CODES:
        return _refused(_CODES[said.code].status, said, identity)
    message = said.message or "The upstream failed after it had begun to answer, and did not say why."
    return UpstreamError(message, param=said.param, code=said.code, charged=True, headers=identity)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait from the Unix time `now`, by the Retry-After header (RFC 9110 section 10.2.3); None without."""
    value = headers.get("retry-after", "").strip()
    if _DELAY.fullmatch(value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
        # The parser leaves the zone of "-0000" open, which is a time in UTC all the same (RFC 5322 section 3.3)
        seconds = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() - now
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return max(0.0, seconds)


def upstream_request_id(headers: Mapping[str, str], message: str = "") -> str | None:
    """The id under which the upstream knows the request: from its headers, else the last one in `message`.

    Relays before v98store put theirs first, so the last one is v98store's own.
    """
    for name in ("x-oneapi-request-id", "x-request-id"):
        if _REQUEST_ID.fullmatch(headers.get(name, "")):
            return headers[name]
    chained = _CHAINED_ID.findall(message)
    return chained[-1] if chained else None


class _Said(NamedTuple):
    """The envelope, made fit to be passed on; `whole` is the message before it was cut."""

    message: str = ""
    param: str | None = None
    code: str | None = None
    whole: str = ""


def _said(body: bytes) -> _Said | None:
    """What a body says, or None when it is not a JSON object."""
    try:
        payload = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return _words(payload) if isinstance(payload, dict) else None


def _words(payload: Mapping[str, Any]) -> _Said:
    error = payload.get("error")
    source = error if isinstance(error, dict) else {"message": error} if isinstance(error, str) else payload
    whole = _clean(source.get("message"))
    message = whole if len(whole) <= MESSAGE_CHARACTERS else whole[: MESSAGE_CHARACTERS - 1] + "…"
    return _Said(message, _word(source.get("param")), _word(source.get("code")), whole)


def _clean(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    return _SECRET.sub(r"\1[redacted]", _NOT_WORDS.sub(" ", value)).strip()


def _word(value: Any) -> str | None:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else _clean(value)
    return text[:WORD_CHARACTERS] or None


def _identity_headers(headers: Mapping[str, str], said: _Said) -> dict[str, str]:
    request_id = upstream_request_id(headers, said.whole)
    return {"x-upstream-request-id": request_id} if request_id else {}


def _charged(status: int, code: str | None) -> bool:
    return _CODES[code].charged if code in _CODES else status not in _FREE_STATUSES


def _refused(status: int, said: _Said, headers: dict[str, str]) -> UpstreamRefused:
    code, message = _DEFAULTS.get(status, (None, f"The upstream refused the request with status {status}."))
    known = _CODES.get(said.code) or _CODES.get(code)
    if said.code == MODEL_NOT_FOUND:
        headers = headers | {"x-should-retry": "false"}  # or OpenAI's SDKs ask twice more because of the 503
    return UpstreamRefused(
        said.message or message,
        status=status,
        type=known.type if known else None,
        param=said.param,
        code=said.code or code,
        charged=_charged(status, said.code),
        headers=headers,
    )


def _busy(status: int, said: _Said, asked: float | None, headers: dict[str, str]) -> UpstreamBusy:
    seconds = DEFAULT_RETRY_AFTER_SECONDS if asked is None else math.ceil(asked)
    return UpstreamBusy(
        said.message or f"The upstream is busy and took nothing for the request. Try again after {seconds} seconds.",
        status=status,
        param=said.param,
        code=said.code,
        retry_after=seconds,
        headers=headers,
    )


def _failed(status: int, said: _Said, headers: dict[str, str]) -> UpstreamError:
    kind = UpstreamSilent if status == 504 else UpstreamError
    return kind(
        said.message or f"The upstream failed with status {status} and did not say why.",
        status=status,
        param=said.param,
        code=said.code,
        charged=_charged(status, said.code),
        headers=headers,
    )


def _misplaced(status: int) -> str:
    what = "a redirect, which Reelay never follows with a paid request" if status >= 300 else "no final status"
    return (
        f"The upstream answered status {status}: {what}. Whether it charged for the request is not known. "
        "The operator should check the upstream's address."
    )


def _unreadable(status: int, headers: Mapping[str, str], body: bytes) -> str:
    if not body:
        what = "an empty body"
    elif "html" in headers.get("content-type", "").lower() or body.lstrip()[:1] == b"<":
        what = f"an HTML page of {len(body):,} bytes"
    else:
        what = f"{len(body):,} bytes that are not a JSON object"
    charge = (
        "Whether it charged for the request is not known."
        if _charged(status, None)
        else "Nothing was charged. The operator should check the upstream's address."
    )
    return f"The upstream answered status {status} with {what} where an error in JSON was expected. {charge}"
