"""The local stack that clients call: real HTTP in front, the doors under the real awslambdaric behind it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dev.simulator import Simulator
from dev.stack import Stack, running


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """At full speed, one for all clients, for each has keys of its own; v98store has nothing to complain about."""
    log = tmp_path_factory.mktemp("clients") / "stack.log"
    with Simulator() as simulator, running(log=log, simulator=simulator) as up:
        yield up
        assert simulator.complaints == []
