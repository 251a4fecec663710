"""Callers with keys of either kind, as a door behind API Gateway sees them."""

from __future__ import annotations

from typing import Any

from reelay.identity import OWN_PREFIX
from tests.contract.proxy_events import rest_event
from tests.e2e.local_house import LocalHouse, Reply

CHAT, FILM = "/v1/chat/completions", "/v1/videos"
ASK: Any = {"model": "sora-2", "messages": [{"role": "user", "content": "a dog"}], "stream": True}


def call(house: LocalHouse, method: str, path: str, key: str, body: Any = None, **more: Any) -> Reply:
    """As API Gateway hands on what the authorizer let in; text is sent as it is, any other body as JSON;
    `more` are headers, and the query."""
    query = more.pop("query", None)
    sent = {"Authorization": f"Bearer {key}"} | ({} if body is None else {"Content-Type": "application/json"}) | more
    event = rest_event(method, path, headers=sent, query=query, body=body)
    if key.startswith(OWN_PREFIX):
        event["requestContext"]["authorizer"] = {"payer": "service", "principalId": "p"}
    return house.serve(event)


def made(house: LocalHouse, key: str, **more: Any) -> str:
    """The id of a completion, which is made of ASK with `more` in it."""
    return str(call(house, "POST", CHAT, key, {**ASK, **more}).frames[0]["id"])


def everything(house: LocalHouse) -> dict[str, str]:
    """The bucket, as it is at this moment."""
    return {item["Key"]: item["ETag"] for item in house.s3.list_objects_v2(Bucket=house.bucket).get("Contents", ())}
