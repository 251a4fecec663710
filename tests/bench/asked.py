"""The requests that are measured. Standard library alone, for every environment."""

from __future__ import annotations

import json
from typing import Any

PROMPT = (
    "an astronaut golden retriever named Sora levitates around an intergalactic pup-themed space station with a unique "
    "sleek art deco design"
)
DOCUMENTED: dict[str, Any] = {
    "model": "sora-2",
    "max_tokens": 1000,
    "messages": [{"role": "user", "content": PROMPT}],
    "stream": True,
}
"""v98store's own example."""

WHOLE = json.dumps({**DOCUMENTED, "stream": False})
STREAMED = json.dumps(DOCUMENTED)
KEY = "sk-bench-0123456789"
HEADERS = {
    "Authorization": f"Bearer {KEY}",
    "Content-Type": "application/json",
    "Accept": "application/json",
}
PATH = "/v1/chat/completions"


def event(body: str = WHOLE, method: str = "POST", path: str = PATH, **more: str) -> dict[str, Any]:
    """A REST API's proxy event; `more` are further headers."""
    headers = {**HEADERS, **{name.replace("_", "-"): value for name, value in more.items()}}
    return {
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "bench",
            "domainName": "bench.execute-api.us-east-1.amazonaws.com",
            "httpMethod": method,
            "identity": {"sourceIp": "203.0.113.7", "userAgent": "bench"},
            "path": f"/live{path}",
            "protocol": "HTTP/1.1",
            "requestId": "7d5e2c1a-0000-4000-8000-00000000000a",
            "requestTimeEpoch": 1795510800000,
            "resourcePath": path,
            "stage": "live",
        },
        "body": body or None,
        "isBase64Encoded": False,
    }


class Context:
    """Lambda's context, as far as handlers look."""

    function_name = memory_limit_in_mb = invoked_function_arn = "bench"
    aws_request_id = "6f1c6a52-0000-4000-8000-000000000001"

    def get_remaining_time_in_millis(self) -> int:
        return 900_000
