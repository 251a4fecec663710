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
    ids = {"completion_id": made, "video_id": made}
    for path, item in DOCUMENT["paths"].items():
        if "get" in item:
            given = [resolved(each) for each in [*item.get("parameters", ()), *item["get"].get("parameters", ())]]
            places = {each["name"]: each["example"] for each in given if each["in"] == "path"} | ids
            query = dict(
                pair for each in given if each["in"] == "query" for pair in asked(each["name"], each["example"])
            )
            if path.endswith("/messages"):
                query["after"] = f"{made}-0"  # a message is one of the completion that is read
            reply = house.call("GET", path.format(**places), query=query)
            assert reply.status in (200, 302), (path, reply.body)


def resolved(parameter: dict[str, Any]) -> dict[str, Any]:
    name = parameter.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = DOCUMENT["components"]["parameters"][name] if name else parameter
    return found


def asked(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """A query parameter as it is written: `a[b]` for the key `b` of an object `a`."""
    if not isinstance(value, dict):
        yield name, str(value)
        return
    for key, inner in value.items():
        yield f"{name}[{key}]", inner
