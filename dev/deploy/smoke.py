"""`make smoke URL=...`: tests/smoke against any stack that stands, after saying what it costs and asking."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from urllib.parse import urlsplit

from dev.deploy import ROOT, NotDone
from dev.deploy.terminal import Terminal
from tests.smoke import COST, KEY, MODEL, URL, VIDEO, VIDEO_COST

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def main() -> int:
    """Ask and run; the exit status is pytest's."""
    asked = _arguments()
    terminal = Terminal(asks=not asked.yes)
    try:
        url, key = _place(asked.url), os.environ.get("KEY") or terminal.ask_secret("Key of Reelay's (rk-...): ")
        if not key:
            raise NotDone("Without a key there is nothing to try: KEY=rk-... make smoke URL=...")
        terminal.tell(COST.format(url=url, model=asked.model))
        if asked.video:
            terminal.tell(VIDEO_COST)
        if terminal.asks and terminal.ask("Go on? [y/N] ").lower() not in ("y", "yes"):
            raise NotDone("Nothing was sent.")
    except NotDone as why:
        print(why, file=sys.stderr)
        return 1
    return _run({URL: url, KEY: key, MODEL: asked.model, VIDEO: "yes" if asked.video else ""})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make smoke", description="Does a deployed stack do what it should?")
    parser.add_argument("--url", required=True, help="its address, with or without /v1")
    parser.add_argument("--model", required=True, help="the model of the one short answer that is paid")
    parser.add_argument("--video", action="store_true", help="pay for a video as well")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    return parser.parse_args()


def _place(url: str) -> str:
    """The address without /v1. Raises NotDone where a key would travel in the clear."""
    place = url.rstrip("/").removesuffix("/v1")
    parts = urlsplit(place)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise NotDone(f"{url} is no https address, and a key is only sent to one.")
    return place


def _run(environment: dict[str, str]) -> int:
    """pytest in a process of its own; the key is in its environment, where `ps` does not show it."""
    words = ["-m", "pytest", "-q", "-x", "--timeout", "1800", "tests/smoke/deployed.py"]
    return subprocess.run(  # noqa: S603 - our own interpreter and our own words
        [sys.executable, *words], cwd=ROOT, env=os.environ | environment, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
