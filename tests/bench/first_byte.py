"""What a relay adds to the first byte of a stream, through the hook and the gateway."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import urllib3

from dev.gateway import Gateway
from tests.bench import peers
from tests.bench.around import World, world
from tests.bench.asked import HEADERS, PATH, STREAMED
from tests.bench.lanes.relay import WATCHED
from tests.bench.processes import ROOT
from tests.bench.s3_watch import S3Call, covered
from tests.bench.table import Mark, Row, absent, at_most, below, p, told

SAMPLES, QUICK_SAMPLES = 500, 15
WARM_UP = 10
SETTLE_SECONDS = 10
"""For what follows an answer: the next turn begins when it is done, so that it takes nothing from another lane."""

LIMIT_MS = 2.0
AGAINST_LITELLM = 0.25
NAME, TITLE = "first_byte", "Added time to first byte, streamed"
HOW = """\
The documented request, streamed, from sending it to the first byte of the body, the lanes taking turns: to the
simulator itself; through the local gateway and the real awslambdaric to a bare door (the hook, urllib3, nothing
else), which is what the Runtime API and the gateway cost; through the same to functions/relay/app.py; and to
LiteLLM's proxy. S3's time is subtracted as in the row of the whole answer. "In all" is what stands between a caller
and the upstream."""


@dataclass
class _Turns:
    """Milliseconds to the first byte, by turn; `s3` is what of `relay` was spent in S3 calls alone."""

    direct: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    relay: list[float] = field(default_factory=list)
    s3: list[float] = field(default_factory=list)
    library: list[float] = field(default_factory=list)
    proxy: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _First:
    """When a request was sent, when the first byte of its answer came, and the invocation's id."""

    sent: float
    came: float
    id: str

    @property
    def milliseconds(self) -> float:
        return (self.came - self.sent) * 1000


def measure(*, quick: bool) -> Row:
    """Take turns."""
    turns = _Turns()
    with world() as around, ExitStack() as stop:
        calls = Path(stop.enter_context(tempfile.TemporaryDirectory()), "calls")
        calls.touch()
        gateway = stop.enter_context(_gateway(around, calls))
        proxy = stop.enter_context(peers.litellm(around.upstream)) if peers.installed() else None
        pool = urllib3.PoolManager(retries=False)
        for turn in range(WARM_UP + (QUICK_SAMPLES if quick else SAMPLES)):
            if turn == WARM_UP:
                vars(turns).update(vars(_Turns()))
            turns.direct.append(first(pool, around.upstream.removesuffix("/v1") + PATH).milliseconds)
            turns.bare.append(first(pool, gateway.url + "/bare").milliseconds)
            relayed = first(pool, gateway.url + PATH)
            turns.relay.append(relayed.milliseconds)
            made = [call for call in _calls_of(relayed, calls) if call.ended <= relayed.came]
            turns.s3.append(_alone(relayed, made, turns.direct[-1]))
            turns.library.append(sum(call.library for call in made) * 1000)
            if proxy:
                turns.proxy.append(first(pool, proxy + PATH).milliseconds)
    return Row(NAME, TITLE, HOW, list(_marks(turns)))


def _gateway(around: World, calls: Path) -> Gateway:
    environment = around.environment | {"BENCH_CALLS": str(calls), "PYTHONPATH": f"{ROOT}:{ROOT / 'layers/core'}"}
    return Gateway(Path(__file__).with_name("doors") / "template.yaml", environment, log=calls.with_name("log"))


def first(pool: urllib3.PoolManager, url: str) -> _First:
    """Ask, take the first byte, and read on to the end. Raises RuntimeError for any status but 200."""
    headers = {**HEADERS, "Accept": "text/event-stream"}
    sent = time.monotonic()
    answer = pool.request("POST", url, body=STREAMED, headers=headers, preload_content=False)
    answer.read1(1)
    came = time.monotonic()
    while answer.read1(65_536):
        pass
    answer.release_conn()
    if answer.status != 200:
        raise RuntimeError(f"{url} answered {answer.status}")
    return _First(sent, came, answer.headers.get("x-request-id", ""))


def _calls_of(relayed: _First, calls: Path) -> list[S3Call]:
    """The S3 calls of that invocation, once it has ended."""
    until = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < until:
        for line in reversed(calls.read_text().splitlines()):
            name, made = json.loads(line)
            if name == relayed.id:
                return [S3Call(*each) for each in made]
        time.sleep(0.005)
    raise RuntimeError("the relay's door did not end")


def _alone(relayed: _First, calls: list[S3Call], direct: float) -> float:
    """Milliseconds before the first byte in which nothing but S3 was waited for."""
    spent = covered([(call.began, call.ended) for call in calls], relayed.sent, relayed.came) * 1000
    beside = sum(call.seconds for call in calls if WATCHED in call.path) * 1000
    return spent - min(beside, direct)


def _marks(turns: _Turns) -> Iterator[Mark]:
    mine = [relay - s3 for relay, s3 in zip(turns.relay, turns.s3, strict=True)]
    over = [each - bare for each, bare in zip(mine, turns.bare, strict=True)]
    whole = [each - direct for each, direct in zip(mine, turns.direct, strict=True)]
    yield below("Reelay over the bare door, p50", p(over, 50), LIMIT_MS, "ms")
    yield told("Reelay over the bare door, p95", p(over, 95), "ms")
    yield told("of that building, signing and reading S3 calls, p50", p(turns.library, 50), "ms")
    yield told("of S3 calls before the first byte, p50, not counted above", p(turns.s3, 50), "ms")
    yield told("bare door over the simulator itself, p50", p(_over(turns.bare, turns.direct), 50), "ms")
    yield told("Reelay in all, p50", p(whole, 50), "ms")
    if not turns.proxy:
        yield absent("LiteLLM's proxy", peers.MISSING)
        return
    theirs = p(_over(turns.proxy, turns.direct), 50)
    yield told("LiteLLM's proxy in all, p50", theirs, "ms")
    yield at_most("Reelay's in all to LiteLLM's", p(whole, 50) / theirs, AGAINST_LITELLM, "times", 3)


def _over(samples: list[float], limits: list[float]) -> list[float]:
    return [sample - limit for sample, limit in zip(samples, limits, strict=True)]
