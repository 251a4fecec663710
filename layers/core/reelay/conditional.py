"""Objects written on the condition of what was read.

PutObject's conditions carry the promise (Amazon S3 user guide, "How to prevent object overwrites with conditional
writes"): `If-None-Match: *` lets one creator win, `If-Match` one writer per revision. 412 means that somebody was
first, unless an answer of our own got lost and `S3Rest`'s repeat met our own write: so 412 is believed only after
reading back. 409 means that nothing is decided, and the write is tried again. Equal bytes have equal tags, so each
revision of what can be replaced holds a random `write_id`: no two of them are mistaken for one another.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from reelay.bucket import JSON, Bucket, Condition
from reelay.s3_failures import Undecided, store_failed

WRITES = 5
"""Of one revision, while S3 answers 409; each 409 means that a rival is about to be done."""

WRITE_ID_BYTES = 8
"""Of randomness in a `write_id`: two writes of one object never share one."""

NEW: Condition = {"If-None-Match": "*"}
"""Nothing lies there yet."""

_T = TypeVar("_T")


def settle(bucket: Bucket, key: str, body: bytes, condition: Condition) -> str:
    """Write JSON until S3 has decided, WRITES times at most; returns the new tag. Raises Conflict, NotFound or
    StoreFailed.

    Conflict may mean that this very write was done and its answer lost: read back before believing it.
    """
    for _ in range(WRITES - 1):
        with suppress(Undecided):
            return bucket.put(key, body, JSON, condition)
    return bucket.put(key, body, JSON, condition)


def decoded(decoder: Callable[[bytes], _T], raw: bytes) -> _T:
    """What `decoder` makes of an object of ours. Raises StoreFailed for what it refuses."""
    try:
        return decoder(raw)
    except (ValueError, RecursionError):
        raise store_failed("UnreadableRecord") from None
