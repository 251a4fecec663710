"""Adapter: requests as files under `inbox/`, and what became of each as a JSON file under `outbox/`.

    inbox/{name}, inbox/{name}.json   ->   outbox/{name}.json

The role needs s3:GetObject under the one, s3:PutObject under the other, and s3:ListBucket on the bucket: without the
last, S3 answers 403 for a file that is gone.
"""

from __future__ import annotations

import re
from hashlib import sha256

from reelay import documents
from reelay.bucket import JSON, Bucket
from reelay.errors import Conflict, NotFound
from reelay.model import Json

INBOX = "inbox/"
OUTBOX = "outbox/"

DROP_BYTES = 6 * 1024**2
"""As much as comes by HTTP: the payload of a synchronous invocation (AWS Lambda quotas)."""

KEY_BYTES = 1024
"""The longest key that S3 takes, in UTF-8 (Amazon S3 user guide, "Naming Amazon S3 objects")."""

_TAG = re.compile(r'"?([0-9A-Za-z-]{1,128})"?\Z', re.ASCII)


class S3Drops:
    """Keeps the promises of `ports.Drops` in one bucket; each method costs one call.

    A file's key may hold any character. One that ends with a slash is no file but a folder that a console made.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def read(self, key: str, tag: str) -> bytes:
        """The file as it was when it had the ETag `tag`, in quotes (as S3 gives it) or without (as its events do).

        Raises NotFound when it is gone, was replaced, or does not lie in the inbox; TooLarge above DROP_BYTES, of which
        nothing is read; StoreFailed.
        """
        outcome_key(key)
        named = _TAG.match(tag)
        if named is None:
            raise _no_drop()
        try:
            return self._bucket.get_tagged(key, f'"{named[1]}"', DROP_BYTES)
        except (NotFound, Conflict):
            raise _no_drop() from None

    def answer(self, key: str, outcome: Json) -> None:
        """Lay the outcome of the file `key` at `outcome_key(key)`, in place of an earlier one.

        Raises StoreFailed, and NotFound for a key that is not in the inbox.
        """
        self._bucket.put(outcome_key(key), documents.encode_json(outcome), JSON)


def outcome_key(key: str) -> str:
    """Where the outcome of the file `key` lies: at the rest of its key, which ends with `.json`, under OUTBOX.

    Where that would be longer than S3 takes, the rest's SHA-256 stands for it. Raises NotFound for what cannot be the
    key of a file in the inbox.
    """
    if not _is_of_a_file(key):
        raise _no_drop()
    rest = key.removeprefix(INBOX)
    beside = OUTBOX + rest if rest.endswith(".json") else f"{OUTBOX}{rest}.json"
    if len(beside.encode()) <= KEY_BYTES:
        return beside
    return f"{OUTBOX}{sha256(rest.encode()).hexdigest()}.json"


def _is_of_a_file(key: str) -> bool:
    if not key.startswith(INBOX) or key.endswith("/"):
        return False
    try:
        return len(key.encode()) <= KEY_BYTES
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can carry and S3 cannot
        return False


def _no_drop() -> NotFound:
    return NotFound("No such file in the inbox: it is gone, or another one was put in its place.")
