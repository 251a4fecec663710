"""What 1,000 videos of three minutes cost at list prices: every call counted, every second reckoned."""

from __future__ import annotations

import math
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
import urllib3

from dev.simulator import Simulator
from reelay.archive import PART_BYTES
from reelay.s3 import s3_client
from reelay.s3_rest import Attempt, Carry, Received
from tests.bench.asked import DOCUMENTED, HEADERS, PATH, STREAMED
from tests.bench.house import aws_here
from tests.bench.processes import BUCKET, ROOT
from tests.bench.table import Mark, Row
from tests.e2e.event_house import EventHouse
from tests.fakes import FakeClock
from tests.patience import PATIENCE_SECONDS
from tests.s3_tap import tap

VIDEOS = 1_000
VIDEO_SECONDS = 180.0
VIDEO_BYTES = 20 * 10**6
"""Assumed: twelve seconds of 720p at some 13 Mbit/s."""

COPY_SECONDS = 2.0
"""Assumed for the copy of such a video and its poster, within the same invocation: 10 MB/s."""

POLL_SECONDS = 10
"""How often a caller looks who asked with Prefer: respond-async."""

MEMORY_GB, AUTHORIZER_GB = 0.5, 0.125
"""template.yaml, MemorySize."""

QUIET_SECONDS, QUICK_QUIET_SECONDS = 0.1, 0.02
"""Without a call of AWS's for so long the relay waits for its upstream."""

SHORT_SECONDS = 0.1
"""Assumed for an invocation that waits for nothing but S3 and SQS: far more than it computes."""

NAME, TITLE = "cost", "Cost of 1,000 videos of 3 minutes"
HOW = """\
One video of each kind, whose captured stream takes 180 s by a clock that stands still while Reelay works; every call
of AWS that the doors make is counted as it is sent, times 1,000. Sync: a streamed POST with the caller's own
key. Async over HTTP: the same with `Prefer: respond-async` and a look every 10 s. Async by event: a message on the
requests queue; Lambda's own receiving and deleting is one call each a message. GB-seconds: 180 s and 2 s for the
copy at 512 MB, 0.1 s for each short invocation. Assumed: 20 MB a video (that many parts are counted). Prices:
docs/prices.toml. Not in it: v98store, logs, traffic out (a 3-minute wait sends some kB), and free tiers."""


@dataclass
class Bill:
    """What one video takes."""

    http: int = 0
    invocations: int = 0
    gb_seconds: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)

    def run(self, seconds: float, gb: float = MEMORY_GB) -> None:
        """An invocation."""
        self.invocations += 1
        self.gb_seconds += seconds * gb

    def dollars(self, prices: dict[str, Any]) -> dict[str, float]:
        """By service."""
        calls = self.calls
        return {
            "API Gateway": self.http * prices["api_gateway"]["request"],
            "Lambda": self.gb_seconds * prices["lambda"]["gb_second_arm64"]
            + self.invocations * prices["lambda"]["request"],
            "S3 requests": calls["s3 write"] * prices["s3"]["write"] + calls["s3 read"] * prices["s3"]["read"],
            "SQS": calls["sqs"] * prices["sqs"]["request"],
            "EventBridge": calls["eventbridge"] * prices["eventbridge"]["event"],
            "Secrets Manager": calls["secretsmanager"] * prices["secrets_manager"]["request"],
            "S3 storage, a month": VIDEO_BYTES / 1e9 * prices["s3"]["gb_month"],
        }


class Counted:
    """Every AWS call of every client that boto3 makes from now on, and of the buckets that it is put before, while it
    is told to look."""

    def __init__(self) -> None:
        self.last = 0.0
        self._bill: Bill | None = None
        boto3.setup_default_session()
        assert boto3.DEFAULT_SESSION is not None
        boto3.DEFAULT_SESSION.events.register("before-send", self._note)

    def around(self, attempt: Attempt, carry: Carry) -> Received:
        """A call of the house's own."""
        self._count("s3", attempt.operation)
        return carry(attempt)

    def _note(self, event_name: str, **_: Any) -> None:
        self._count(*event_name.split(".")[1:])

    def _count(self, service: str, operation: str) -> None:
        self.last = time.monotonic()
        if self._bill is not None:
            self._bill.calls[_kind(service, operation)] += 1

    @contextmanager
    def on(self, bill: Bill) -> Iterator[None]:
        """Within it, calls are for this bill."""
        self._bill = bill
        try:
            yield
        finally:
            self._bill = None


def _kind(service: str, operation: str) -> str:
    """As the prices are named."""
    if service != "s3":
        return service.replace("-", "")
    if operation.startswith("Delete") and operation != "DeleteObjects":
        return "s3 free"
    return "s3 read" if operation.startswith(("Get", "Head")) else "s3 write"


@dataclass
class Slow:
    """Between two frames: the clock goes on once the relay has done what the frame before made it do."""

    clock: FakeClock
    counted: Counted
    quiet: float

    def sleep(self, seconds: float) -> None:
        """Called by the simulator, in the thread of its answer."""
        time.sleep(self.quiet)
        while time.monotonic() - self.counted.last < self.quiet:
            time.sleep(self.quiet)
        self.clock.advance(seconds)


