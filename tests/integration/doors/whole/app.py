"""A buffered door: shows what it was given, returns what it is told to, or ends as the path's `play` says."""

from __future__ import annotations

import json
import os
import socket
from typing import Any


def handler(event: dict[str, Any], context: Any) -> Any:
    """Play."""
    if "resource" not in event:
        return {"direct": event}
    return PLAYS[(event["pathParameters"] or {}).get("play", "shows")](event, context)


def _shows(event: Any, context: Any) -> dict[str, Any]:
    shown = {
        "event": event,
        "environment": dict(os.environ),
        "folder": os.getcwd(),  # noqa: PTH109 - the working directory is what is shown
        "process": os.getpid(),
        "function": context.function_name,
        "remaining": context.get_remaining_time_in_millis(),
    }
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": json.dumps(shown)}


def _returns(event: Any, _context: Any) -> Any:
    return json.loads(event["body"])


def _is_large(_event: Any, _context: Any) -> dict[str, Any]:
    return {"statusCode": 200, "body": "x" * (7 * 1024 * 1024)}


def _fails(_event: Any, _context: Any) -> None:
    raise ValueError("words of the caller's")


def _exits(_event: Any, _context: Any) -> None:
    os._exit(3)


def _waits(event: Any, _context: Any) -> dict[str, Any]:
    """Meet the test on the port `meet`, and answer when it says so."""
    with socket.create_connection(("127.0.0.1", int(event["queryStringParameters"]["meet"]))) as test:
        test.sendall(str(os.getpid()).encode())
        test.recv(1)
        test.sendall(b" done")
    return {"statusCode": 200, "body": "waited"}


PLAYS = {
    "shows": _shows,
    "returns": _returns,
    "is-large": _is_large,
    "fails": _fails,
    "exits": _exits,
    "waits": _waits,
}
