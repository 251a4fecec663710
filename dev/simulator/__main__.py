"""`python -m dev.simulator`: the simulator until interrupted."""

from __future__ import annotations

import argparse
import signal
import threading

from dev.simulator import CATALOGUE, Simulator


def main() -> None:
    """Print the URL and play, or print the catalogue."""
    parser = argparse.ArgumentParser(prog="python -m dev.simulator", description="Plays v98store on loopback.")
    parser.add_argument("--port", type=int, default=0, help="where to listen (a free port)")
    parser.add_argument("--delay", type=float, default=0.2, help="seconds between frames (0.2)")
    parser.add_argument("--echo-delay", type=float, default=0.01, help="seconds between pieces of the echo (0.01)")
    parser.add_argument("--link-seconds", type=float, default=3600, help="how long media links live (3600)")
    parser.add_argument("--list", action="store_true", help="print each scene's name and what it plays")
    asked = parser.parse_args()
    if asked.list:
        width = max(map(len, CATALOGUE))
        print("\n".join(f"{name:<{width}}  {says}" for name, says in CATALOGUE.items()))
        return
    knobs = {"delay": asked.delay, "echo_delay": asked.echo_delay, "link_seconds": asked.link_seconds}
    stopped = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: stopped.set())
    with Simulator(asked.port, **knobs) as simulator:
        print(simulator.url, flush=True)
        stopped.wait()


if __name__ == "__main__":
    main()
