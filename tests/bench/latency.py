"""What a relay adds to a whole answer, beside the upstream's time and S3's; against LiteLLM's proxy and the recipe."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import urllib3

from tests.bench import peers
from tests.bench.around import World, world
from tests.bench.asked import HEADERS, PATH, WHOLE
from tests.bench.processes import PEERS, Lane
from tests.bench.table import Mark, Row, absent, at_most, below, p, told

SAMPLES, QUICK_SAMPLES = 2_000, 30
WARM_UP = 20
"""Requests before the first that counts: the row is about warm functions."""

LIMIT_MS = 1.5
AGAINST_LITELLM = 0.1
NAME, TITLE = "latency", "Added latency, whole answer, warm"
HOW = """\
The documented request with `stream: false`, 2,000 times, the lanes taking turns. Reelay's is functions/relay/app.py
in a process of its own, from the event going in to the answer's last byte going out: validation, records, log and
all. Its added time is that, minus what a bare urllib3 call to the same simulator took in the same turn, minus the
time in which an S3 call was on its way (handed to urllib3 until answered; signing and parsing count as added, and a
call that is made beside the upstream's is subtracted once). The recipe (FastAPI, Mangum, httpx with a kept connection)
is measured in the same way and keeps nothing; LiteLLM's proxy over HTTP on a kept connection, one worker. What
follows the answer is outside."""


@dataclass
class _Turns:
    """Milliseconds that each lane added, by turn."""

    direct: list[float] = field(default_factory=list)
    relay: list[float] = field(default_factory=list)
    s3: list[float] = field(default_factory=list)
    library: list[float] = field(default_factory=list)
    recipe: list[float] = field(default_factory=list)
    proxy: list[float] = field(default_factory=list)


def measure(*, quick: bool) -> Row:
    """Take turns."""
    turns = _Turns()
    with world() as around, ExitStack() as stop:
        lanes = list(_lanes(around, turns, stop))
        for turn in range(WARM_UP + (QUICK_SAMPLES if quick else SAMPLES)):
            if turn == WARM_UP:
                vars(turns).update(vars(_Turns()))
            for lane in lanes:
                lane()
    return Row(NAME, TITLE, HOW, list(_marks(turns)))


def _lanes(around: World, turns: _Turns, stop: ExitStack) -> Iterator[Callable[[], None]]:
    pool = urllib3.PoolManager(retries=False)
    relay = stop.enter_context(Lane("-m", "tests.bench.lanes.relay", environment=around.environment))
    yield lambda: turns.direct.append(posted(pool, around.upstream.removesuffix("/v1")))
    yield lambda: _relayed(relay, turns)
    if peers.installed():
        recipe = stop.enter_context(Lane("tests/bench/lanes/recipe.py", environment=around.environment, python=PEERS))
        origin = stop.enter_context(peers.litellm(around.upstream))
        yield lambda: turns.recipe.append(recipe.go()["seconds"] * 1000 - turns.direct[-1])
        yield lambda: turns.proxy.append(posted(pool, origin) - turns.direct[-1])


def posted(pool: urllib3.PoolManager, origin: str, body: str = WHOLE) -> float:
    """Milliseconds of one whole answer over HTTP. Raises RuntimeError for any status but 200."""
    began = time.monotonic()
    answer = pool.request("POST", f"{origin}{PATH}", body=body, headers=HEADERS)
    milliseconds = (time.monotonic() - began) * 1000
    if answer.status != 200:
        raise RuntimeError(f"{origin} answered {answer.status}")
    return milliseconds


def _relayed(relay: Lane, turns: _Turns) -> None:
    said = {name: seconds * 1000 for name, seconds in relay.go().items()}
    hidden = min(said["beside"], turns.direct[-1])  # under the S3 call that is made while the upstream is asked
    turns.relay.append(said["seconds"] - said["s3"] - turns.direct[-1] + hidden)
    turns.s3.append(said["s3"])
    turns.library.append(said["library"])


def _marks(turns: _Turns) -> Iterator[Mark]:
    mine = p(turns.relay, 50)
    yield below("Reelay, p50", mine, LIMIT_MS, "ms")
    yield told("Reelay, p95", p(turns.relay, 95), "ms")
    yield told("of that building, signing and reading S3 calls, p50", p(turns.library, 50), "ms")
    yield told("of S3 calls before the answer, p50, not counted above", p(turns.s3, 50), "ms")
    yield told("a bare urllib3 call, in all, p50: the limit", p(turns.direct, 50), "ms")
    if not turns.proxy:
        yield absent("LiteLLM's proxy and the recipe", peers.MISSING)
        return
    yield told("LiteLLM's proxy, p50", p(turns.proxy, 50), "ms")
    yield told("LiteLLM's proxy, p95", p(turns.proxy, 95), "ms")
    yield told("FastAPI recipe, p50", p(turns.recipe, 50), "ms")
    yield told("FastAPI recipe, p95", p(turns.recipe, 95), "ms")
    yield at_most("Reelay's p50 to LiteLLM's", mine / p(turns.proxy, 50), AGAINST_LITELLM, "times", 3)
    yield at_most("Reelay's p50 to the recipe's", mine / p(turns.recipe, 50), 1, "times", 3)
