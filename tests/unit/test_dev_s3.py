"""The stack's S3 keeps what the race tests lean on."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from dev.s3 import OneAtATime, S3Server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def start_response(*_: Any) -> Any:
    """Nobody reads the head of these answers."""


def environ(body: Any, length: int = 0) -> dict[str, Any]:
    return {"wsgi.input": body, "CONTENT_LENGTH": str(length)}


def test_no_two_requests_are_inside_at_once() -> None:
    together = threading.Barrier(2)

    def application(_environ: WSGIEnvironment, _start: StartResponse) -> Iterable[bytes]:
        try:
            together.wait(timeout=0.05)
        except threading.BrokenBarrierError:
            return [b"alone"]
        return [b"together"]

    guarded = OneAtATime(application)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: list(guarded(environ(io.BytesIO()), start_response)), range(2)))
    assert answers == [[b"alone"], [b"alone"]]


def test_a_slow_sender_does_not_hold_up_the_others() -> None:
    other_was_answered = threading.Event()

    class Slow(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            assert other_was_answered.wait(timeout=5)
            return b"late"[:size]

    guarded = OneAtATime(lambda environ, _: [environ["wsgi.input"].read()])
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(guarded, environ(Slow(), 4), start_response)
        assert list(guarded(environ(io.BytesIO(b"soon"), 4), start_response)) == [b"soon"]
        other_was_answered.set()
        assert list(slow.result()) == [b"late"]


def test_a_bucket_that_cannot_be_made_is_an_error(s3: S3Server) -> None:
    with pytest.raises(OSError, match="answered 400"):
        s3.create_bucket("No")


def test_it_runs_alone_and_tells_where_and_no_more(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dev.s3", "--port", "0"]
    with (
        (tmp_path / "log").open("w+") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as server,  # noqa: S603 - our own
    ):
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            assert urllib3.request("PUT", f"{url}/a-bucket", retries=False).status == 200
            assert urllib3.request("PUT", f"{url}/a-bucket/key", body=b"x", retries=False).status == 200
        finally:
            server.terminate()
        assert server.stdout.read() == ""
        log.seek(0)
        assert log.read() == ""
