"""Stand-ins for the ports, written by hand. FakeStore passes the promises in integration/store/test_promises.py and
test_store_watch.py, FakeClaims those in test_claims.py, FakeTallies those in test_tallies.py; FakeQueue,
FakeBus, FakeKeys, FakeStatuses and FakeDrops those in the file of their own name."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import IO, Any

from reelay import documents
from reelay.drops import DROP_BYTES, outcome_key
from reelay.errors import BusFailed, Conflict, KeyUnavailable, NotFound, QueueFailed, StoreFailed, TooLarge
from reelay.ids import new_core
from reelay.model import (
    Claim,
    Data,
    End,
    Event,
    Failed,
    Head,
    Job,
    Json,
    Link,
    Mark,
    Media,
    Order,
    Outgoing,
    Record,
    Seen,
    Tally,
    Told,
)

NOON = 1_780_000_000.0
"""Where FakeClock begins: a second in 2026."""

TENANT = "0123456789abcdef" * 2


def new_record(seconds: float = 0, **fields: Any) -> Record:
    """A record as the relay would create it, `seconds` after NOON."""
    defaults: dict[str, Any] = {
        "id": new_core(NOON + seconds),
        "tenant": TENANT,
        "created": int(NOON + seconds),
        "model": "sora-2",
        "stream": True,
        "request": {"model": "sora-2", "messages": [{"role": "user", "content": "a golden retriever"}]},
    }
    return Record(**{**defaults, **fields})


class FakeClock:
    """Time that passes only when somebody sleeps, waits for a FakeExchange, or calls `advance`."""

    def __init__(self, now: float = NOON) -> None:
        self._now = now
        self._began = now
        self.sleeps: list[float] = []

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now - self._began

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        self._now += seconds


class FakeStore:
    """Records in a dictionary. `broken` names the methods that fail as if S3 were down."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.transcripts: dict[str, bytes] = {}
        self.broken: set[str] = set()
        self.defects: dict[str, BaseException] = {}
        self.deleted: set[str] = set()
        self.open: dict[str, float] = {}
        self.marked_at = NOON
        self._once: set[str] = set()
        self._markers: set[str] = set()
        self._versions = count(1)

    def create(self, record: Record) -> Record:
        self._reach("create")
        key = documents.record_key(record.tenant, record.id)
        if key in self.records:
            raise Conflict("taken")
        return self._write(key, record)

    def save(self, record: Record) -> Record:
        self._reach("save")
        if not record.version:
            raise ValueError("never stored")
        if self.load(record.tenant, record.id).version != record.version:
            raise Conflict("changed")
        return self._write(documents.record_key(record.tenant, record.id), record)

    def load(self, tenant: str, id: str) -> Record:
        self._reach("load")
        try:
            return self.records[documents.record_key(tenant, id)]
        except KeyError:
            raise documents.no_record() from None

    def walk(self, tenant: str, order: Order, after: str | None) -> Iterator[Record]:
        self._reach("walk")
        if order is Order.ASC:
            keys, prefix = self._markers, documents.oldest_prefix(tenant)
            beginning = documents.marker_key(tenant, after) if after else prefix
        else:
            keys, prefix = set(self.records), documents.records_prefix(tenant)
            beginning = documents.record_key(tenant, after) if after else prefix
        listed = [key for key in sorted(keys) if key > beginning and key.startswith(prefix)]
        places = (documents.record_key(tenant, core) for core in map(documents.core_in, listed) if core)
        return (self.records[place] for place in places if place in self.records)

    def index(self, record: Record) -> None:
        self._reach("index")
        self._markers.add(documents.marker_key(record.tenant, record.id))

    def keep_transcript(self, record: Record, transcript: IO[bytes]) -> None:
        self._reach("keep_transcript")
        transcript.seek(0)
        self.transcripts[record.id] = transcript.read()

    def transcript(self, record: Record) -> bytes:
        self._reach("transcript")
        return self.transcripts.get(record.id, b"")

    def watch(self, record: Record) -> None:
        self._reach("watch")
        self.open[documents.watch_key(record.tenant, record.id)] = self.marked_at

    def unwatch(self, job: Job) -> None:
        self._reach("unwatch")
        self.open.pop(documents.watch_key(job.tenant, job.id), None)

    def watched(self) -> Iterator[Mark]:
        self._reach("watched")
        for key in sorted(self.open):
            if job := documents.watched_in(key):
                yield Mark(job, self.open[key])

    def was_deleted(self, tenant: str, id: str) -> bool:  # noqa: ARG002 - ids are unguessable, so no two tenants share one
        return id in self.deleted

    def delete(self, record: Record) -> None:
        self._reach("delete")
        self.deleted.add(record.id)
        self.records.pop(documents.record_key(record.tenant, record.id), None)
        self._markers.discard(documents.marker_key(record.tenant, record.id))
        self.transcripts.pop(record.id, None)
        self.open.pop(documents.watch_key(record.tenant, record.id), None)

    def _write(self, key: str, record: Record) -> Record:
        self.records[key] = replace(record, rev=record.rev + 1, version=str(next(self._versions)))
        return self.records[key]

    def fail_once(self, method: str) -> None:
        """The next call of that method fails as if S3 were down for a moment."""
        self._once.add(method)

    def _reach(self, method: str) -> None:
        if method in self.defects:
            raise self.defects[method]
        if method in self.broken or method in self._once:
            self._once.discard(method)
            raise StoreFailed("down")


