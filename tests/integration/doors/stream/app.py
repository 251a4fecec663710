"""A door that streams what the path's `play` says. `meet` is a port of the test's: the other end paces the door."""

from __future__ import annotations

import os
import socket
from typing import Any

from reelay import lambda_stream
from reelay.lambda_stream import ResponseStream

lambda_stream.install(os.environ["AWS_LAMBDA_RUNTIME_API"])
lambda_stream.install(os.environ["AWS_LAMBDA_RUNTIME_API"])  # twice on purpose: once is enough, and no harm

HEADERS = {"Content-Type": "text/event-stream", "X-Door": "stream"}
PIECES = [b"first\n", b"\0" * 8, b"x" * 70_000, b"last\n"]


def handler(event: dict[str, Any], context: Any) -> Any:
    """Play."""
    return PLAYS[event["pathParameters"]["play"]](event, lambda_stream.response_stream(), context)


def _pieces(_event: Any, out: ResponseStream, _context: Any) -> None:
    out.begin(201, HEADERS, ["a=1", "b=2"])
    for piece in PIECES:
        out.write(piece)
        out.write(b"")
    out.end()


def _paced(event: Any, out: ResponseStream, _context: Any) -> None:
    """Two pieces, each followed by a wait for the test; then tell it what `write` said, and work on."""
    with _meeting(event) as test:
        out.begin(200, HEADERS)
        said = [out.write(b"one") and bool(test.recv(1)), out.write(b"two") and bool(test.recv(1))]
        out.end()
        test.sendall(f"{said} gone={out.gone}".encode())
        test.recv(1)


def _until_gone(event: Any, out: ResponseStream, _context: Any) -> None:
    """Write until nobody takes it any more, and tell the test that the door is still at work."""
    with _meeting(event) as test:
        out.begin(200, HEADERS)
        while out.write(b"x" * 10_000):
            pass
        test.sendall(f"write={out.write(b'more')} gone={out.gone}".encode())


def _much(event: Any, out: ResponseStream, _context: Any) -> None:
    """More than any buffer on the way holds, then tell the test that all of it was written."""
    with _meeting(event) as test:
        out.begin(200, HEADERS)
        taken = sum(out.write(b"x" * 100_000) for _ in range(300))
        out.end()
        test.sendall(f"{taken} pieces, gone={out.gone}".encode())


def _fails_before(_event: Any, _out: ResponseStream, _context: Any) -> None:
    raise ValueError("before the answer")


def _head_too_large(_event: Any, out: ResponseStream, _context: Any) -> None:
    out.begin(200, {"X-Long": "x" * lambda_stream.PRELUDE_LIMIT})


def _fails_midway(event: Any, out: ResponseStream, _context: Any) -> None:
    out.begin(200, HEADERS)
    out.write(b"half")
    raise ValueError("\U0001f3ac" * int((event.get("queryStringParameters") or {}).get("length", "1")))


def _fails_afterwards(_event: Any, out: ResponseStream, _context: Any) -> None:
    out.begin(200, HEADERS)
    out.write(b"whole")
    out.end()
    raise ValueError("after the answer")


def _forgets_the_end(_event: Any, out: ResponseStream, _context: Any) -> None:
    out.begin(200, HEADERS)
    out.write(b"all the same")


def _exits_midway(_event: Any, out: ResponseStream, _context: Any) -> None:
    out.begin(200, HEADERS)
    out.write(b"half")
    os._exit(3)


def _returns(_event: Any, _out: ResponseStream, _context: Any) -> dict[str, Any]:
    return {"statusCode": 200, "body": "buffered"}


def _has_no_content(_event: Any, out: ResponseStream, _context: Any) -> None:
    out.begin(204, {})
    out.end()


def _meeting(event: Any) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(event["queryStringParameters"]["meet"])))


PLAYS = {
    "pieces": _pieces,
    "paced": _paced,
    "until-gone": _until_gone,
    "much": _much,
    "fails-before": _fails_before,
    "head-too-large": _head_too_large,
    "fails-midway": _fails_midway,
    "fails-afterwards": _fails_afterwards,
    "forgets-the-end": _forgets_the_end,
    "exits-midway": _exits_midway,
    "returns": _returns,
    "has-no-content": _has_no_content,
}
