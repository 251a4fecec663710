"""Clocks, authorities, and the watch over threads."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import pytest
import trustme

from tests.authority import trusting
from tests.fakes import FakeClock
from tests.integration.upstream.place import join


@pytest.fixture(autouse=True)
def no_thread_outlives_its_exchange() -> Iterator[None]:
    yield
    join("upstream-reader", "upstream-look-up")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def trust(authority: trustme.CA) -> ssl.SSLContext:
    return trusting(authority)
