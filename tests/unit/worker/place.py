"""What the tests of the worker share: a worker over fakes, and what its posts meet."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from reelay.aftercare import Aftercare, Means
from reelay.errors import UpstreamBusy
from reelay.jobs import ASK_SECONDS, QUEUE_LEASE_SECONDS
from reelay.model import Data, End, Failed, Head, Invocation, Job, Outgoing, Phase, Problem, Record
from reelay.relay import LEASE_MARGIN_SECONDS
from reelay.spending import Spending
from reelay.worker import Tools, Worker
from tests.fakes import (
    NOON,
    FakeArchive,
    FakeBus,
    FakeClock,
    FakeDrops,
    FakeExchange,
    FakeKeys,
    FakeQueue,
    FakeStatuses,
    FakeStore,
    FakeSwitch,
    FakeTelemetry,
    FakeUpstream,
    new_record,
)

HEAD = Head(200, {"content-type": "text/event-stream"})
DONE = Data(b"data: [DONE]\n\n")
VIDEO = "https://files.example/a.mp4"
TASK = "task_01k7e5w9z5f2d91pekrqy59rwc"
SECRET = "the caller's own words"
SECONDS = 900
LATER = int(NOON) + SECONDS + LEASE_MARGIN_SECONDS
PROBLEM = Problem("It broke.", "upstream_error", None, "outcome_unknown", 502, charged=True)
BUSY = Failed(UpstreamBusy("later", retry_after=10))


def chunk(content: str | None = None, finish: str | None = None) -> Data:
    delta = {} if content is None else {"content": content}
    payload = {"id": "up-1", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return Data(b"data: " + json.dumps(payload).encode() + b"\n\n")


ANSWER = (HEAD, chunk(f"> ID: `{TASK}`\n"), chunk(f"[▶️ watch]({VIDEO})", "stop"), DONE, End())
CUT = (HEAD, chunk(f"> ID: `{TASK}`\n"), End())


def job(**fields: Any) -> Record:
    """A record as the intake makes it."""
    request = {"model": "sora-2", "messages": [{"role": "user", "content": SECRET}], "stream": False, "seed": 7}
    waiting = {"phase": Phase.QUEUED, "status": "queued", "by_worker": True, "lease": int(NOON) + QUEUE_LEASE_SECONDS}
    return new_record(**{**waiting, "request": request, **fields})


class Shop:
    """A worker over fakes, and one record. Each of `scripts` is what the next post meets."""

    def __init__(
        self, record: Record, *scripts: tuple[Any, ...], asks: bool = True, store: FakeStore | None = None
    ) -> None:
        self.clock = FakeClock()
        self.store = store or FakeStore()
        self.telemetry = FakeTelemetry()
        self.archive, self.queue, self.bus, self.drops = FakeArchive(), FakeQueue(), FakeBus(), FakeDrops()
        self.keys, self.statuses = FakeKeys(), FakeStatuses()
        self.upstream = FakeUpstream(*(FakeExchange(self.clock, *script) for script in scripts))
        means = Means(self.store, self.archive, self.clock, self.telemetry, self.queue, self.bus, self.drops)
        self.aftercare = Aftercare(means)
        self.switch = FakeSwitch()
        self.tools = Tools(
            self.upstream, self.store, self.keys, self.aftercare, Spending(self.switch), self.clock, self.telemetry,
            self.statuses if asks else None,
        )  # fmt: skip
        self.job = Job(record.tenant, record.id)
        self.store.watch(record)
        self.store.create(record)

    def work(self) -> None:
        Worker(self.tools).work(self.job, Invocation(self.clock.monotonic() + SECONDS, live=False))

    @property
    def record(self) -> Record:
        return self.store.load(self.job.tenant, self.job.id)

    @property
    def phase(self) -> Phase:
        return self.record.phase

    @property
    def posts(self) -> list[Outgoing]:
        return self.upstream.posts

    @property
    def over(self) -> bool:
        return not self.store.open

    def told(self) -> list[str]:
        return [event.notice for event in self.bus.events]


def over(shop: Shop, store: Any) -> Tools:
    """The shop's tools over another store."""
    means = Means(store, shop.archive, shop.clock, shop.telemetry, shop.queue, shop.bus, shop.drops)
    return replace(shop.tools, store=store, aftercare=Aftercare(means))


def worked_until_over(shop: Shop) -> None:
    """By whoever the sweep sends, each after the lease of the one before."""
    for _ in range(9):
        if shop.over:
            return
        shop.clock.advance(QUEUE_LEASE_SECONDS)
        shop.work()
    raise AssertionError("it never comes to an end")


ASKING = {"ask_until": int(NOON) + 7200}


def asked_again(shop: Shop) -> None:
    """The message that the one before left behind comes, when it comes."""
    (_, delay) = shop.queue.sent.pop()
    assert delay == ASK_SECONDS + 1
    shop.clock.advance(delay)
    shop.work()
