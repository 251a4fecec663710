"""OpenAI's own client on the doors of a house in this process: what it sends becomes an event, and the answer its."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import openai

from tests.contract.proxy_events import rest_event
from tests.e2e.local_house import KEY, LocalHouse

ORIGIN = "http://reelay.test"


class Doors(httpx2.BaseTransport):
    """The doors as API Gateway would call them, answers buffered."""

    def __init__(self, house: LocalHouse) -> None:
        self._house = house

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request, one event."""
        headers = {name: value for name, value in request.headers.items() if name not in ("host", "user-agent")}
        body: bytes | str | None = request.read() or None
        if isinstance(body, bytes) and headers.get("content-type") == "application/json":
            body = body.decode()
        query = {name: request.url.params.get_list(name) for name in request.url.params}
        event = rest_event(request.method, request.url.path, headers=headers, query=query, body=body)
        reply = self._house.serve(event)
        return httpx2.Response(reply.status, headers=dict(reply.headers), content=reply.body)


@contextmanager
def sdk(house: LocalHouse) -> Iterator[openai.OpenAI]:
    """The client; what Reelay redirects to, it gets from where that is."""
    mounts = {f"{ORIGIN}/": Doors(house)}
    with httpx2.Client(mounts=mounts, follow_redirects=True) as http:
        yield openai.OpenAI(base_url=f"{ORIGIN}/v1", api_key=KEY, http_client=http, max_retries=0)
