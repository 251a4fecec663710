"""What the authorizer needs to know of its environment, and no more, so that it is there in a moment."""

from __future__ import annotations

import os
from collections.abc import Mapping


def callers_key(environment: Mapping[str, str] = os.environ) -> str | None:
    """The API key that callers with keys of their own share; None where they are not let in."""
    return environment.get("CALLERS_KEY") or None
