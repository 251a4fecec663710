"""API Gateway's authorizer: no I/O and nothing but the standard library, so that it is there in a moment."""

from __future__ import annotations

from typing import Any

from reelay.authorizer import answer
from reelay.callers_key import callers_key

CALLERS_KEY = callers_key()


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer one question."""
    return answer(event, CALLERS_KEY)