def measure(*, quick: bool) -> Row:
    """Count and reckon."""
    prices = tomllib.loads((ROOT / "docs" / "prices.toml").read_text())
    with aws_here():
        counted = Counted()
        slow = Slow(FakeClock(time.time()), counted, QUICK_QUIET_SECONDS if quick else QUIET_SECONDS)
        frames = _frames()
        with Simulator(delay=VIDEO_SECONDS / frames, echo_delay=0, sleep=slow.sleep) as simulator:
            house = EventHouse(simulator, s3_client(), BUCKET, slow.clock)
            tap(house.house.bucket, counted.around)
            bills = {
                "sync": _sync(house, counted),
                "async, by HTTP": _later(house, counted),
                "async, by event": _by_event(house, counted),
            }
    return Row(NAME, TITLE, HOW, list(_marks(bills, prices)), list(_table(bills, prices)))


def _frames() -> int:
    """How many frames of the captured stream are not of its echo."""
    waits: list[float] = []
    with Simulator(delay=1, echo_delay=0, sleep=waits.append) as simulator:
        headers = {**HEADERS, "Accept-Encoding": "identity"}
        urllib3.request(
            "POST",
            f"{simulator.url}/chat/completions",
            body=STREAMED,
            headers=headers,
            retries=False,
            timeout=PATIENCE_SECONDS,
        )
    return len(waits)


def _sync(house: EventHouse, counted: Counted) -> Bill:
    bill = Bill(http=1)
    bill.run(SHORT_SECONDS, AUTHORIZER_GB)
    bill.run(VIDEO_SECONDS + COPY_SECONDS)
    with counted.on(bill):
        house.streamed(PATH, DOCUMENTED)
    return _with_parts(bill)


def _later(house: EventHouse, counted: Counted) -> Bill:
    looks = math.ceil((VIDEO_SECONDS + COPY_SECONDS) / POLL_SECONDS)
    bill = Bill(http=1 + looks)
    bill.run(SHORT_SECONDS, AUTHORIZER_GB)
    bill.run(VIDEO_SECONDS + COPY_SECONDS)
    with counted.on(bill):
        answer = house.streamed(PATH, {**DOCUMENTED, "n": 1}, Prefer="respond-async")
    look = Bill()
    with counted.on(look):
        house.call("GET", answer.headers["Location"].removeprefix("/live"))
    for _ in range(looks):
        bill.run(SHORT_SECONDS)
        bill.calls.update(look.calls)
    return _with_parts(bill)


def _by_event(house: EventHouse, counted: Counted) -> Bill:
    bill = Bill()
    bill.calls["sqs"] = (
        3 + 2
    )  # the sender's and Lambda's own: sent, received, deleted; and received, deleted of the job
    bill.run(SHORT_SECONDS)
    with counted.on(bill):
        house.take_in(house.message(DOCUMENTED))
    (job,) = house.jobs()
    bill.run(VIDEO_SECONDS + COPY_SECONDS)
    with counted.on(bill):
        house.work(job)
    return _with_parts(bill)


def _with_parts(bill: Bill) -> Bill:
    """The simulator's video is one PUT; a real one is begun, sent in parts, and completed."""
    bill.calls["s3 write"] += 1 + math.ceil(VIDEO_BYTES / PART_BYTES)
    return bill


def _marks(bills: dict[str, Bill], prices: dict[str, Any]) -> Iterator[Mark]:
    for name, bill in bills.items():
        yield Mark(f"{name}: in all", f"${VIDEOS * sum(bill.dollars(prices).values()):.2f}")
        s3 = {kind: count for kind, count in bill.calls.items() if kind.startswith("s3")}
        yield Mark(f"{name}: S3 calls a video", f"{sum(s3.values())}")


def _table(bills: dict[str, Bill], prices: dict[str, Any]) -> Iterator[str]:
    """Lines of markdown, for 1,000 videos."""
    yield "| 1,000 videos | " + " | ".join(bills) + " |"
    yield "|---|" + "---|" * len(bills)
    rows: dict[str, Callable[[Bill], str]] = {
        "HTTP requests": lambda bill: f"{VIDEOS * bill.http:,}",
        "invocations": lambda bill: f"{VIDEOS * bill.invocations:,}",
        "GB-seconds": lambda bill: f"{VIDEOS * bill.gb_seconds:,.0f}",
        "S3 writes and lists": lambda bill: f"{VIDEOS * bill.calls['s3 write']:,}",
        "S3 reads": lambda bill: f"{VIDEOS * bill.calls['s3 read']:,}",
        "S3 deletions, free": lambda bill: f"{VIDEOS * bill.calls['s3 free']:,}",
        "SQS calls": lambda bill: f"{VIDEOS * bill.calls['sqs']:,}",
        "events": lambda bill: f"{VIDEOS * bill.calls['eventbridge']:,}",
        "reads of the service's key, at most": lambda bill: f"{VIDEOS * bill.calls['secretsmanager']:,}",
    }
    for what, said in rows.items():
        yield f"| {what} | " + " | ".join(said(bill) for bill in bills.values()) + " |"
    dollars = [bill.dollars(prices) for bill in bills.values()]
    for service in dollars[0]:
        yield f"| {service}, $ | " + " | ".join(f"{VIDEOS * each[service]:.3f}" for each in dollars) + " |"
    yield "| in all, $ | " + " | ".join(f"**{VIDEOS * sum(each.values()):.2f}**" for each in dollars) + " |"
