"""Gateways, each with its log, and somebody to call them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from dev.gateway import Gateway
from tests.integration.local_gateway.place import DOORS, Caller, another_caller


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gateway") / "gateway.log"


@pytest.fixture(scope="module")
def gateway(log: Path) -> Iterator[Gateway]:
    with Gateway(DOORS / "template.yaml", {"BUCKET_NAME": "local-bucket"}, log=log) as running:
        yield running


@pytest.fixture
def caller(gateway: Gateway) -> Iterator[Caller]:
    with ExitStack() as stop:
        yield Caller(gateway, stop)


@pytest.fixture(scope="module")
def locked_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("locked") / "gateway.log"


@pytest.fixture(scope="module")
def locked_gateway(locked_log: Path) -> Iterator[Gateway]:
    with Gateway(DOORS / "locked.yaml", {}, log=locked_log, keys=["given"]) as running:
        yield running


@pytest.fixture
def locked(locked_gateway: Gateway) -> Iterator[Caller]:
    with another_caller(locked_gateway) as caller:
        yield caller
