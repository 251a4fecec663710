"""Adapter: tallies as S3 documents, one for each tenant, each written on the condition of what was read.

`conditional` says why one of many writers wins. The role needs s3:GetObject and s3:PutObject on tallies/*, and
s3:ListBucket on the bucket: without the last, S3 answers 403 where there is none.
"""

from __future__ import annotations

import json
import secrets
from contextlib import suppress
from dataclasses import replace
from typing import Any

from reelay import documents
from reelay.bucket import Bucket
from reelay.conditional import NEW, WRITE_ID_BYTES, decoded, settle
from reelay.errors import Conflict, NotFound
from reelay.model import Tally
from reelay.s3_failures import Undecided

SCHEMA = 1
"""Goes up when a reader of the old form would misread the new one."""


class S3Tallies:
    """Keeps the promises of `ports.Tallies` in one bucket; one call each."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def load(self, tenant: str) -> Tally:
        """The tenant's tally, an empty one where there is none. Raises StoreFailed."""
        key = documents.tally_key(tenant)
        with suppress(NotFound):
            raw, etag = self._bucket.get(key)
            return replace(decoded(_decode, raw)[0], version=etag)
        return Tally()

    def save(self, tenant: str, tally: Tally) -> None:
        """Replace the revision that `tally.version` names. Raises Conflict when another write came between, and
        StoreFailed."""
        key, write_id = documents.tally_key(tenant), secrets.token_hex(WRITE_ID_BYTES)
        try:
            condition = {"If-Match": tally.version} if tally.version else NEW
            settle(self._bucket, key, _encode(tally, write_id), condition)
        except (NotFound, Undecided):  # gone since it was read, or rivals who never gave way
            raise Conflict("Others kept writing the same tally.") from None
        except Conflict:
            if self._written(key) != write_id:  # else it is our own write, whose answer got lost
                raise

    def _written(self, key: str) -> str:
        with suppress(NotFound):
            return decoded(_decode, self._bucket.get(key)[0])[1]
        return ""


def _encode(tally: Tally, write_id: str) -> bytes:
    running = dict(tally.running)
    return documents.encode_json(
        {"schema": SCHEMA, "write_id": write_id, "day": tally.day, "made": tally.made, "running": running}
    )


def _decode(raw: bytes) -> tuple[Tally, str]:
    """The tally and the id of its write. Raises ValueError for what is not a tally of this schema."""
    match json.loads(raw):
        case {"schema": schema, "write_id": str(write_id), "day": int(day), "made": int(made), "running": dict(running)
        } if schema == SCHEMA and all(map(_entry, running.items())):  # fmt: skip
            return Tally(day, made, running), write_id
    raise ValueError(f"not a tally of schema {SCHEMA}")


def _entry(item: tuple[Any, Any]) -> bool:
    return isinstance(item[1], int)
