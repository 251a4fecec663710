"""`python -m tests.bench.upstream`: the simulator at full speed, for peers too.

It refuses what a relay must not send, and the peers send some of that: headers of their own SDK, and a wish for gzip.
Here those are overlooked; all else is the simulator's.
"""

from __future__ import annotations

import signal
import sys
import threading
from typing import Self

from dev.simulator import Simulator
from dev.simulator.handler import Handler
from dev.simulator.listener import Listener

_OVERLOOKED = ("x-", "accept-encoding")


class _Tolerant(Handler):
    def parse_request(self) -> bool:
        """As http.server's, with the headers that a well-behaved relay would send."""
        good = super().parse_request()
        if good:
            for name in [name for name in self.headers if name.lower().startswith(_OVERLOOKED)]:
                del self.headers[name]
            self.headers["Accept-Encoding"] = "identity"
        return good


class TolerantSimulator(Simulator):
    """Answers relays that it would refuse."""

    def __enter__(self) -> Self:
        self._listener = Listener(0, type("_Bound", (_Tolerant,), {"simulator": self}), None)
        self._listener.start()
        return self


def main() -> None:
    """Print the base URL and play until told to stop."""
    stopped = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: stopped.set())
    with TolerantSimulator() as simulator:
        sys.stdout.write(f"{simulator.url}\n")
        sys.stdout.flush()
        stopped.wait()


if __name__ == "__main__":
    main()
