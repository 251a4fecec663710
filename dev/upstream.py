"""Who is upstream of the local stack: the simulator, or with a real key the real v98store."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from dev.simulator import Simulator
from dev.simulator.jobs import SHARE
from reelay.bearer import bearer_token
from reelay.errors import Unauthorized

LOCAL_TOKEN = "sk-local-development"  # noqa: S105 - opens nothing but the local stack
LOCAL_KEY = "rk-local-development-0123456789"
"""One of Reelay's own keys, on the local stack's plan: the service pays for it."""

REAL_UPSTREAM = "https://v98store.com/v1"


class StackError(Exception):
    """What keeps the stack from starting, in words for the person at the terminal."""


@dataclass(frozen=True)
class Upstream:
    """Where requests go, with which token, and what the template and its functions have to be told for that."""

    url: str
    token: str
    parameters: Mapping[str, str]
    environment: Mapping[str, str]


def real_token() -> str | None:
    """The real key; None without one. Raises StackError, which does not tell it."""
    token = os.environ.get("V98STORE_TOKEN") or None
    if token is None and os.environ.get("UPSTREAM_BASE_URL"):
        raise StackError("UPSTREAM_BASE_URL is set without V98STORE_TOKEN: set the key too, or neither.")
    try:
        return bearer_token(f"Bearer {token}", optional=False) if token else None
    except Unauthorized:
        raise StackError("V98STORE_TOKEN holds characters that no key has, perhaps a space or a line end.") from None


def real(token: str) -> Upstream:
    """The real upstream. Plain http only to this machine, or where UPSTREAM_PLAIN_HTTP says so by name."""
    url = os.environ.get("UPSTREAM_BASE_URL") or REAL_UPSTREAM
    plain = urlsplit(url).hostname in ("127.0.0.1", "localhost") or os.environ.get("UPSTREAM_PLAIN_HTTP") == "true"
    environment = {
        "UPSTREAM_PLAIN_HTTP": str(plain).lower(),
        "MEDIA_TRUSTED_ORIGINS": os.environ.get("MEDIA_TRUSTED_ORIGINS", ""),
    }
    return Upstream(url, token, {"UpstreamBaseUrl": url}, environment)


def simulated(simulator: Simulator) -> Upstream:
    """The simulator, which may also be asked after a job whose answer was cut."""
    return Upstream(
        url=simulator.url,
        token=LOCAL_TOKEN,
        parameters={"UpstreamBaseUrl": simulator.url, "StatusUrl": f"{simulator.origin}{SHARE}{{task_id}}"},
        environment={"UPSTREAM_PLAIN_HTTP": "true", "MEDIA_TRUSTED_ORIGINS": simulator.origin},
    )
