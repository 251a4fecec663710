"""The same house as in tests/e2e, with OpenAI's client at its doors, and the mark that names what a test shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import openai
import pytest

from dev.simulator import Simulator
from reelay.s3 import s3_client
from tests.compatibility.catalogue import named
from tests.compatibility.door import sdk
from tests.e2e.conftest import events, house, simulator
from tests.e2e.local_house import LocalHouse
from tests.integration.fault_server import FaultServer, Script

__all__ = ["events", "house", "simulator"]


def pytest_configure(config: pytest.Config) -> None:
    """Here and not in pyproject.toml: the mark is of this folder alone, whose catalogue reads it."""
    config.addinivalue_line("markers", "shows(section, *names, every=state): rows of the catalogue that the test shows")


@pytest.fixture
def client(house: LocalHouse) -> Iterator[openai.OpenAI]:
    """OpenAI's client at the doors of `house`."""
    with sdk(house) as made:
        yield made


@pytest.fixture
def names(request: pytest.FixtureRequest) -> list[str]:
    """The names that a test marked with `every` has to show."""
    mark = request.node.get_closest_marker("shows")
    return named(mark.args[0], mark.kwargs["every"])


@pytest.fixture
def speaking(
    simulator: Simulator,
    bucket: str,
    aws_environment: None,  # noqa: ARG001 - sets where S3 is
) -> Callable[..., AbstractContextManager[openai.OpenAI]]:
    """OpenAI's client at the doors of a house whose upstream plays these scripts, one for each request."""

    @contextmanager
    def opened(*scripts: Script) -> Iterator[openai.OpenAI]:
        with FaultServer(*scripts) as server:
            house = LocalHouse(simulator, s3_client(), bucket, upstream_base_url=server.url)
            with sdk(house) as made:
                yield made

    return opened
