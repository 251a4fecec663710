"""Adapter: claims as S3 documents, one for each name, each written on the condition of what was read.

Whoever is first to a name holds it until it is replaced; this room knows no time. A name is whatever text a caller
chose, so neither the key nor the document holds it in clear: its SHA-256 stands for it in both. `conditional` says why
one of many writers wins. The role needs what the store's needs.
"""

from __future__ import annotations

import json
import secrets
from contextlib import suppress
from dataclasses import replace
from functools import partial

from reelay import documents
from reelay.bucket import Bucket, Condition
from reelay.conditional import NEW, WRITE_ID_BYTES, decoded, settle
from reelay.errors import Conflict, NotFound
from reelay.model import Claim
from reelay.s3_failures import store_failed

SCHEMA = 1
"""Goes up when a reader of the old form would misread the new one. Apart from the records' own, because a claim that
is not understood stops whoever repeats its request."""

TAKES = 3
"""While the claim in the way is deleted before it can be read; that happens once in its life, when it expires."""


class S3Claims:
    """Keeps the promises of `ports.Claims` in one bucket; a free name costs one call, a taken one two.

    Whoever takes a name with a core of its own knows by that core whether it was first, even where the answer to its
    write got lost. After StoreFailed the claim may have been written all the same.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def take(self, tenant: str, claim: Claim) -> Claim:
        """Write `claim` unless its name is taken; returns the one that holds. Raises StoreFailed."""
        key = documents.claim_key(tenant, claim.name)
        for _ in range(TAKES):
            with suppress(NotFound):
                return self._write(key, claim, NEW)
        raise store_failed("VanishingClaim")

    def replace(self, tenant: str, held: Claim, claim: Claim) -> Claim:
        """Put `claim` in the place of `held`, a claim on the same name, as it was read; returns the one that holds
        then. Where nothing is left to replace, `claim` is taken. Raises StoreFailed."""
        if not held.version:
            raise ValueError("only a claim that was taken or read can be replaced")
        with suppress(NotFound):
            return self._write(documents.claim_key(tenant, claim.name), claim, {"If-Match": held.version})
        return self.take(tenant, claim)

    def _write(self, key: str, claim: Claim, condition: Condition) -> Claim:
        try:
            return replace(claim, version=settle(self._bucket, key, _encode(claim), condition))
        except Conflict:
            # What lies there is a rival's, or our own after a lost answer: either way it is the one that holds.
            raw, etag = self._bucket.get(key)
            return replace(decoded(partial(_decode, claim.name), raw), version=etag)


def _encode(claim: Claim) -> bytes:
    return documents.encode_json(
        {
            "schema": SCHEMA,
            "write_id": secrets.token_hex(WRITE_ID_BYTES),
            "name_sha256": documents.name_digest(claim.name),
            "core": claim.core,
            "fingerprint": claim.fingerprint,
            "at": claim.at,
            "retry": claim.retry,
        }
    )


def _decode(name: str, raw: bytes) -> Claim:
    match json.loads(raw):
        case {
            "schema": schema,
            "name_sha256": digest,
            "core": str(core),
            "fingerprint": str(fingerprint),
            "at": int(at),
            "retry": bool(retry),
        } if schema == SCHEMA and digest == documents.name_digest(name):
            return Claim(name, core, fingerprint, at, retry)
    raise ValueError(f"not a claim of schema {SCHEMA} on this name")
