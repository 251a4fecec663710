"""A relay killed in mid-stream (SIGKILL): nothing is paid twice, all that was known is kept, and the truth is told."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import urllib3

from dev.simulator import Simulator
from dev.stack import LOCAL_TOKEN, Stack, running
from reelay.model import Phase
from tests.e2e.local_house import LocalHouse
from tests.fakes import FakeClock
from tests.patience import PATIENCE_SECONDS

ASK: Any = {"model": "sora-2", "messages": [{"role": "user", "content": "a dog"}], "stream": True}
HOUR = 3600


def relays() -> list[int]:
    """The processes that run the relay door."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            place = (process / "cwd").readlink()
        except OSError:  # gone meanwhile
            continue
        if b"awslambdaric" in words and place.parts[-2:] == ("functions", "relay"):
            found.append(int(process.name))
    return found


def asked(stack: Stack) -> urllib3.BaseHTTPResponse:
    return urllib3.request(
        "POST",
        f"{stack.url}/v1/chat/completions",
        json=ASK,
        headers={"Authorization": f"Bearer {stack.token}", "Idempotency-Key": "killed"},
        preload_content=False,
        retries=False,
        timeout=PATIENCE_SECONDS,
    )


def rest(reply: urllib3.BaseHTTPResponse) -> bytes:
    return b"".join(iter(reply.read1, b""))


@pytest.mark.case("killed")
def test_a_relay_killed_in_mid_stream_leaves_all_that_was_known_and_is_never_run_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = set(relays())
    nobody_to_ask = {"StatusUrl": ""}
    with (
        Simulator(gate=threading.Semaphore(0)) as simulator,
        running(simulator=simulator, parameters=nobody_to_ask) as stack,
    ):
        simulator.step()
        reply = asked(stack)
        location = reply.headers["Content-Location"]
        seen = b""
        while b"task_" not in seen:
            seen += reply.read1()
            simulator.step()
        for process in set(relays()) - before:
            os.kill(process, signal.SIGKILL)
        with pytest.raises(urllib3.exceptions.HTTPError):
            rest(reply)
        assert asked(stack).status == 409, "it may still be running, as far as anybody can tell"

        for name, value in {
            "AWS_ENDPOINT_URL_S3": stack.s3.meta.endpoint_url,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            monkeypatch.setenv(name, value)
        later = LocalHouse(simulator, stack.s3, stack.bucket, FakeClock(time.time() + HOUR))
        told = later.call("GET", location, key=LOCAL_TOKEN)
        record = later.record(location.rpartition("/")[2], LOCAL_TOKEN)
        assert (told.status, told.error["code"], record.phase) == (502, "outcome_unknown", Phase.UNKNOWN)
        assert record.task_id
        assert record.task_id in told.error["message"]
        assert record.task_id.encode() in later.transcript(location.rpartition("/")[2], LOCAL_TOKEN)
        again = asked(stack)
        assert (again.status, again.headers["x-should-retry"]) == (502, "false")
        assert simulator.posts == 1
