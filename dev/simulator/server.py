"""The simulator: v98store and its media hosts on one loopback port."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from dev.simulator import jobs, names
from dev.simulator.handler import Handler
from dev.simulator.ledger import Ledger, Received, Sent
from dev.simulator.listener import Listener
from dev.simulator.pace import Pace

if TYPE_CHECKING:
    import ssl

    from dev.simulator.scenes.scene import Scene

SILENCE_SECONDS = 600.0
"""How long the silent scenes stay silent when nobody releases them: longer than any limit on idle time."""


class Simulator:
    """Plays v98store until closed; use it as a context manager.

    A request's `model` names the scene that answers it (`scenes.CATALOGUE`); the first label of X-Forwarded-Host does
    so too, and wins. A request that a working relay would not send is answered 400 and noted in `complaints`.

    `delay` is in seconds before each frame and `echo_delay` the same for the pieces of the echo (default: as `delay`).
    Links expire after `link_seconds` by `clock`. `retry_after` is what the scenes with that header put there. `gate`
    steps: each frame acquires it once, so `Semaphore(0)` holds every frame until `step()`. `only` is a scene that
    answers every request, whatever it names.
    """

    def __init__(  # noqa: PLR0913 - keyword-only settings of independent meaning
        self,
        port: int = 0,
        *,
        delay: float = 0.0,
        echo_delay: float | None = None,
        link_seconds: float = 3600,
        retry_after: int = 1,
        silence_seconds: float = SILENCE_SECONDS,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] | None = None,
        gate: threading.Semaphore | None = None,
        only: Scene | None = None,
    ) -> None:
        self.only = only
        self._port = port
        self._tls = tls
        self._listener: Listener | None = None
        self.clock = clock
        self.link_seconds = link_seconds
        self.retry_after = retry_after
        self.pace = Pace(delay, delay if echo_delay is None else echo_delay, silence_seconds, gate, sleep)
        self.ledger = Ledger()
        self.jobs = jobs.Jobs()

    def __enter__(self) -> Self:
        handler = type("_BoundHandler", (Handler,), {"simulator": self})
        self._listener = Listener(self._port, handler, self._tls)
        self._listener.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.pace.close()
        if self._listener is not None:
            self._listener.close()

    @property
    def origin(self) -> str:
        """Scheme, host and port, without a slash."""
        if self._listener is None:
            raise RuntimeError("the simulator has no address before it is entered")
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._listener.port}"

    @property
    def url(self) -> str:
        """The base URL of the API."""
        return f"{self.origin}/v1"

    @property
    def requests(self) -> list[Received]:
        """The POSTs to the chat endpoint that were received completely, in order of arrival."""
        return self.ledger.requests

    @property
    def posts(self) -> int:
        """How many there were: each is a paid call."""
        return self.ledger.posts

    @property
    def sent(self) -> list[Sent]:
        """The frames in the order in which they were sent."""
        return self.ledger.sent

    @property
    def complaints(self) -> list[str]:
        """What was wrong with the requests so far; empty for a working relay."""
        return self.ledger.complaints

    def step(self, frames: int = 1) -> None:
        """Let so many frames go; needs a `gate`."""
        self.pace.step(frames)

    def release(self) -> None:
        """End every silence, now and from now on."""
        self.pace.release()

    def link(self, suffix: str = "mp4") -> str:
        """A fresh link to the video, or with `webp` to the poster, as an answer would hold it."""
        now = self.clock()
        return self.origin + names.file_path(now, f"{now}{suffix}", suffix)
