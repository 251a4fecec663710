"""Requests to start-api: a sample as HTTP, and the documented one with its video."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Mapping
from typing import Any

import urllib3

from dev.sam_local import NotSo, events
from dev.simulator.cdn import VIDEO
from dev.upstream import LOCAL_TOKEN

ANSWER_SECONDS = 60
"""For any answer. A cold start in a container takes some seconds, a job with the simulator under one."""

POLL_SECONDS = 0.25
_ID = re.compile(r'"id": ?"(chatcmpl-[0-9a-z]{26})"', re.ASCII)
DOCUMENTED = next(events.read(sample) for sample in events.SAMPLES if sample.stem == "create-video")


class Api:
    """start-api at `url`, asked with a key of the caller's own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool = urllib3.PoolManager(retries=False, timeout=ANSWER_SECONDS)

    def ready(self) -> bool:
        """Whether it answers by now."""
        try:
            return self._pool.request("GET", f"{self._url}/openapi.yaml").status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def documented(self) -> str:
        """The documented request, answered in one piece, with its whole stream; the completion's id. Raises NotSo."""
        answer = self.send(DOCUMENTED, "/v1/chat/completions")
        words = answer.data.decode()
        found = _ID.search(words)
        if answer.status != 200 or not found or not words.endswith("data: [DONE]\n\n"):
            raise NotSo(f"The documented request was answered {answer.status}, without a whole stream.")
        return found[1]

    def video(self, name: str) -> None:
        """The archived video of a completion is the one that the upstream sent. Raises NotSo."""
        until = time.monotonic() + ANSWER_SECONDS
        while (answer := self.get(f"/v1/videos/{name}/content")).status == 409 and time.monotonic() < until:
            time.sleep(POLL_SECONDS)
        if answer.status != 302:
            raise NotSo(f"The video was not archived: {answer.status}.")
        if self._pool.request("GET", answer.headers["Location"]).data != VIDEO:
            raise NotSo("The archived video is not the one that the upstream sent.")

    def get(self, path: str, *, key: bool = True) -> urllib3.BaseHTTPResponse:
        """The answer, with redirects as they are."""
        headers = {"Authorization": f"Bearer {LOCAL_TOKEN}"} if key else {}
        return self._pool.request("GET", self._url + path, headers=headers, redirect=False)

    def send(self, event: Mapping[str, Any], path: str) -> urllib3.BaseHTTPResponse:
        """The answer to what a sample holds as an event, sent as HTTP to `path`."""
        sent = {name: value for name, value in event.get("headers", {}).items() if name in ("Content-Type", "Accept")}
        body = event.get("body")
        payload = base64.b64decode(body) if body and event.get("isBase64Encoded") else body
        headers = sent | {"Authorization": f"Bearer {LOCAL_TOKEN}"}
        return self._pool.request(event["httpMethod"], self._url + path, body=payload, headers=headers, redirect=False)
