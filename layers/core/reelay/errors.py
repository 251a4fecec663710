"""Failures by who is to blame and by what to do next; the one table from a failure to HTTP, batch record and frame.

Raise the class that fits where the failure is known. `gateway` turns it into a reply; nobody looks into a message.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, ClassVar


def _nothing() -> None:
    return None


class Blame(StrEnum):
    """Who has to change something before the same call can succeed."""

    CALLER = "caller"
    UPSTREAM = "upstream"
    NOBODY = "nobody"
    US = "us"


class ReelayError(Exception):
    """A failure with words for the caller.

    `message` says what was expected, what came, where, and what to do next; it never holds a token, a prompt or a
    body. `charged` is True when the upstream may have taken money for the call: such an answer tells OpenAI SDKs not
    to try again (`x-should-retry: false`), because their retry would pay twice. `retry_after` is in seconds. `then` is
    work that goes on after the error has been told.
    """

    blame: ClassVar[Blame] = Blame.US
    status: int = 500
    type: str = "server_error"
    code: str | None = "internal_error"

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        charged: bool = False,
        retry_after: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.charged = charged
        self.retry_after = retry_after
        self.headers = headers or {}
        self.then: Callable[[], None] = _nothing
        if code is not None:
            self.code = code

    def body(self) -> dict[str, Any]:
        """The OpenAI error envelope, all four keys present."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}


class CallerError(ReelayError):
    """The caller has to change the request."""

    blame = Blame.CALLER
    status = 400
    type = "invalid_request_error"
    code = "invalid_request"


class BadRequest(CallerError):
    """The request does not conform to the contract; `param` names the place."""


class Unauthorized(CallerError):
    """No bearer token, or one that is not well formed."""

    status = 401
    type = "authentication_error"
    code = "invalid_api_key"

    def __init__(self, message: str) -> None:
        super().__init__(message, headers={"WWW-Authenticate": "Bearer"})


class NotFound(CallerError):
    """No such thing for this tenant: never made, another tenant's, or deleted; the answer does not tell which."""

    status = 404
    code = "not_found"


class MethodNotAllowed(CallerError):
    """The path exists, the method does not (RFC 9110 section 15.5.6: `Allow` lists those that do)."""

    status = 405
    code = "method_not_allowed"

    def __init__(self, message: str, allow: list[str]) -> None:
        super().__init__(message, headers={"Allow": ", ".join(sorted(allow))})


class UnsupportedMediaType(CallerError):
    """The body is of a kind the operation does not read."""

    status = 415
    code = "unsupported_media_type"


class TooLarge(CallerError):
    """The body is larger than the contract takes."""

    status = 413
    code = "request_too_large"


class UnprocessableKey(CallerError):
    """An Idempotency-Key came again with another body (draft-ietf-httpapi-idempotency-key-header, section 2.7)."""

    status = 422
    code = "idempotency_key_reused"


class Conflict(ReelayError):
    """Somebody was first, or the thing is not ready yet; nobody is to blame."""

    blame = Blame.NOBODY
    status = 409
    type = "invalid_request_error"
    code = "conflict"


class UpstreamError(ReelayError):
    """v98store, or something before it, failed or said no."""

    blame = Blame.UPSTREAM
    status = 502
    type = "upstream_error"
    code = "upstream_error"

    def __init__(self, message: str, *, status: int | None = None, type: str | None = None, **more: Any) -> None:
        super().__init__(message, **more)
        if status is not None:
            self.status = status
        if type is not None:
            self.type = type


class UpstreamRefused(UpstreamError):
    """The upstream says the call itself is wrong: its own 4xx, its message, our envelope."""

    type = "invalid_request_error"


class UpstreamBusy(UpstreamError):
    """Rate limited or saturated: nothing was charged, trying later is right."""

    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"


class UpstreamUnreachable(UpstreamError):
    """DNS, connect or TLS failed in every attempt: nothing was sent, nothing was charged."""

    code = "upstream_unreachable"


class UpstreamSilent(UpstreamError):
    """The request was sent and no complete answer came in time: the charge is unknown."""

    status = 504
    code = "upstream_timeout"


class UpstreamBroken(UpstreamError):
    """The request was sent and the answer is not one: cut, HTML, empty, or not JSON. The charge is unknown."""

    code = "upstream_broken"


class StoreFailed(ReelayError):
    """S3 did not take or give what was asked after its own retries."""

    status = 503
    code = "store_unavailable"


class QueueFailed(ReelayError):
    """SQS did not take a job after its own retries: the record is kept, and the sweep sends it later."""

    status = 503
    code = "queue_unavailable"


class BusFailed(ReelayError):
    """EventBridge did not take an event after its own retries."""

    status = 503
    code = "bus_unavailable"


class EventRefused(BusFailed):
    """EventBridge will never take this event: too large, or of a shape that it does not know."""


class KeyUnavailable(ReelayError):
    """The service's own key cannot be read: nothing was sent."""

    status = 503
    code = "service_key_unavailable"


class Paused(ReelayError):
    """The operator has stopped every paid call."""

    status = 503
    code = "paused"


class NotAllowed(CallerError):
    """The operator does not let the service pay for such a request."""

    status = 403
    type = "permission_error"
    code = "not_allowed"


class LimitReached(ReelayError):
    """The tenant has used up what the operator lets the service pay for it; nothing was sent."""

    blame = Blame.NOBODY
    status = 429
    type = "rate_limit_error"
    code = "limit_reached"


class Unforeseen(ReelayError):
    """A defect of ours. The words tell the caller nothing about the inside."""

    def __init__(self, *, charged: bool = False) -> None:
        super().__init__(
            "Reelay failed in a way it did not foresee. Please report the request id in x-request-id.", charged=charged
        )


OUTSIDE = (ReelayError, OSError)
"""What the work behind an answer may meet without a defect of ours: a service that fails, a disk that is full."""
