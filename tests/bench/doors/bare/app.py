"""What streaming through the Runtime API costs by itself: the hook and urllib3, no validation, nothing kept."""

from __future__ import annotations

import os
from typing import Any

import urllib3

from reelay import lambda_stream

lambda_stream.install(os.environ["AWS_LAMBDA_RUNTIME_API"])
upstream = urllib3.PoolManager(retries=False)
URL = os.environ["UPSTREAM_BASE_URL"] + "/chat/completions"


def handler(event: dict[str, Any], _context: Any) -> None:
    """Pass the upstream's bytes on."""
    headers = {name: event["headers"][name] for name in ("Authorization", "Content-Type")}
    answer = upstream.request(
        "POST",
        URL,
        body=event["body"].encode(),
        headers={**headers, "Accept": "text/event-stream"},
        preload_content=False,
    )
    out = lambda_stream.response_stream()
    out.begin(answer.status, {"Content-Type": "text/event-stream"})
    while piece := answer.read1(65_536):
        out.write(piece)
    out.end()
    answer.release_conn()
