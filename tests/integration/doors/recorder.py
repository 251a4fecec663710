"""A Runtime API that only records: the bytes that the hook puts on the wire, seen by neither gateway nor hook."""

from __future__ import annotations

import json
import os
import queue
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.integration.doors.meeting import PATIENCE_SECONDS

DOORS = Path(__file__).parent
LAYER = DOORS.parents[2] / "layers" / "core"


@dataclass
class Post:
    """A POST as it came: header names in lower case, chunks as they were framed, trailers likewise."""

    path: str
    headers: dict[str, str]
    chunks: list[bytes] = field(default_factory=list)
    trailers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Recorder(socketserver.ThreadingTCPServer):
    """Hands out `events` one after another and records what is posted; hangs up after `chunks` chunks if told to."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, events: list[dict[str, Any]], hang_up_after: int | None, status: int) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.events = [json.dumps(event).encode() for event in events]
        self.hang_up_after = hang_up_after
        self.status = status
        self.posts: queue.Queue[Post] = queue.Queue()
        self.idle = threading.Event()
        self.over = threading.Event()
        self.log: Path

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A door that is killed leaves in the middle of whatever it was doing."""

    def post(self) -> Post:
        """The next POST."""
        return self.posts.get(timeout=PATIENCE_SECONDS)

    def nothing_more(self) -> bool:
        """Whether the door asked for more work than there is without having posted anything else."""
        return self.idle.wait(PATIENCE_SECONDS) and self.posts.empty()


@contextmanager
def recording(
    door: str, *events: dict[str, Any], log: Path, hang_up_after: int | None = None, status: int = 202
) -> Iterator[Recorder]:
    """A door under the real awslambdaric and its recorder; what it prints is in `log`."""
    with Recorder(list(events), hang_up_after, status) as recorder, log.open("wb") as output:
        threading.Thread(target=recorder.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        address = f"127.0.0.1:{recorder.server_address[1]}"
        environment = {"PATH": os.defpath, "PYTHONPATH": str(LAYER), "AWS_LAMBDA_RUNTIME_API": address}
        command = [sys.executable, "-m", "awslambdaric", "app.handler"]
        process = subprocess.Popen(command, cwd=DOORS / door, env=environment, stdout=output, stderr=output)  # noqa: S603 - our own doors
        try:
            yield recorder
        finally:
            process.kill()
            process.wait()
            recorder.over.set()
            recorder.shutdown()


class _Connection(socketserver.StreamRequestHandler):
    server: Recorder

    def handle(self) -> None:
        while line := self.rfile.readline():
            method, path, _ = line.decode().split()
            headers = dict(_fields(self.rfile))
            if method == "GET":
                self._next()
            elif not self._post(Post(path, headers)):
                return

    def _next(self) -> None:
        if not self.server.events:
            self.server.idle.set()
            self.server.over.wait()
            return
        event = self.server.events.pop(0)
        self.wfile.write(
            b"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: id-1\r\nLambda-Runtime-Invocation-Id: token-1\r\n"
            b"Lambda-Runtime-Deadline-Ms: 4102444800000\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(event), event)
        )

    def _post(self, post: Post) -> bool:
        if post.headers.get("transfer-encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                post.chunks.append(self.rfile.read(size))
                self.rfile.readline()
                if len(post.chunks) == self.server.hang_up_after:
                    self.server.posts.put(post)
                    return False
            post.trailers = dict(_fields(self.rfile))
        else:
            post.body = self.rfile.read(int(post.headers["content-length"]))
        self.server.posts.put(post)
        self.wfile.write(b"HTTP/1.1 %d -\r\nContent-Length: 0\r\n\r\n" % self.server.status)
        return True


def _fields(stream: Any) -> Iterator[tuple[str, str]]:
    while line := stream.readline().decode().strip():
        name, _, value = line.partition(":")
        yield name.lower(), value.strip()
