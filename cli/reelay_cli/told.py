"""What the SDK raises, as Failures: whose fault, whether money may be spent, what to do next."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Any

import httpx2
import openai

from reelay_cli.failures import DOCTOR, Exit, Failure

FREE = frozenset(
    {
        "model_not_found", "upstream_unreachable", "upstream_auth", "rate_limit_exceeded", "insufficient_quota",
        "insufficient_user_quota", "invalid_api_key", "invalid_request", "not_allowed", "paused",
        "jobs_in_flight_limit", "jobs_per_day_limit", "store_unavailable", "service_key_unavailable",
    }
)  # fmt: skip
"""Codes of failures that come before anything was paid (docs/RELAY.md, "When something fails")."""

PAID = "moderation_blocked"
"""The one refusal that may be charged."""

_NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.UnsupportedProtocol, httpx2.ProxyError)


def never_sent(error: BaseException) -> bool:
    """Whether the request cannot have reached anybody."""
    return any(isinstance(each, _NOT_SENT) for each in _causes(error))


def lost(error: openai.APIConnectionError | httpx2.HTTPError) -> Failure:
    """No answer."""
    return Failure(f"The relay cannot be reached: {_why(error)}.", Exit.UNREACHED, next=DOCTOR)


def refused(error: openai.APIStatusError) -> Failure:
    """An answer that is an error. `spent` is told as for a request that asks for a video."""
    answer = error.response
    body = error.body if isinstance(error.body, Mapping) else {}
    code, words, kind = (_text(body.get(name)) for name in ("code", "message", "type"))
    exit_code = _exit(answer.status_code, code, kind)
    failure = Failure(words or f"The relay answered {answer.status_code} without a word.", exit_code, code=code)
    failure.next = _advice(exit_code, _text(answer.headers.get("Retry-After")))
    failure.spent = _may_be_spent(answer.status_code, code, bool(words), answer.headers.get("x-should-retry"))
    return failure


def _exit(status: int, code: str | None, kind: str | None) -> Exit:
    if status == 401 or kind == "authentication_error" or code == "access_denied":
        return Exit.KEY
    if status == 429 or code in ("not_ready", "paused"):
        return Exit.LATER
    return Exit.REFUSED if status < 500 or code == "model_not_found" else Exit.UNREACHED


def _may_be_spent(status: int, code: str | None, enveloped: bool, should_retry: str | None) -> bool:
    if code in FREE:
        return False
    broke = status >= 500 or status == 408
    return code == PAID or (broke and not (enveloped and should_retry != "false"))


def _advice(exit_code: Exit, after: str | None) -> str:
    if exit_code is Exit.KEY:
        return f"Check REELAY_API_KEY, or ask who runs the relay for a key. {DOCTOR}"
    if exit_code is Exit.LATER:
        return f"Try again in {after} s." if after and after.isdigit() else "Try again later."
    return ""


def _why(error: BaseException) -> str:
    """The cause that a person can do something about, found behind those that a library put in front of it."""
    for each in _causes(error):
        match each:
            case socket.gaierror():
                return "its host name is not known"
            case ssl.SSLCertVerificationError():
                return "its certificate does not hold (a wrong name, a wrong clock, or somebody in between)"
            case ssl.SSLError():
                return "no TLS can be agreed on"
            case ConnectionRefusedError():
                return "nothing listens at this address"
            case httpx2.TimeoutException() | TimeoutError():
                return "it does not answer in time"
    return "the connection broke"


def _causes(error: BaseException) -> Iterator[BaseException]:
    each: BaseException | None = error
    while each is not None:
        yield each
        each = each.__cause__ or each.__context__


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
