"""The Prefer header (RFC 7240): whether the caller would rather be told at once and come back. No I/O.

A preference is never an error: what is unknown, malformed or out of range counts as not said.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_WAIT_SECONDS = 600
"""Longer than any client of the field waits for a video; a longer wait is shortened to this."""

_WAIT = re.compile(r"wait\s*=\s*\"?([0-9]{1,9})\"?\Z", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Preference:
    """`respond_async`: answer 202 when the answer is not there within `wait` seconds."""

    respond_async: bool = False
    wait: int = 0


def preference(header: str | None) -> Preference:
    """What a Prefer header asks for; of a preference said twice the first counts (RFC 7240, section 2)."""
    said = [each.partition(";")[0].strip() for each in (header or "").split(",")]
    waits = [int(found[1]) for found in map(_WAIT.match, said) if found]
    respond_async = any(each.lower() == "respond-async" for each in said)
    return Preference(respond_async, min(waits[0], MAX_WAIT_SECONDS) if respond_async and waits else 0)
