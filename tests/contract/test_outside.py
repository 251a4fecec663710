"""A contract that refers to another document is one that no function fetches."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from referencing.exceptions import Unresolvable

from dev.contract_files import SOURCE
from reelay.contract import Contract
from tests.contract.bad_inputs import CHAT
from tests.contract.proxy_events import rest_event
from tests.integration.fault_server import FaultServer, http, replies

DOCUMENT: dict[str, Any] = yaml.safe_load(SOURCE.read_bytes())
BODY = {"model": "sora-2", "messages": [{"role": "user", "content": "a dog"}]}


def referring(ref: str) -> Contract:
    """The contract with a body whose schema is elsewhere."""
    document = copy.deepcopy(DOCUMENT)
    body = document["paths"][CHAT]["post"]["requestBody"]
    body["content"]["application/json"]["schema"] = {"$ref": ref}
    return Contract(document)


def test_nothing_is_fetched_by_http() -> None:
    with FaultServer(replies(http("200 OK", b'{"a": {"type": "object"}}'))) as server:
        contract = referring(f"{server.url}/x.json#/a")
        with pytest.raises(Unresolvable):
            contract.read(rest_event("POST", CHAT, body=BODY))
        assert server.connections == 0


@pytest.mark.parametrize("scheme", ["file://", "data:", "gopher://", ""])
def test_nothing_is_read_by_another_scheme(tmp_path: Path, scheme: str) -> None:
    (tmp_path / "x.json").write_text('{"a": {"type": "object"}}')
    contract = referring(f"{scheme}{tmp_path / 'x.json'}#/a")
    with pytest.raises(Unresolvable):
        contract.read(rest_event("POST", CHAT, body=BODY))
