"""Worker processes: each runs a door under the real awslambdaric, serves one invocation at a time, and is kept.

What Lambda calls an execution environment: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TextIO

from dev.gateway.invocation import FunctionFailed, Invocation
from dev.gateway.runtime_api import RuntimeApiServer
from dev.intrinsics import ACCOUNT, REGION
from dev.template import Function

WORKERS = 20
"""Processes of one function at a time; further callers wait. Enough for a person, and for tests of races."""

INIT_SECONDS = 10
"""How long a door may take to be imported before its own time begins (Lambda: the init phase)."""

_END_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Start:
    """How workers start: interpreter, variables laid over the template's, and the file that takes what they print."""

    python: str
    environment: Mapping[str, str]
    log: TextIO

    def note(self, line: str) -> None:
        """Say one line in the gateway's own voice."""
        print(f"gateway: {line}", file=self.log, flush=True)


class Worker:
    """A process and the Runtime API that it alone talks to.

    `on_free` is called when it has finished an invocation and waits for the next, `on_end` when the process is gone.
    """

    def __init__(
        self,
        function: Function,
        start: Start,
        first: Invocation,
        on_free: Callable[[Worker], None],
        on_end: Callable[[Worker], None],
    ) -> None:
        self.arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function.name}"
        self._function, self._start, self._on_free, self._on_end = function, start, on_free, on_end
        self._next: Invocation | None = first
        self._running: Invocation | None = None
        self._timer: threading.Timer | None = None
        self._over = self._closing = False
        self._changed = threading.Condition()
        self._api = RuntimeApiServer(self)
        try:
            self._process = self._spawn()
        except OSError:
            self._api.server_close()
            raise
        self._limit(first, INIT_SECONDS + function.timeout)
        self._api.start()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def assign(self, invocation: Invocation) -> bool:
        """Give a free worker something to do; False when its process has just ended."""
        with self._changed:
            if not self._over:
                self._next = invocation
                self._changed.notify_all()
            return not self._over

    def next_invocation(self) -> tuple[Invocation, float] | None:
        """The process is ready for the next: see `runtime_api.Sandbox`."""
        with self._changed:
            done, self._running = self._running, None
            self._stop_timer()
            free = self._next is None and not self._over
        if done is not None:
            done.fail(FunctionFailed("Runtime.NoResponse", "the function asked for more work without answering"))
        if free:
            self._on_free(self)
        with self._changed:
            self._changed.wait_for(lambda: self._next is not None or self._over)
            if self._over or self._next is None:
                return None
            self._running, self._next = self._next, None
            self._limit(self._running, self._function.timeout)
            return self._running, time.time() + self._function.timeout

    def running(self) -> Invocation | None:
        """What the process works on."""
        with self._changed:
            return self._running

    def init_failed(self, failure: FunctionFailed) -> None:
        """The door could not be imported: whoever waits for it is told, and awslambdaric exits by itself."""
        self._start.note(f"{self._function.name} could not start: {failure.kind}")
        with self._changed:
            waiting = self._next
        if waiting is not None:
            waiting.fail(failure)

    def terminate(self) -> None:
        """Ask the process to end; `join` waits for it."""
        self._closing = True
        self._process.terminate()

    def join(self) -> None:
        """Wait until nothing of the worker is left, and see to it."""
        self._watcher.join(_END_SECONDS)
        self._process.kill()
        self._watcher.join()

    def _spawn(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - the interpreter and the handler come from the developer's own template
            [self._start.python, "-m", "awslambdaric", self._function.handler],
            cwd=self._function.code,
            env=_environment(self._function, self._start, self._api.port),
            stdin=subprocess.DEVNULL,
            stdout=self._start.log,
            stderr=self._start.log,
            start_new_session=True,  # Ctrl-C is for the gateway, which then ends its workers
        )

    def _watch(self) -> None:
        """Wait for the end of the process, and fail what it leaves undone."""
        code = self._process.wait()
        with self._changed:
            self._over = True
            undone = [invocation for invocation in (self._running, self._next) if invocation is not None]
            self._stop_timer()
            self._changed.notify_all()
        if not self._closing:
            self._start.note(f"{self._function.name}: its process ended ({code}); the next call starts another")
        for invocation in undone:
            invocation.fail(FunctionFailed("Runtime.ExitError", f"Runtime exited with {code}"))
        self._api.close()
        self._on_end(self)

    def _limit(self, invocation: Invocation, seconds: float) -> None:
        self._stop_timer()
        self._timer = threading.Timer(seconds, self._expire, [invocation, seconds])
        self._timer.daemon = True
        self._timer.start()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _expire(self, invocation: Invocation, seconds: float) -> None:
        with self._changed:
            if invocation not in (self._running, self._next):
                return
        self._start.note(f"{self._function.name}: ended after {seconds:g} s, its time-out")
        invocation.fail(FunctionFailed("Sandbox.Timedout", f"Task timed out after {seconds:.2f} seconds"))
        self._process.kill()


class Workers:
    """The workers of one function: started when all are busy, up to WORKERS, and used again."""

    def __init__(self, function: Function, start: Start) -> None:
        self._function = function
        self._start = start
        self._all: set[Worker] = set()
        self._free: list[Worker] = []
        self._closed = False
        self._changed = threading.Condition()

    def invoke(self, event: bytes, trace: str, wait_seconds: float) -> Invocation:
        """Set a worker to work. Raises TimeoutError when none was free in time, OSError when none can be started."""
        invocation = Invocation(event, trace)
        with self._changed:
            while not self._closed and self._changed.wait_for(self._has_room, wait_seconds):
                if not self._free:
                    self._all.add(Worker(self._function, self._start, invocation, self._on_free, self._on_end))
                    return invocation
                if self._free.pop().assign(invocation):
                    return invocation
        raise TimeoutError

    def close(self) -> None:
        """End them all; there will be no others."""
        with self._changed:
            self._closed = True
            every = list(self._all)
        for worker in every:
            worker.terminate()
        for worker in every:
            worker.join()

    def _has_room(self) -> bool:
        return bool(self._free) or len(self._all) < WORKERS

    def _on_free(self, worker: Worker) -> None:
        with self._changed:
            self._free.append(worker)
            self._changed.notify_all()

    def _on_end(self, worker: Worker) -> None:
        with self._changed:
            self._all.discard(worker)
            self._free = [each for each in self._free if each is not worker]
            self._changed.notify_all()


def _environment(function: Function, start: Start, port: int) -> dict[str, str]:
    """What a function finds in its environment on AWS, and nothing of the developer's own shell but PATH.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html (defined runtime variables).
    """
    standard = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PYTHONPATH": os.pathsep.join(map(str, function.layers)),
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    }
    reserved = {
        "_HANDLER": function.handler,
        "LAMBDA_TASK_ROOT": str(function.code),
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"local/{port}",
    }
    return standard | dict(function.environment) | dict(start.environment) | reserved
