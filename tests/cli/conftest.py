"""A relay to call: the local stack, at full speed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dev.simulator import Simulator
from dev.stack import Stack, running
from tests.cli.asking import Person


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One for all; v98store has nothing to complain about."""
    log = tmp_path_factory.mktemp("cli") / "stack.log"
    with Simulator() as simulator, running(log=log, simulator=simulator, triggers=False) as up:
        yield up
        assert simulator.complaints == []


@pytest.fixture
def person(stack: Stack) -> Person:
    """Somebody new."""
    return Person(stack.url)
