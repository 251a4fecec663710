"""Clocks, authorities, and the watch over threads."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator

import pytest
import trustme

from tests.fakes import FakeClock


@pytest.fixture(autouse=True)
def no_thread_outlives_its_exchange() -> Iterator[None]:
    yield
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("upstream-")]
    for thread in threads:
        thread.join(3)
    assert not [thread.name for thread in threads if thread.is_alive()]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def trust(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context