class FakeClaims:
    """Claims in a dictionary, one write at a time. `broken` names the methods that fail as if S3 were down."""

    def __init__(self) -> None:
        self.claims: dict[str, Claim] = {}
        self.broken: set[str] = set()
        self._versions = count(1)
        self._alone = threading.Lock()

    def take(self, tenant: str, claim: Claim) -> Claim:
        self._reach("take")
        key = documents.claim_key(tenant, claim.name)
        with self._alone:
            return self.claims.get(key) or self._write(key, claim)

    def replace(self, tenant: str, held: Claim, claim: Claim) -> Claim:
        self._reach("replace")
        if not held.version:
            raise ValueError("never stored")
        key = documents.claim_key(tenant, claim.name)
        with self._alone:
            there = self.claims.get(key)
            return self._write(key, claim) if there is None or there.version == held.version else there

    def _write(self, key: str, claim: Claim) -> Claim:
        self.claims[key] = replace(claim, version=str(next(self._versions)))
        return self.claims[key]

    def _reach(self, method: str) -> None:
        if method in self.broken:
            raise StoreFailed("down")


@dataclass(frozen=True)
class Silence:
    """In a FakeExchange's script: nothing is seen for so long."""

    seconds: float


Happening = Callable[[], object]
"""In a FakeExchange's script: something that happens elsewhere before the next thing is seen."""


class FakeExchange:
    """Plays a script of what is seen, in the time of a FakeClock."""

    def __init__(self, clock: FakeClock, *script: Seen | Silence | Happening) -> None:
        assert isinstance(script[-1], End | Failed), "the last thing seen is End or Failed"
        self._clock = clock
        self._script = list(script)
        self.closed = False

    def wait(self, seconds: float) -> Seen | None:
        while True:
            first = self._script[0]
            if isinstance(first, Head | Data):
                self._script.pop(0)
                return first
            if isinstance(first, End | Failed):
                return first
            if isinstance(first, Silence):
                if first.seconds > seconds:
                    self._clock.advance(seconds)
                    self._script[0] = Silence(first.seconds - seconds)
                    return None
                self._clock.advance(first.seconds)
                seconds -= first.seconds
            else:
                first()
            self._script.pop(0)

    def close(self) -> None:
        self.closed = True


class FakeUpstream:
    """Answers each post with the next of its exchanges, and remembers what was posted."""

    def __init__(self, *exchanges: FakeExchange) -> None:
        self._exchanges = list(exchanges)
        self.posts: list[Outgoing] = []
        self.deadlines: list[float] = []
        self.lines: list[FakeLine] = []

    def dial(self, deadline: float) -> FakeLine:
        self.deadlines.append(deadline)
        self.lines.append(FakeLine(self))
        return self.lines[-1]

    def posted(self, outgoing: Outgoing) -> FakeExchange:
        self.posts.append(outgoing)
        return self._exchanges.pop(0)


class FakeLine:
    """Posts once."""

    def __init__(self, upstream: FakeUpstream) -> None:
        self._upstream = upstream
        self.exchange: FakeExchange | None = None
        self.closed = False

    def post(self, outgoing: Outgoing) -> FakeExchange:
        assert self.exchange is None
        assert not self.closed, "a line that was hung up"
        self.exchange = self._upstream.posted(outgoing)
        return self.exchange

    def close(self) -> None:
        self.closed = True


class FakeArchive:
    """Keeps every link as the same few bytes, but for those whose URL has a reason in `refused`."""

    def __init__(self, refused: Mapping[str, str] | None = None) -> None:
        self.refused = dict(refused or {})
        self.asked: list[Link] = []
        self.meanwhile: Happening = lambda: None

    def keep(self, record: Record, link: Link, deadline: float) -> Media:  # noqa: ARG002 - a fake is always in time
        self.asked.append(link)
        self.meanwhile()
        if link.url in self.refused:
            return Media(link.kind, link.url, reason=self.refused[link.url])
        key = f"{documents.media_prefix(record.tenant, record.id)}{link.kind}"
        return Media(link.kind, link.url, key=key, size=3, sha256="ab" * 32, content_type="video/mp4")

    def address(self, media: Media) -> str:
        return f"https://bucket.test/{media.key}?signed"


