"""What v98store saw of a client."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from dev.stack import Stack
from tests.clients.asks import FAILURES


def sent(stack: Stack, key: str) -> list[Any]:
    """The bodies that v98store was posted with the key, or with one that begins with it, in order."""
    assert stack.simulator
    requests = [each for each in stack.simulator.requests if each.headers["authorization"].startswith(f"Bearer {key}")]
    return [json.loads(each.body) for each in requests]


def payments(stack: Stack, key: str) -> Counter[str]:
    """How often v98store was posted with the key, by model."""
    return Counter(body["model"] for body in sent(stack, key))


def paid_for_failures() -> Counter[str]:
    """What `payments` says when each failure was met once and none was tried again by the client."""
    return Counter({failure["ask"]["model"]: failure["posts"] for failure in FAILURES if failure["posts"]})
