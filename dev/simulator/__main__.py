"""`python -m dev.simulator`: the simulator until interrupted."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from dev import recording
from dev.simulator import CATALOGUE, Simulator, replay
from dev.simulator.scenes.scene import Scene


def main() -> None:
    """Print the URL and play, or print the catalogue."""
    parser = argparse.ArgumentParser(prog="python -m dev.simulator", description="Plays v98store on loopback.")
    parser.add_argument("--port", type=int, default=0, help="where to listen (a free port)")
    parser.add_argument("--delay", type=float, default=0.2, help="seconds between frames (0.2)")
    parser.add_argument("--echo-delay", type=float, default=0.01, help="seconds between pieces of the echo (0.01)")
    parser.add_argument("--link-seconds", type=float, default=3600, help="how long media links live (3600)")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="answer everything as this recording of make probe")
    parser.add_argument("--fast", action="store_true", help="with --replay: without the recording's pauses")
    parser.add_argument("--list", action="store_true", help="print each scene's name and what it plays")
    asked = parser.parse_args()
    if asked.list:
        width = max(map(len, CATALOGUE))
        print("\n".join(f"{name:<{width}}  {says}" for name, says in CATALOGUE.items()))
        return
    only = _recorded(asked.replay, fast=asked.fast) if asked.replay else None
    delay, echo_delay = (0.0, 0.0) if only else (asked.delay, asked.echo_delay)
    stopped = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: stopped.set())
    knobs = {"delay": delay, "echo_delay": echo_delay, "link_seconds": asked.link_seconds}
    with Simulator(asked.port, **knobs, only=only) as simulator:
        print(simulator.url, flush=True)
        stopped.wait()


def _recorded(file: Path, *, fast: bool) -> Scene:
    try:
        return replay.scene(recording.read(file), fast=fast)
    except (OSError, recording.NotARecording) as fault:
        sys.exit(f"{file} cannot be replayed: {fault}")


if __name__ == "__main__":
    main()
