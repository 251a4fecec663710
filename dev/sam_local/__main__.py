"""`python -m dev.sam_local [--port 3000] [--smoke]`: the application in containers, kept up until Ctrl-C, or tried.

With --smoke the exit status is 0 only when all of it is as it should be, or, in words, where no container can run.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import uuid
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from dev.sam_local import NoEngine, NotSo, engine, image, stack
from dev.sam_local.api import Api
from dev.sam_local.lines import lines
from dev.sam_local.sam import LOG, Sam
from dev.sam_local.smoke import smoke
from dev.sam_local.telling import step

LOG_LINES = 40
"""Of what start-api and the functions printed, when something is not so."""


def main() -> int:
    """Run it all; returns the exit status."""
    parser = argparse.ArgumentParser(prog="make sam-local", description="Reelay in containers, under `sam local`.")
    parser.add_argument("--port", type=int, default=3000, help="where start-api listens (3000)")
    parser.add_argument("--smoke", action="store_true", help="try everything and end")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Ended from outside."))
    with TemporaryDirectory(prefix="reelay-sam-") as folder:
        try:
            _run(Path(folder), asked.port, smoked=asked.smoke)
        except NoEngine as why:
            print(f"Skipped, nothing was tried in containers: {why}" if asked.smoke else why, file=sys.stderr)
            return 0 if asked.smoke else 1
        except (NotSo, BotoCoreError, ClientError, HTTPError, OSError) as failure:
            _show(Path(folder) / LOG)
            print(f"Not so: {failure}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 130
    return 0


def _run(folder: Path, port: int, *, smoked: bool) -> None:
    with ExitStack() as stop:
        containers = step("a container engine", lambda: stop.enter_context(engine.running(folder, install=smoked)))
        begun = step("an image to run functions in", lambda: image.base(containers))
        print(f"The image is {begun.name}, with Python {begun.python}.", flush=True)
        around = stop.enter_context(stack.running(containers.address()))
        run = uuid.uuid4().hex[:12]
        stop.callback(containers.remove, run)
        sam = Sam(containers, begun, around, folder)
        layer = step("sam build", sam.build)
        sam = replace(sam, image=image.of_run(containers, begun, run, around.variables, layer))
        if smoked:
            smoke(sam)
        else:
            _stay_up(sam, port)
    if smoked:
        print(f"All of it is so. Nothing is left running; {_left(containers, begun)}.")


def _stay_up(sam: Sam, port: int) -> None:
    api = Api(f"http://127.0.0.1:{port}")
    with sam.serving(port, api.ready) as url:
        print(lines(sam, url), flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


def _left(containers: engine.Engine, begun: image.Image) -> str:
    return "nor are images" if containers.environment else f"the engine that ran here before keeps {begun.name}"


def _show(log: Path) -> None:
    if log.exists():
        told = log.read_text(errors="replace").splitlines()[-LOG_LINES:]
        print("\n".join(["The last of start-api:", *told]), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
