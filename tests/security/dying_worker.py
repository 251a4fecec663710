"""A worker in a process of its own that is killed (SIGKILL) right before or right after one of its calls to S3."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reelay.s3_rest import Attempt, Carry, Received
from reelay.settings import Settings
from reelay.wiring import House
from tests.e2e.local_house import Context
from tests.s3_tap import tap_house

JOIN_SECONDS = 30
"""How long the test waits for it before it is taken for hanging."""

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload([__name__])


@dataclass(frozen=True)
class Death:
    """`moment` is "before-call" or "after-call"; `operation` is one of S3's, or any; `turn` counts from 0."""

    moment: str
    turn: int
    operation: str = ""


def dies(settings: Settings, environment: Mapping[str, str], event: Mapping[str, Any], death: Death) -> bool:
    """Whether the worker met its death on the event; else it did all of it."""
    process = _forks.Process(target=_work, args=(settings, dict(environment), event, death))
    process.start()
    process.join(JOIN_SECONDS)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def _work(settings: Settings, environment: Mapping[str, str], event: Mapping[str, Any], death: Death) -> None:
    os.environ.update(environment)
    house = House(settings)
    left = death.turn

    def around(attempt: Attempt, carry: Carry) -> Received:
        nonlocal left
        left -= death.operation in ("", attempt.operation)
        if left < 0:
            if death.moment == "after-call":
                carry(attempt)
            os.kill(os.getpid(), signal.SIGKILL)
        return carry(attempt)

    tap_house(house, around)
    assert house.worker().serve(event, Context()) == {"batchItemFailures": []}
