"""The local stack as schemathesis gets it: `make dev`'s, with two keys of Reelay's own and no limits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from dev.gateway.guard import Guard
from dev.simulator import Simulator
from dev.stack import Stack, running

CALLERS = Path(__file__).parent / "callers.yaml"
PARAMETERS = {
    "AllowCallerKeys": "no",  # with yes every key is somebody, and no check could tell that a wrong one is refused
    "MaxChoices": "128",  # as many as the contract takes
    "MaxJobsInFlight": "0",
    "MaxJobsPerDay": "0",
}


@contextmanager
def contract_stack(log: Path) -> Iterator[Stack]:
    """The stack until the end of `with`; its simulator is there and plays at full speed. Raises StackError."""
    with Simulator() as simulator, running(simulator=simulator, log=log, parameters=PARAMETERS) as stack:
        gateway = stack.deployment.gateway
        gateway.guard = Guard(gateway.invoke, frozenset(_keys()))
        yield stack


def _keys() -> Iterator[str]:
    for caller in yaml.safe_load(CALLERS.read_bytes())["auth"]:
        for header in caller["fixedHeaders"]:
            yield header["value"].removeprefix("Bearer ")
