"""Every request that openapi.yaml shows, sent: each has the success that is documented for it, and is paid for once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from dev.contract_files import SOURCE
from dev.simulator import Simulator
from reelay.contract import Contract
from tests.contract.proxy_events import FORM, form_body, form_part, rest_event
from tests.e2e.local_house import KEY, LocalHouse

DOCUMENT: dict[str, Any] = yaml.safe_load(SOURCE.read_bytes())
FORM_TYPE = "multipart/form-data"
FREE = ("updateChatCompletion",)
"""Operations with a body that v98store is not asked for."""


def shown() -> Iterator[Any]:
    """The path, operation, media type and value of every example of a request."""
    for path, item in DOCUMENT["paths"].items():
        operation = item.get("post")
        for media_type, content in operation["requestBody"]["content"].items() if operation else ():
            for name, example in content["examples"].items():
                yield pytest.param(path, operation, media_type, example["value"], id=name)


def event(path: str, media_type: str, value: Any) -> dict[str, Any]:
    """The example as a request of KEY's."""
    mine = {"Authorization": f"Bearer {KEY}"}
    if media_type == FORM_TYPE:
        parts = [form_part(*field) for field in value.items()]
        return rest_event("POST", path, headers=FORM | mine, body=form_body(*parts))
    return rest_event("POST", path, headers=mine | {"Content-Type": media_type}, body=json.dumps(value))


@pytest.mark.parametrize(("path", "operation", "media_type", "value"), [*shown()])
def test_a_request_that_is_shown_works(
    house: LocalHouse, simulator: Simulator, path: str, operation: dict[str, Any], media_type: str, value: Any
) -> None:
    if "{" in path:
        made = house.create("sora-2", stream=False).json["id"]
        path = path.format(completion_id=made, video_id=made)
    before = simulator.posts
    reply = house.serve(event(path, media_type, value))
    name = operation["operationId"]
    assert reply.status == 200, reply.body
    assert Contract.load().answer_faults(name, reply.status, reply.headers, reply.body) == []
    assert simulator.posts - before == (0 if name in FREE else 1)


def test_a_parameter_that_is_shown_is_taken(house: LocalHouse) -> None:
    """All parameters of an operation at once, as they are shown; an id is that of a completion that there is."""
    made = house.create("sora-2", stream=False, metadata={"project": "trailer"}).json["id"]
    ids = {"completion_id": made, "video_id": made, "version": "1", "file": "app.js"}
    for path, item in DOCUMENT["paths"].items():
        if "get" in item:
            query = {name: _told(value) for name, value in _query(item["get"], made)}
            labels = query.pop("metadata", {})
            query |= {f"metadata[{key}]": value for key, value in labels.items()}
            reply = house.call("GET", path.format(**ids), query=query)
            assert reply.status in (200, 302), (path, reply.body)


def _query(operation: dict[str, Any], made: str) -> Iterator[tuple[str, Any]]:
    for each in operation.get("parameters", ()):
        parameter = DOCUMENT["components"]["parameters"][each["$ref"].split("/")[-1]] if "$ref" in each else each
        if parameter["in"] == "query":
            shown = parameter["example"]
            # A message is one of the completion that is read, which the one that is shown is not.
            message = operation["operationId"] == "getChatCompletionMessages" and parameter["name"] == "after"
            yield parameter["name"], f"{made}-0" if message else shown


def _told(value: Any) -> Any:
    return value if isinstance(value, dict) else str(value)
