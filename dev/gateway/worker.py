"""A worker process: it runs a door under the real awslambdaric, serves one invocation at a time, and is kept.

What Lambda calls an execution environment: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TextIO

from dev.gateway.environment import function_environment
from dev.gateway.invocation import FunctionFailed, Invocation
from dev.gateway.runtime_api import RuntimeApiServer
from dev.intrinsics import ACCOUNT, REGION
from dev.template import Function

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
        self.log.write(f"gateway: {line}\n")
        self.log.flush()


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
            env=function_environment(self._function, self._start.environment, self._api.port),
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
        self._api.drain(_END_SECONDS)  # what it sent before it died still counts
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
