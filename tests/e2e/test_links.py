"""The links of openapi.yaml, followed: from every answer that has some to what can be asked next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
import yaml

from dev.contract_files import SOURCE
from tests.e2e.local_house import PROMPT, LocalHouse, Reply

DOCUMENT: dict[str, Any] = yaml.safe_load(SOURCE.read_bytes())
CHAT, VIDEOS = "/v1/chat/completions", "/v1/videos"
METHODS = ("get", "post", "delete")


def resolved(node: Any) -> Any:
    while "$ref" in node:
        _, kind, name = node["$ref"].removeprefix("#/").split("/")
        node = DOCUMENT["components"][kind][name]
    return node


OPERATIONS = {
    item[method]["operationId"]: (method.upper(), path, item[method])
    for path, item in DOCUMENT["paths"].items()
    for method in METHODS
    if method in item
}


def completion(house: LocalHouse) -> str:
    made: str = house.create("sora-2", stream=False).json["id"]
    return made


def told(house: LocalHouse, path: str, body: dict[str, Any], **headers: str) -> Reply:
    """An answer that comes before the work is done; the work is done when this returns."""
    pieces = house.streamed(path, body, **headers)
    return Reply(pieces.status, pieces.headers, b"".join(pieces.sent))


def listed(house: LocalHouse, path: str) -> Reply:
    """A page with something behind it."""
    for _ in range(2):
        told(house, VIDEOS, {"prompt": PROMPT})
    return house.call("GET", path, query={"limit": "1"})


ANSWERS: dict[tuple[str, str], Callable[[LocalHouse, str], Reply]] = {
    ("createChatCompletion", "200"): lambda house, _: house.create("sora-2", stream=False),
    ("createChatCompletion", "202"): lambda house, _: told(
        house, CHAT, {"model": "sora-2", "messages": [{"role": "user", "content": PROMPT}]}, Prefer="respond-async"
    ),
    ("listChatCompletions", "200"): lambda house, _: listed(house, CHAT),
    ("getChatCompletion", "200"): lambda house, made: house.call("GET", f"{CHAT}/{made}"),
    ("getChatCompletionMessages", "200"): lambda house, made: house.call("GET", f"{CHAT}/{made}/messages"),
    ("createVideo", "200"): lambda house, _: told(house, VIDEOS, {"prompt": PROMPT}),
    ("listVideos", "200"): lambda house, _: listed(house, VIDEOS),
    ("getVideo", "200"): lambda house, made: house.call("GET", f"{VIDEOS}/{made}"),
}
"""How each answer with links comes about; those that share a response are asked for once."""


def links() -> Iterator[Any]:
    seen: list[int] = []
    for name, (_, _, operation) in OPERATIONS.items():
        for status, response in operation["responses"].items():
            found = resolved(response)
            if id(found) not in seen:
                seen.append(id(found))
                for link, shown in found.get("links", {}).items():
                    yield pytest.param(name, status, resolved(shown), id=f"{name}-{status}-{link}")


def value(expression: str, reply: Reply, made: str) -> Any:
    """What a runtime expression of OpenAPI's means: of the answer's body, or of the path that was asked for."""
    source, _, pointer = expression.partition("#")
    if source == "$request.path.completion_id":
        return made
    assert source == "$response.body"
    found = reply.json
    for step in pointer.removeprefix("/").split("/"):
        found = found[step]
    return found


@pytest.mark.parametrize(("name", "status", "link"), [*links()])
def test_a_link_leads_where_it_says(house: LocalHouse, name: str, status: str, link: dict[str, Any]) -> None:
    made = completion(house)
    reply = ANSWERS[name, status](house, made)
    assert str(reply.status) == status
    method, path, operation = OPERATIONS[link["operationId"]]
    given = {parameter: value(expression, reply, made) for parameter, expression in link["parameters"].items()}
    query = {parameter: each for parameter, each in given.items() if f"{{{parameter}}}" not in path}
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    [body, *_] = [example["value"] for example in content.get("examples", {}).values()] or [None]
    path = path.format(**given)
    followed = told(house, path, body) if path.endswith("/remix") else house.call(method, path, body=body, query=query)
    assert followed.status in (200, 302), followed.body


def test_a_whole_life_goes_by_links() -> None:
    """create, read, messages, label, delete; and create, poll, content, remix, delete."""
    ways = {
        (name, resolved(link)["operationId"])
        for name, (_, _, operation) in OPERATIONS.items()
        for response in operation["responses"].values()
        for link in resolved(response).get("links", {}).values()
    }
    completions = ["createChatCompletion", "getChatCompletion", "getChatCompletionMessages", "updateChatCompletion"]
    videos = ["createVideo", "getVideo", "remixVideo", "getVideo", "deleteVideo"]
    for life in ([*completions, "deleteChatCompletion"], videos):
        assert all(step in ways for step in pairwise(life)), life
    assert ("getVideo", "retrieveVideoContent") in ways
