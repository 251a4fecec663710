"""How long the first invocation of each door takes in a fresh process, under AWS's own emulator of the runtime."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3

from tests.bench.around import World, world
from tests.bench.asked import DOCUMENTED, event
from tests.bench.opt import Opt, built, emulator
from tests.bench.processes import end, free_port
from tests.bench.table import Mark, Row, absent, below, p, told

STARTS, QUICK_STARTS = 20, 2
WAIT_SECONDS = 30
INVOKE = "/2015-03-31/functions/function/invocations"
RELAY_TO_BOTO3, AUTHORIZER_TO_EMPTY = 1.2, 1.15
NAME, TITLE = "cold_start", "Cold start"
HOW = """\
The emulator in the aws-sam-cli wheel starts the real awslambdaric at the first event; measured is the time from
sending the event to its answer, 20 times for each, the handlers taking turns. The doors and the layer are what `sam
build` makes, with bytecode; Python has no site-packages, as in Lambda. "boto3" makes an S3 client and answers; its
boto3 is the one of the lock as pip installs it, with bytecode. Relay: a request that is validated whole and then
refused (400), so that no network is in it. Results: an id that nobody has (404). Authorizer: a key of Reelay's own.
Intake, worker and sweep: an event with nothing in it, for the sweep one LIST. CPU time is that of the runtime's
process in all."""

EMPTY = "def handler(event, context):\n    return {'statusCode': 200}\n"
BOTO3 = "import boto3\n\nclient = boto3.client('s3')\n\n\n" + EMPTY
BARE = {"empty": EMPTY, "boto3": BOTO3}
REFUSED = json.dumps({**DOCUMENTED, "messages": [{"role": "nobody", "content": "a dog"}]})
EVENTS: dict[str, Any] = {
    "empty": {},
    "boto3": {},
    "relay": event(REFUSED),
    "results": event("", "GET", "/v1/chat/completions/chatcmpl-nobodys"),
    "authorizer": {
        "type": "TOKEN",
        "authorizationToken": "Bearer rk-0123456789abcdefghijklmnopqrstuvwxyzABCDEFG",
        "methodArn": "arn:aws:execute-api:us-east-1:123456789012:bench/live/POST/v1/chat/completions",
    },
    "intake": {},
    "worker": {"Records": []},
    "sweep": {},
}


@dataclass
class _Starts:
    """Milliseconds, each start's."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


def measure(*, quick: bool) -> Row:
    """Start each again and again."""
    if emulator() is None:
        return Row(NAME, TITLE, HOW, [absent("cold starts", "make check installs the emulator")])
    starts = {name: _Starts() for name in EVENTS}
    with world() as around, tempfile.TemporaryDirectory() as place, built(Path(place), BARE) as opt:
        for _ in range(QUICK_STARTS if quick else STARTS):
            for name, each in starts.items():
                wall, cpu = _start(opt, name, around)
                each.wall.append(wall)
                each.cpu.append(cpu)
    return Row(NAME, TITLE, HOW, list(_marks(starts)))


def _start(opt: Opt, name: str, around: World) -> tuple[float, float]:
    """Milliseconds from the event to its answer, and of CPU time."""
    listen, api = free_port(), free_port()
    command = [str(emulator()), "--runtime-interface-emulator-address", f"127.0.0.1:{listen}"]
    command += ["--runtime-api-address", f"127.0.0.1:{api}", *opt.runtime, "app.handler"]
    running = subprocess.Popen(  # noqa: S603 - AWS's emulator and our own interpreter
        command, cwd=opt.functions / name, env=_environment(opt, name, around), stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    with running:
        try:
            _listens(listen)
            began = time.monotonic()
            answer = urllib3.request(
                "POST",
                f"http://127.0.0.1:{listen}{INVOKE}",
                body=json.dumps(EVENTS[name]),
                retries=False,
                timeout=WAIT_SECONDS,
            )
            wall = time.monotonic() - began
            if b"errorType" in answer.data:
                raise RuntimeError(f"{name}: {answer.data[:200]!r}")
            return wall * 1000, _cpu_of_children(running.pid) * 1000
        finally:
            end(running)


def _environment(opt: Opt, name: str, around: World) -> Mapping[str, str]:
    return around.environment | {
        "PYTHONPATH": os.pathsep.join(map(str, opt.path(name))),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LAMBDA_TASK_ROOT": str(opt.functions / name),
        "_HANDLER": "app.handler",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "JOBS_QUEUE_URL": f"{around.s3}/123456789012/jobs",
        "SERVICE_KEY_SECRET": "arn:aws:secretsmanager:us-east-1:123456789012:secret:bench",
        "EVENT_BUS_NAME": "bench",
    }


def _listens(port: int) -> None:
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        try:
            urllib3.util.connection.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise RuntimeError("the emulator did not start")


def _cpu_of_children(pid: int) -> float:
    """Seconds of CPU that the processes have taken which `pid` started and that still run (proc(5), stat)."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        if int(fields[1]) == pid:
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def _marks(starts: Mapping[str, _Starts]) -> Iterator[Mark]:
    empty, boto3 = p(starts["empty"].wall, 50), p(starts["boto3"].wall, 50)
    yield below("relay to boto3, p50", p(starts["relay"].wall, 50) / boto3, RELAY_TO_BOTO3, "times")
    yield below("authorizer to empty, p50", p(starts["authorizer"].wall, 50) / empty, AUTHORIZER_TO_EMPTY, "times")
    for name, each in starts.items():
        yield told(f"{name}, p50", p(each.wall, 50), "ms", 0)
        yield told(f"{name}, CPU time, p50", p(each.cpu, 50), "ms", 0)
        if name not in BARE:
            yield told(
                f"{name} to empty, to boto3", p(each.wall, 50) / empty, f"and {p(each.wall, 50) / boto3:.2f} times"
            )
