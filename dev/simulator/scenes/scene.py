"""What a scene is: one line for the list, and the steps it answers a request with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dev.simulator.ask import Ask
from dev.simulator.steps import Steps


@dataclass(frozen=True, slots=True)
class Scene:
    """`says` is its line in the catalogue; `play` is pure: the same request, the same steps."""

    says: str
    play: Callable[[Ask], Steps]
