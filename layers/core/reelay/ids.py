"""Ids of ours: time-ordered, unguessable, and readable from both ends of a listing.

A core is a ULID in lower-case Crockford base 32: 48 bits of Unix milliseconds, then 80 random bits. The same core
makes `chatcmpl-<core>` and `video_<core>`: one record, two views.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_INVERSE = str.maketrans(_ALPHABET, _ALPHABET[::-1])
_CORE = re.compile(r"[0-7][0-9abcdefghjkmnpqrstvwxyz]{25}\Z", re.ASCII)
_PREFIXES = ("chatcmpl-", "video_")
_RANDOM_BYTES = 10
_LATEST = (1 << 48) // 1000 - 1


def new_core(now: float, random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """A new core for the Unix time `now` in seconds."""
    number = int(now * 1000) << 80 | int.from_bytes(random_bytes(_RANDOM_BYTES), "big")
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def derived_core(at: float, name: str) -> str:
    """The core of whatever was named `name` at the Unix time `at` in seconds: always the same one.

    So an event that is delivered again finds its record by its own name, however late it comes.
    """
    digest = hashlib.sha256(name.encode("utf-8", "replace")).digest()
    return new_core(min(max(0.0, at), _LATEST), lambda length: digest[:length])


def completion_id(core: str) -> str:
    """The id of the record as a chat completion."""
    return f"chatcmpl-{core}"


def video_id(core: str) -> str:
    """The id of the record as a video."""
    return f"video_{core}"


def core_of(public_id: str) -> str | None:
    """The core of a public id, or None for whatever is not an id of ours."""
    for prefix in _PREFIXES:
        if public_id.startswith(prefix):
            core = public_id[len(prefix) :]
            return core if _CORE.match(core) else None
    return None


def inverted(core: str) -> str:
    """The core with its order reversed: newer ids sort first. Its own inverse."""
    return core.translate(_INVERSE)
