"""What the person at the terminal reads while it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def step(words: str, do: Callable[[], Result]) -> Result:
    """Do it and say so, with the seconds that it took."""
    began = time.monotonic()
    result = do()
    print(f"{words:<55} {time.monotonic() - began:5.1f} s", flush=True)
    return result
