"""Both doors over the simulator and moto in one process, for what is counted and not timed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dev.aws import AwsServer
from dev.simulator import Simulator
from reelay.settings import Settings
from reelay.wiring import House
from tests.bench.asked import STREAMED, WHOLE, Context, event
from tests.bench.door import Sink
from tests.bench.processes import BUCKET, ENVIRONMENT
from tests.bench.s3_watch import S3Call, S3Watch

FRAME_SECONDS = 0.005
"""Between two frames of the upstream, so that they come one by one; the real one takes seconds."""

_OURS = ("AWS_", "POWERTOOLS_")

if TYPE_CHECKING:
    from reelay.model import Outgoing, Seen
    from reelay.ports import Exchange, Line, Upstream


class Milestones:
    """An upstream that notes how many S3 calls had been made when it was called and when it had said everything."""

    def __init__(self, upstream: Upstream, watch: S3Watch) -> None:
        self._upstream, self._watch = upstream, watch
        self.called = self.said = 0

    def dial(self, deadline: float) -> Line:
        self._line = self._upstream.dial(deadline)
        return self

    def post(self, outgoing: Outgoing) -> Exchange:
        self.called = len(self._watch.calls)
        self._exchange = self._line.post(outgoing)
        return self

    def wait(self, seconds: float) -> Seen | None:
        seen = self._exchange.wait(seconds)
        self.said = len(self._watch.calls)
        return seen

    def close(self) -> None:
        self._line.close()


class BenchHouse:
    """The doors as they are deployed, for callers who pay themselves."""

    def __init__(self, simulator: Simulator) -> None:
        chosen = Settings(bucket=BUCKET, upstream_base_url=simulator.url, upstream_plain_http=True)
        house = House(chosen)
        self.watch = S3Watch(house.bucket)
        self.milestones = Milestones(house.upstream, self.watch)
        vars(house)["upstream"] = self.milestones  # in place of the cached one, before the door is made
        self._relay, self._results, self._house = house.relay(), house.results(), house

    def ask(self, *, stream: bool = True, **headers: str) -> list[S3Call]:
        """One completion; the calls before the caller had all of it."""
        sink = Sink()
        self.watch.take()
        door = replace(self._relay, open_stream=lambda: sink)
        door.serve(event(STREAMED if stream else WHOLE, **headers), Context())
        self._house.telemetry.metrics.clear_metrics()
        if sink.status != 200:
            raise RuntimeError(f"the door answered {sink.status}")
        return [call for call in self.watch.take() if call.began < sink.ended]

    def read(self, path: str, **query: str) -> tuple[Any, list[S3Call]]:
        """A reading call: its proxy response and its S3 calls."""
        self.watch.take()
        asked = {**event("", "GET", path), **_query(query)}
        reply = self._results.serve(asked, Context())
        self._house.telemetry.metrics.clear_metrics()
        return reply, self.watch.take()


def _query(query: dict[str, str]) -> dict[str, Any]:
    many = {name: [value] for name, value in query.items()}
    return {"queryStringParameters": query or None, "multiValueQueryStringParameters": many or None}


@contextmanager
def aws_here() -> Iterator[None]:
    """moto in this process with BUCKET in it, and the environment that leads there; as it was afterwards."""
    before = {name: value for name, value in os.environ.items() if name.startswith(_OURS)}
    with AwsServer() as aws:
        aws.create_bucket(BUCKET)
        given = {name: value for name, value in ENVIRONMENT.items() if name.startswith(_OURS)}
        given |= {"POWERTOOLS_SERVICE_NAME": "reelay", "POWERTOOLS_METRICS_NAMESPACE": "Reelay"}
        _replace(given | {"AWS_ENDPOINT_URL": aws.url, "POWERTOOLS_LOG_LEVEL": "CRITICAL"})
        try:
            yield
        finally:
            _replace(before)


@contextmanager
def bench_house() -> Iterator[BenchHouse]:
    """The doors, until the end of the block."""
    with aws_here(), Simulator(delay=FRAME_SECONDS) as simulator:
        yield BenchHouse(simulator)


def _replace(environment: dict[str, str]) -> None:
    for name in [name for name in os.environ if name.startswith(_OURS)]:
        del os.environ[name]
    os.environ.update(environment)
