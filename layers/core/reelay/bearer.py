"""The caller's bearer token (RFC 6750): exactly one, well formed, or none where a development setting allows that."""

from __future__ import annotations

from reelay.bearer_syntax import token_in
from reelay.errors import Unauthorized


def bearer_token(authorization: str | None, *, optional: bool) -> str | None:
    """The token of an Authorization header; None when there is no header and that is allowed. Raises Unauthorized."""
    if authorization is None:
        if optional:
            return None
        raise Unauthorized("Missing the header Authorization. Expected: Bearer, one space, your key.")
    token = token_in(authorization)
    if token is None:
        raise Unauthorized("The header Authorization is malformed. Expected once: Bearer, one space, your key.")
    return token
