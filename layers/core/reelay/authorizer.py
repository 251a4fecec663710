"""Who may call: API Gateway's question before it lets a request in, answered without I/O.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html
Which of Reelay's own keys there are, and how much each may do, is API Gateway's to know: the token is handed on as the
API key (`usageIdentifierKey`, ApiKeySourceType AUTHORIZER), and a key that is on no usage plan is refused there.
"""

from __future__ import annotations

from collections.abc import Mapping

from reelay.bearer_syntax import token_in
from reelay.identity import is_own, tenant_of
from reelay.payer import Payer

TYPE_CHECKING = False  # `typing` itself takes a tenth of the cold start of the function that asks
if TYPE_CHECKING:
    from typing import Any


class NotLetIn(Exception):
    """API Gateway turns an authorizer's error into 401 when its message is exactly "Unauthorized"."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


def answer(event: Mapping[str, Any], callers_key: str | None) -> dict[str, Any]:
    """Whether the bearer token of a TOKEN event may call, who pays then, and which API key counts.

    `callers_key` is the API key that all callers with v98store keys of their own share; None lets none of them in.
    Raises NotLetIn for a token that is none.
    """
    token = token_in(_text(event.get("authorizationToken")))
    if token is None:
        raise NotLetIn
    own = is_own(token)
    key = token if own else callers_key
    return {
        "principalId": tenant_of(token),  # a digest: it appears in API Gateway's logs
        "policyDocument": _policy(_text(event.get("methodArn")), allow=key is not None),
        "context": {"payer": (Payer.SERVICE if own else Payer.CALLER).value},
        "usageIdentifierKey": key or "",
    }


def _policy(method_arn: str, *, allow: bool) -> dict[str, Any]:
    """For the whole stage, since API Gateway remembers the answer for every route that the token may ask for next."""
    api, _, rest = method_arn.partition("/")
    stage = rest.partition("/")[0]
    statement = {
        "Action": "execute-api:Invoke",
        "Effect": "Allow" if allow else "Deny",
        "Resource": f"{api}/{stage}/*",
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
