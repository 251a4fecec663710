"""A plain client for the simulator's tests: http.client, and a reader of events that shares no code with ours."""

from __future__ import annotations

import http.client
import json
import re
import select
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from dev.simulator import Simulator

PROMPT = "an astronaut golden retriever named Sora"
HEADERS = {"Content-Type": "application/json", "Accept": "text/event-stream", "Authorization": "Bearer sk-test"}
TIMEOUT_SECONDS = 20
QUIET_SECONDS = 0.1
_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass
class Reply:
    """What came back; `cut` when the body's framing did not end as it promised."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cut: bool = False

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def connect(origin: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(origin).netloc, timeout=TIMEOUT_SECONDS)


def is_readable(connection: http.client.HTTPConnection) -> bool:
    """Whether bytes have come, or come within QUIET_SECONDS; with a slow server it errs towards no."""
    return bool(select.select([connection.sock], [], [], QUIET_SECONDS)[0])


def post(
    sim: Simulator, body: bytes, headers: Mapping[str, str] = HEADERS, path: str = "/v1/chat/completions"
) -> Reply:
    """One POST on a connection of its own."""
    connection = connect(sim.origin)
    try:
        connection.request("POST", path, body, dict(headers))
        return _read(connection)
    finally:
        connection.close()


def chat(sim: Simulator, model: str, *, stream: bool = True, prompt: str = PROMPT, **more: Any) -> Reply:
    """The documented request with this model."""
    return post(sim, request(model, stream=stream, prompt=prompt, **more))


def request(model: str, *, stream: bool = True, prompt: str = PROMPT, **more: Any) -> bytes:
    messages = [{"role": "user", "content": prompt}]
    return json.dumps({"model": model, "max_tokens": 1000, "messages": messages, "stream": stream, **more}).encode()


def get(url: str, method: str = "GET", headers: Mapping[str, str] | None = None) -> Reply:
    """One request; redirects are not followed."""
    connection = connect(url)
    target = urlsplit(url)
    try:
        connection.request(method, target.path + ("?" + target.query if target.query else ""), headers=headers or {})
        return _read(connection)
    finally:
        connection.close()


def _read(connection: http.client.HTTPConnection) -> Reply:
    response = connection.getresponse()
    headers = {name.lower(): value for name, value in response.getheaders()}
    try:
        return Reply(response.status, headers, response.read())
    except http.client.IncompleteRead as error:
        return Reply(response.status, headers, error.partial, cut=True)


def events(body: bytes) -> list[str]:
    """The data of each event, as the WHATWG's event stream format says; an unfinished one is dropped."""
    found: list[str] = []
    data: list[str] = []
    for line in _LINE_END.split(body.decode("utf-8-sig", errors="replace"))[:-1]:
        name, _, value = line.partition(":")
        if line == "" and data:
            found.append("\n".join(data))
            data = []
        elif name == "data":
            data.append(value.removeprefix(" "))
    return found


def chunks(reply: Reply) -> list[dict[str, Any]]:
    """The chunks before [DONE] that are JSON."""
    found = []
    for text in events(reply.body):
        if text == "[DONE]":
            break
        try:
            found.append(json.loads(text))
        except ValueError:
            continue
    return found


def text_of(reply: Reply) -> str:
    """The completion's text, streamed or whole."""
    if "event-stream" not in reply.headers["content-type"]:
        return str(reply.json["choices"][0]["message"]["content"])
    deltas = [choice["delta"] or {} for chunk in chunks(reply) for choice in chunk.get("choices", [])]
    return "".join(delta.get("content") or "" for delta in deltas)


def video_of(text: str) -> str:
    """The first link to an mp4."""
    found = re.search(r"https?://[^\s)'\"]+\.mp4[^\s)'\"]*", text)
    assert found, text
    return found[0]
