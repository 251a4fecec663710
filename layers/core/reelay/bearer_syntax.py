"""What a bearer token looks like in a header (RFC 6750 section 2.1). Alone, for the authorizer needs nothing else."""

from __future__ import annotations

import re

MAX_TOKEN_CHARACTERS = 4096
"""No key in use comes near it; API Gateway takes 10,240 bytes for all headers together."""

_CREDENTIALS = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE | re.ASCII)


def token_in(authorization: str) -> str | None:
    """The one token of an Authorization header; None for whatever is malformed.

    Repeated headers come joined by commas, which no token holds, so two of them are malformed.
    """
    found = _CREDENTIALS.fullmatch(authorization)
    return found[1] if found and len(found[1]) <= MAX_TOKEN_CHARACTERS else None
