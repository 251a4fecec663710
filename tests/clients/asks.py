"""What every client is tried with: the requests and the failures of shared.json. The standard library is enough."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

SHARED: Any = json.loads(Path(__file__).with_name("shared.json").read_text())
PROMPT: str = SHARED["prompt"]
PICTURE: str = SHARED["picture"]
TOOL: Any = SHARED["tool"]
FAILURES: list[Any] = SHARED["failures"]

ASK: Any = {"model": "sora-2", "messages": [{"role": "user", "content": PROMPT}]}
WITH_PICTURE: Any = [{"type": "text", "text": PROMPT}, {"type": "image_url", "image_url": {"url": PICTURE}}]
MP4 = (Path(__file__).resolve().parents[2] / "dev/simulator/media/sample.mp4").read_bytes()
POLL_MILLISECONDS = 50


def fresh_key() -> str:
    """A key, and with it a tenant, that nobody else has: its lists begin empty."""
    return f"sk-client-{uuid.uuid4().hex}"


def named(failure: Any) -> str:
    """A failure's name among a test's parameters."""
    return f"{failure['raises']}-{failure['code']}-{failure['param']}"
