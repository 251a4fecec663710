"""The contract as the code reads it, and as it is written."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from dev.contract_files import SOURCE
from reelay.contract import Contract


@pytest.fixture(scope="session")
def contract(contract_files: None) -> Contract:  # noqa: ARG001 - the files have to be there first
    return Contract.load()


@pytest.fixture(scope="session")
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(SOURCE.read_bytes())
    return loaded
