"""Processes that the benchmark starts: what is measured, its peers, and what is around them. Each alone, so that only
what is measured pays for it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / ".venv-bench" / "bin" / "python"
"""The interpreter of the environment that the peers live in (requirements/bench.txt)."""

BUCKET = "bench"
ENVIRONMENT = {
    "PATH": os.environ.get("PATH", ""),
    "PYTHONPATH": f"{ROOT}:{ROOT / 'layers' / 'core'}",
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
_END_SECONDS = 10


@contextmanager
def running(
    *arguments: str, environment: Mapping[str, str] = ENVIRONMENT, python: str = sys.executable
) -> Iterator[str]:
    """A server in a process of its own; gives the line in which it says where it is."""
    server = subprocess.Popen(  # noqa: S603 - our own modules
        [python, "-m", *arguments],
        cwd=ROOT,
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with server:
        try:
            yield str(server.stdout and server.stdout.readline()).strip()
        finally:
            end(server)


def end(server: subprocess.Popen[Any]) -> None:
    """Ask it to end, and see to it."""
    server.terminate()
    try:
        server.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


class Lane:
    """A process that does one request whenever it is told to, and says what it took. Lanes take turns, so that whatever
    else the machine does meets all of them alike."""

    def __init__(self, *arguments: str, environment: Mapping[str, str], python: str | Path = sys.executable) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own modules
            [str(python), *arguments],
            cwd=ROOT,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        self._line()
        return self

    def __exit__(self, *_: object) -> None:
        end(self._process)
        self._process.communicate()

    def go(self) -> dict[str, Any]:
        """One request; what its lane says of it, times in seconds."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        said: dict[str, Any] = json.loads(self._line())
        return said

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("a lane of the benchmark has ended")
        return line


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
