"""The inside of a lane: one request for each line that comes in. Standard library alone, for every environment."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any


def serve(once: Callable[[], dict[str, Any]]) -> None:
    """Say that the lane is ready, then run `once` for each line. What else is printed, the log, goes nowhere."""
    answers = os.fdopen(os.dup(1), "w")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    answers.write("ready\n")
    answers.flush()
    for _ in sys.stdin:
        answers.write(json.dumps(once()) + "\n")
        answers.flush()
