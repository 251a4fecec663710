"""The house with its doors open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dev.simulator import Simulator
from reelay.s3 import s3_client
from tests.e2e.event_house import EventHouse
from tests.e2e.local_house import LocalHouse


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """v98store at full speed; at the end it has nothing to complain about."""
    with Simulator() as playing:
        yield playing
    assert playing.complaints == []


@pytest.fixture
def house(simulator: Simulator, bucket: str, aws_environment: None) -> LocalHouse:  # noqa: ARG001 - sets where S3 is
    """Both doors over the simulator and an empty bucket."""
    return LocalHouse(simulator, s3_client(), bucket)


@pytest.fixture
def events(simulator: Simulator, bucket: str, aws_environment: None) -> EventHouse:  # noqa: ARG001 - sets where AWS is
    """Every door over the simulator, an empty bucket, and a queue, a bus and a secret of their own."""
    return EventHouse(simulator, s3_client(), bucket)
