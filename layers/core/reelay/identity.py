"""Who a caller is: the tenant whose prefix in the bucket holds what was made with one bearer token."""

from __future__ import annotations

import hashlib

ANONYMOUS = "anonymous"
"""The tenant of calls without a token, which only the development setting ALLOW_ANONYMOUS lets in."""

_TENANT_BYTES = 16


def tenant_of(token: str | None) -> str:
    """32 hex characters that name the token's holder and do not give the token away.

    Bearer tokens are long random strings, so a plain digest cannot be turned back by trying; the domain prefix keeps
    it from being the same as any other digest of the token that may lie about.
    """
    if token is None:
        return ANONYMOUS
    return hashlib.blake2b(token.encode(), digest_size=_TENANT_BYTES, person=b"reelay-tenant").hexdigest()
