"""Who may pass: the authorizer of a route is asked, its answer remembered, and the API key looked up.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html and
api-gateway-api-key-source.html beside it. The order is API Gateway's: token, policy, key.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from typing import Any

from dev.gateway.events import Admitted, Request
from dev.gateway.invocation import FunctionFailed
from dev.gateway.policy import Verdict, misconfigured, read
from dev.gateway.replies import Refusal
from dev.template import Authorizer, Route

KEY_HEADER = "x-api-key"
"""Where an API key comes from unless the API says AUTHORIZER (API Gateway, ApiKeySourceType HEADER)."""

UNAUTHORIZED = "Unauthorized"
"""The message by which an authorizer says 401; its every other error is a 500."""


class Guard:
    """Lets callers in or not. `invoke` is `Gateway.invoke`, `keys` are those on a usage plan; `clock` tells seconds."""

    def __init__(
        self, invoke: Callable[[str, Any], Any], keys: frozenset[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._invoke, self._keys, self._clock = invoke, keys, clock
        self._remembered: dict[tuple[Authorizer, str], tuple[float, Verdict]] = {}
        self._lock = threading.Lock()

    def admit(self, route: Route, request: Request, arn: str) -> Admitted:
        """Let a call of the method `arn` in. Raises Refusal."""
        verdict = None if route.authorizer is None else self._verdict(route.authorizer, request, arn)
        if verdict is not None and not verdict.allows(arn):
            raise Refusal("ACCESS_DENIED", 403, "User is not authorized to access this resource")
        context = None if verdict is None else verdict.context
        if route.key_from is None:
            return Admitted(context)
        key = request.header(KEY_HEADER) if route.key_from == "HEADER" else verdict and verdict.key
        if key not in self._keys:
            raise Refusal("INVALID_API_KEY", 403, "Forbidden", "its API key is disabled, on no usage plan, or none")
        return Admitted(context, key)

    def _verdict(self, authorizer: Authorizer, request: Request, arn: str) -> Verdict:
        """What the authorizer says of the token, or said a while ago, perhaps of another method."""
        token = request.header(authorizer.header.lower())
        if not token or not re.fullmatch(authorizer.expression or ".*", token):
            raise _unauthorized("no token, or one that does not match the ValidationExpression")
        with self._lock:
            self._forget()
            remembered = self._remembered.get((authorizer, token))
        if remembered is not None:
            return remembered[1]
        verdict = self._ask(authorizer, token, arn)
        with self._lock:
            self._remembered[authorizer, token] = (self._clock() + authorizer.seconds, verdict)
        return verdict

    def _forget(self) -> None:
        now = self._clock()
        self._remembered = {token: said for token, said in self._remembered.items() if now < said[0]}

    def _ask(self, authorizer: Authorizer, token: str, arn: str) -> Verdict:
        event = {"type": "TOKEN", "authorizationToken": token, "methodArn": arn}
        try:
            answer = self._invoke(authorizer.function, event)
        except FunctionFailed as failure:
            if isinstance(failure.payload, dict) and failure.payload.get("errorMessage") == UNAUTHORIZED:
                raise _unauthorized(f"{authorizer.function} says so") from None
            raise misconfigured(f"{authorizer.function} failed: {failure.kind}") from None
        except (KeyError, ValueError, OSError):  # a TimeoutError is an OSError
            raise misconfigured(f"{authorizer.function} cannot be asked, or its answer is not JSON") from None
        return read(answer)


def _unauthorized(why: str) -> Refusal:
    return Refusal("UNAUTHORIZED", 401, "Unauthorized", why)