class FakeTelemetry:
    """Remembers what the operator was told."""

    def __init__(self) -> None:
        self.counts: list[tuple[str, float, str]] = []
        self.notes: list[tuple[str, dict[str, str | float | bool | None]]] = []
        self.alarms: list[tuple[str, dict[str, str | float | bool | None]]] = []

    def count(self, metric: str, value: float = 1, unit: str = "Count") -> None:
        self.counts.append((metric, value, unit))

    @property
    def defects(self) -> int:
        """How many were counted for an alarm."""
        return [name for name, _, _ in self.counts].count("Unforeseen")

    def note(self, event: str, **fields: str | float | bool | None) -> None:
        self.notes.append((event, fields))

    def alarm(self, event: str, **fields: str | float | bool | None) -> None:
        self.alarms.append((event, fields))


class FakeQueue:
    """Remembers what was sent, with its delay. `broken` fails as if SQS were down."""

    def __init__(self) -> None:
        self.sent: list[tuple[Job, float]] = []
        self.broken = False

    def send(self, job: Job, delay: float = 0) -> None:
        if self.broken:
            raise QueueFailed("down")
        self.sent.append((job, delay))


class FakeBus:
    """Remembers what was told. `broken` fails as if EventBridge were down."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.broken = False

    def publish(self, event: Event) -> None:
        if self.broken:
            raise BusFailed("down")
        self.events.append(event)


class FakeKeys:
    """Always has `value`, and counts how often it was refused. `broken` fails as if it could not be read."""

    def __init__(self, value: str = "sk-service") -> None:
        self.value = value
        self.refusals = 0
        self.broken = False

    def key(self) -> str:
        if self.broken:
            raise KeyUnavailable("down")
        return self.value

    def refused(self) -> None:
        self.refusals += 1


class FakeStatuses:
    """Tells of the jobs in `answers`, by task id, and remembers who was asked after."""

    def __init__(self, answers: Mapping[str, Told] | None = None) -> None:
        self.answers = dict(answers or {})
        self.asked: list[tuple[str, str]] = []

    def ask(self, task_id: str, model: str) -> Told | None:
        self.asked.append((task_id, model))
        return self.answers.get(task_id)


class FakeDrops:
    """Files by key, each with its tag, and outcomes by the key of their file. `broken` names the methods that fail as
    if S3 were down."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[str, bytes]] = {}
        self.answers: dict[str, Json] = {}
        self.broken: set[str] = set()

    def read(self, key: str, tag: str) -> bytes:
        self._reach("read", key)
        there, data = self.files.get(key, ("", b""))
        if there.strip('"') != tag.strip('"') or key not in self.files:
            raise NotFound("gone")
        if len(data) > DROP_BYTES:
            raise TooLarge("too large")
        return data

    def answer(self, key: str, outcome: Json) -> None:
        self._reach("answer", key)
        self.answers[key] = outcome

    def _reach(self, method: str, key: str) -> None:
        outcome_key(key)  # raises NotFound for what is no file in the inbox
        if method in self.broken:
            raise StoreFailed("down")


class FakeTallies:
    """Tallies in a dictionary. `rivals` writes of others come between a reading and a writing; `broken` fails as if S3
    were down."""

    def __init__(self) -> None:
        self.tallies: dict[str, Tally] = {}
        self.rivals = 0
        self.broken = False
        self._versions = count(1)
        self._alone = threading.Lock()

    def load(self, tenant: str) -> Tally:
        if self.broken:
            raise StoreFailed("down")
        return self.tallies.get(documents.tally_key(tenant), Tally())

    def save(self, tenant: str, tally: Tally) -> None:
        if self.broken:
            raise StoreFailed("down")
        key = documents.tally_key(tenant)
        with self._alone:
            there = self.tallies.get(key, Tally())
            if self.rivals:
                self.rivals -= 1
                there = self.tallies[key] = replace(there, version=str(next(self._versions)))
            if there.version != tally.version:
                raise Conflict("a rival")
            self.tallies[key] = replace(tally, version=str(next(self._versions)))


class FakeSwitch:
    """The operator's hand. `broken` fails as if S3 were down."""

    def __init__(self) -> None:
        self.on = False
        self.broken = False

    def paused(self) -> bool:
        if self.broken:
            raise StoreFailed("down")
        return self.on
