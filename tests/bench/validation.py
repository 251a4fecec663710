"""How long the contract takes to read a request of 1 KB, 100 KB and 5 MB."""

from __future__ import annotations

import json
import time
from typing import Any

from reelay.contract import Contract
from tests.bench.asked import DOCUMENTED, event
from tests.bench.table import Mark, Row, below, p, told

SAMPLES, QUICK_SAMPLES = 200, 10
NAME, TITLE = "validation", "Validation"
HOW = """\
`contract.read` on an event with a body of that size: the usual text for 1 KB, 200 messages for 100 KB, a picture as
a data URL for 5 MB. CPU time of one call, warm: decoding, strict JSON, openapi-core and all schemas."""


def text(size: int) -> dict[str, Any]:
    """The documented request with a longer prompt."""
    return {**DOCUMENTED, "messages": [{"role": "user", "content": "a dog in orbit " * (size // 15)}]}


def dialogue(size: int, messages: int = 200) -> dict[str, Any]:
    """So many messages."""
    said = "a dog in orbit " * (size // messages // 15)
    return {
        **DOCUMENTED,
        "messages": [{"role": ("user", "assistant")[n % 2], "content": said} for n in range(messages)],
    }


def picture(size: int) -> dict[str, Any]:
    """A request with an image in it."""
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "iVBORw0K" * (size // 8)}}
    return {**DOCUMENTED, "messages": [{"role": "user", "content": [{"type": "text", "text": "this dog"}, image]}]}


BODIES = (("1 KB", text(1_000), 0.5), ("100 KB", dialogue(100_000), 1.0), ("5 MB", picture(5_000_000), 30.0))


def measure(*, quick: bool) -> Row:
    """Read each of them again and again, in turns."""
    contract = Contract.load()
    events = [event(json.dumps(body)) for _, body, _ in BODIES]
    samples: list[list[float]] = [[] for _ in BODIES]
    for asked in events:
        contract.read(asked)
    for _ in range(QUICK_SAMPLES if quick else SAMPLES):
        for asked, taken in zip(events, samples, strict=True):
            began = time.thread_time()
            contract.read(asked)
            taken.append((time.thread_time() - began) * 1000)
    marks: list[Mark] = []
    for (size, _, limit), taken in zip(BODIES, samples, strict=True):
        marks += [below(f"{size}, p50", p(taken, 50), limit, "ms", 3), told(f"{size}, p95", p(taken, 95), "ms", 3)]
    return Row(NAME, TITLE, HOW, marks)
