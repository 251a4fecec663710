"""The caller's bearer token (RFC 6750): exactly one, well formed, or none where a development setting allows that."""

from __future__ import annotations

import re

from reelay.errors import Unauthorized

MAX_TOKEN_CHARACTERS = 4096
"""No key in use comes near it; API Gateway takes 10,240 bytes for all headers together."""

_CREDENTIALS = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE | re.ASCII)


def bearer_token(authorization: str | None, *, optional: bool) -> str | None:
    """The token of an Authorization header; None when there is no header and that is allowed.

    Repeated headers come joined by commas, which no token holds, so two of them are malformed. Raises Unauthorized.
    """
    if authorization is None:
        if optional:
            return None
        raise Unauthorized("Missing the header Authorization. Expected: Bearer, one space, your key.")
    found = _CREDENTIALS.fullmatch(authorization)
    if found is None or len(found[1]) > MAX_TOKEN_CHARACTERS:
        raise Unauthorized("The header Authorization is malformed. Expected once: Bearer, one space, your key.")
    return found[1]
