"""`make probe`: the documented request to the real v98store, once, and a report of what came back.

Exit status 0 when a whole completion came that conforms to upstream.yaml, 1 when not, 2 when nothing was sent.
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from dev import recording
from dev.probe.life import look
from dev.probe.reading import read
from dev.probe.report import lines
from dev.probe.schemas import broken
from dev.probe.wire import NotSent, Probe
from dev.recording import Recording, Writer
from dev.upstream import Upstream, real
from reelay.bearer import bearer_token
from reelay.clock import SystemClock
from reelay.connection import Endpoint, endpoint
from reelay.errors import Unauthorized

ROOT = Path(__file__).parents[2]
EVENT = ROOT / "events" / "create-video.json"
OUT = ROOT / "out"
STAMP = "%Y%m%dT%H%M%S.%fZ"
"""In the recording's name: UTC, to the microsecond, so that no recording meets another."""


def main() -> int:
    """Ask, send, tell; returns the exit status."""
    asked = _arguments()
    upstream = real(os.environ.get("V98STORE_TOKEN", ""))
    try:
        place, token = _agreed(upstream, asked)
        return _probed(place, token, upstream, asked)
    except NotSent as fault:
        print(f"Nothing was sent: {fault}.")
        return 2


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make probe", description="One paid request to v98store, looked at closely.")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--stream", action="store_true", default=True, help="ask for a stream (the documented request)")
    form.add_argument("--whole", action="store_false", dest="stream", help="ask for one JSON reply")
    parser.add_argument("--model", default="sora-2", help="which model is asked (sora-2)")
    parser.add_argument("--yes", action="store_true", help="do not ask whether to spend the money")
    parser.add_argument("--out", type=Path, default=OUT, help="where the recording goes")
    return parser.parse_args()


def _place(upstream: Upstream) -> Endpoint:
    """Where to post. Raises NotSent for an address that is none, or that would send the key in clear."""
    try:
        return endpoint(upstream.url, plain_http=upstream.environment["UPSTREAM_PLAIN_HTTP"] == "true")
    except ValueError as fault:
        raise NotSent(str(fault)) from None


def _agreed(upstream: Upstream, asked: argparse.Namespace) -> tuple[Endpoint, str]:
    """Where to post, and the key, once somebody agreed to what it costs. Raises NotSent."""
    place = _place(upstream)
    form = "streamed" if asked.stream else "whole"
    print(f"This asks {place.authority} once for a video ({asked.model}, {form}) with your key.")
    print("It costs money, also when the video fails.")
    try:
        if not asked.yes:
            _asked()
        return place, _token(upstream)
    except KeyboardInterrupt:
        print()
        raise NotSent("it was interrupted") from None


def _asked() -> None:
    """Raises NotSent unless the answer is yes."""
    print("Send it? [y/N] ", end="", flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        print()
        raise NotSent("the answer was not y")


def _token(upstream: Upstream) -> str:
    """The key, from the environment or asked for without an echo. Raises NotSent."""
    given = upstream.token or (getpass.getpass("Key: ") if sys.stdin.isatty() else sys.stdin.readline())
    try:
        token = bearer_token(f"Bearer {given.strip()}", optional=False)
    except Unauthorized:
        token = None
    if token is None:
        raise NotSent("that is no key; expected letters, digits and -._~+/ and nothing else")
    return token


def _probed(place: Endpoint, token: str, upstream: Upstream, asked: argparse.Namespace) -> int:
    """Send, record, look at the links, tell."""
    clock = SystemClock()
    asked.out.mkdir(parents=True, exist_ok=True)
    when = datetime.fromtimestamp(clock.now(), UTC)
    path: Path = asked.out / f"probe-{when:{STAMP}}.jsonl"
    with path.open("x", encoding="utf-8", newline="\n") as file:
        writer = Writer(file, token)
        writer.asked(f"{when:%Y-%m-%dT%H:%M:%SZ}", place.authority, asked.model, stream=asked.stream)
        print("Sending. A video takes 2 to 15 minutes; Ctrl-C gives up the answer, not the charge.", flush=True)
        try:
            Probe(place, writer, clock).post(
                _body(asked.model, stream=asked.stream), _headers(token, stream=asked.stream)
            )
        except NotSent:
            path.unlink()
            raise
        except KeyboardInterrupt:
            print()
    return _told(recording.read(path), path, upstream, token)


def _told(found: Recording, path: Path, upstream: Upstream, token: str) -> int:
    trusted = frozenset(filter(None, map(str.strip, upstream.environment["MEDIA_TRUSTED_ORIGINS"].split(","))))
    reading, faults = read(found), list(broken(found))
    looks = [look(link, trusted) for link in reading.links]
    report = lines(found, reading, faults, looks, SystemClock().now())
    print(f"\n{report}\n{'Recording':<12} {path}".replace(token, "*" * len(token)))
    return 0 if reading.completed and not faults else 1


def _body(model: str, *, stream: bool) -> bytes:
    """The documented request, with another model or form where that was asked for."""
    documented = json.loads(json.loads(EVENT.read_text(encoding="utf-8"))["body"])
    return json.dumps(documented | {"model": model, "stream": stream}, ensure_ascii=False).encode()


def _headers(token: str, *, stream: bool) -> Mapping[str, str]:
    accept = "text/event-stream" if stream else "application/json"
    return {"Content-Type": "application/json", "Accept": accept, "Authorization": f"Bearer {token}"}


if __name__ == "__main__":
    sys.exit(main())
