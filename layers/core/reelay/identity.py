"""Who a caller is: the tenant whose prefix in the bucket holds what was made with one bearer token."""

from __future__ import annotations

import hashlib

ANONYMOUS = "anonymous"
"""The tenant of calls without a token, which only the development setting ALLOW_ANONYMOUS lets in."""

OWN_PREFIX = "rk-"
"""How Reelay's own keys begin, by which nobody takes them for v98store's. The authorizer knows it too."""

_TENANT_BYTES = 16


def tenant_of(token: str | None, secret: str = "") -> str:
    """32 hex characters that name the token's holder and do not give the token away.

    `secret` keys the digest, so that whoever can read the bucket's keys cannot try tokens against them; the same token
    has another tenant under another secret. At most 64 bytes count (BLAKE2b). The domain prefix keeps it from being the
    same as any other digest of the token that may lie about.
    """
    if token is None:
        return ANONYMOUS
    key = secret.encode()[: hashlib.blake2b.MAX_KEY_SIZE]
    return hashlib.blake2b(token.encode(), digest_size=_TENANT_BYTES, key=key, person=b"reelay-tenant").hexdigest()


def is_own(token: str) -> bool:
    """Whether a token is one of Reelay's own keys, or one that somebody mistyped: it is nothing to show v98store."""
    return token[: len(OWN_PREFIX)].lower() == OWN_PREFIX
