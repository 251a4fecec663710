"""A template, up and running: its API in front, its functions' workers behind.

Stands for a Regional REST API with Lambda proxy integrations, one stage, reached under the stage's path as on
execute-api hosts and without it as under a custom domain.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dev.gateway.events import Admitted, Request, proxy_event, undeclared_binary
from dev.gateway.front import Front
from dev.gateway.guard import Guard
from dev.gateway.invocation import Invocation
from dev.gateway.replies import Refusal, timed_out
from dev.gateway.routes import Match, Routes
from dev.gateway.worker import Start
from dev.gateway.workers import Workers
from dev.place import Place
from dev.template import Template, read

EVENT_LIMIT = 6 * 1024 * 1024
"""Bytes of an event, body and all (Lambda quotas: 6 MB, invocation payload)."""

INVOKE_SECONDS = 900.0
"""How long a direct invocation may take (Lambda: the longest time-out)."""

_SETTLE_SECONDS = 2.0


class Gateway:
    """The API and the functions of a template, up from `with` to its end.

    `environment` is laid over the functions' own variables, which `place` completes; `log` takes what they print and
    what the gateway has to say (the error stream when None). `port` 0 means any free one. `keys` are API keys on a
    usage plan beside those of the template. Raises as `template.read`.
    """

    def __init__(  # noqa: PLR0913 - all but two have a default, and a test or the stack that sets them
        self,
        template: Path,
        environment: Mapping[str, str],
        *,
        place: Place | None = None,
        port: int = 0,
        stage: str = "live",
        python: str = sys.executable,
        log: Path | None = None,
        keys: Iterable[str] = (),
    ) -> None:
        self.stage = stage
        self.template: Template = read(template, place)
        self.routes = Routes(self.template.routes)
        self.guard = Guard(self.invoke, self.template.keys | frozenset(keys))
        self._port, self._python, self._environment, self._log = port, python, environment, log
        self._workers: dict[str, Workers] = {}
        self._stop = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            log = sys.stderr if self._log is None else undo.enter_context(self._log.open("w", encoding="utf-8"))
            self._start = Start(self._python, self._environment, log)
            self._listener = Front(self, self._port)
            undo.callback(self._listener.settle, _SETTLE_SECONDS)
            for name, function in self.template.functions.items():
                self._workers[name] = Workers(function, self._start)
                undo.callback(self._workers[name].close)
            self._listener.start()
            undo.callback(self._listener.close)
            self._stop = undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.close()

    @property
    def url(self) -> str:
        """The origin; routes are under it, and under it and the stage."""
        return f"http://127.0.0.1:{self._listener.port}"

    def invoke(self, function: str, event: Any) -> Any:
        """Invoke a function directly, by its logical id; returns what its JSON answer says.

        Raises KeyError for an unknown function, FunctionFailed (its error object as `payload`), TimeoutError, OSError
        when it cannot be started, and ValueError when the answer is no JSON (as a streamed one).
        """
        invocation = self._workers[function].invoke(json.dumps(event).encode(), "Root=local", INVOKE_SECONDS)
        return json.loads(b"".join(iter(lambda: invocation.receive(INVOKE_SECONDS), None)))

    def start(self, match: Match, request: Request, admitted: Admitted) -> Invocation:
        """Hand a request to its function. Raises Refusal when it does not fit or no worker can take it."""
        media = undeclared_binary(request, self.template.binary_media_types)
        if media is not None:
            self.note(f"API Gateway would garble this body: BinaryMediaTypes does not name {media}")
        event = proxy_event(request, match, self.stage, self.template.binary_media_types, admitted)
        payload = json.dumps(event, ensure_ascii=False).encode()
        if len(payload) > EVENT_LIMIT:
            raise Refusal("REQUEST_TOO_LARGE", 413, "Request Too Long")
        try:
            return self._workers[match.route.function].invoke(payload, request.trace, match.route.timeout)
        except TimeoutError:
            raise timed_out() from None
        except OSError:
            why = f"{match.route.function} cannot be started"
            raise Refusal("INTEGRATION_FAILURE", 504, "Network error communicating with endpoint", why) from None

    def note(self, line: str) -> None:
        """Say one line on the log."""
        self._start.note(line)
