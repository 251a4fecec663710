"""API Gateway's authorizer: no I/O and nothing but the standard library, so that it is there in a moment."""

from __future__ import annotations

from reelay.authorizer import answer
from reelay.callers_key import callers_key

TYPE_CHECKING = False  # `typing` itself takes a tenth of this function's cold start
if TYPE_CHECKING:
    from typing import Any

CALLERS_KEY = callers_key()


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer one question."""
    return answer(event, CALLERS_KEY)
