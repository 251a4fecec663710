"""The ports as one process has them: what lies behind is shared with every other, and each call may meet trouble."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

from reelay.errors import BusFailed, KeyUnavailable, QueueFailed, ReelayError, StoreFailed
from reelay.model import Claim, Event, Job, Json, Link, Mark, Media, Order, Record, Told
from tests.fakes import TENANT
from tests.integration.interleavings.upstream import told

if TYPE_CHECKING:
    from tests.integration.interleavings.processes import Process
    from tests.integration.interleavings.world import World


class _Port:
    def __init__(self, world: World, process: Process) -> None:
        self._world = world
        self._process = process
        self._reach = process.reach
        self._books = world.books


class ShakyStore(_Port):
    """Keeps the promises of `ports.Store`."""

    def create(self, record: Record) -> Record:
        return self._reach(lambda: self._books.created(self._world.store.create(record)), StoreFailed)

    def save(self, record: Record) -> Record:
        return self._reach(lambda: self._books.wrote(self._world.store.save(record)), StoreFailed)

    def load(self, tenant: str, id: str) -> Record:
        return self._reach(lambda: self._world.store.load(tenant, id), StoreFailed)

    def walk(self, tenant: str, order: Order, after: str | None) -> Iterator[Record]:
        return self._reach(lambda: self._world.store.walk(tenant, order, after), StoreFailed)

    def index(self, record: Record) -> None:
        self._reach(lambda: self._world.store.index(record), StoreFailed)

    def keep_transcript(self, record: Record, transcript: IO[bytes]) -> None:
        def keep() -> None:
            self._world.store.keep_transcript(record, transcript)
            if self._process.heard_all:
                self._books.whole.add(record.id)

        self._reach(keep, StoreFailed)

    def transcript(self, record: Record) -> bytes:
        return self._reach(lambda: self._world.store.transcript(record), StoreFailed)

    def watch(self, record: Record) -> None:
        def mark() -> None:
            self._world.store.watch(record)
            self._books.marked[record.id] = self._process.clock.now()

        self._reach(mark, StoreFailed)

    def unwatch(self, job: Job) -> None:
        self._reach(lambda: self._world.store.unwatch(job), StoreFailed)

    def watched(self) -> Iterator[Mark]:
        """The time of each mark is the world's, not that of the S3."""
        marks = self._reach(lambda: list(self._world.store.watched()), StoreFailed)
        return (Mark(mark.job, self._books.marked[mark.job.id]) for mark in marks)

    def was_deleted(self, tenant: str, id: str) -> bool:
        return self._reach(lambda: self._world.store.was_deleted(tenant, id), StoreFailed)

    def delete(self, record: Record) -> None:
        self._reach(lambda: self._world.store.delete(record), StoreFailed)


class ShakyClaims(_Port):
    """Keeps the promises of `ports.Claims`."""

    def take(self, tenant: str, claim: Claim) -> Claim:
        return self._reach(lambda: self._world.claims.take(tenant, claim), StoreFailed)

    def replace(self, tenant: str, held: Claim, claim: Claim) -> Claim:
        return self._reach(lambda: self._world.claims.replace(tenant, held, claim), StoreFailed)


class ShakyDrops(_Port):
    """Keeps the promises of `ports.Drops`."""

    def read(self, key: str, tag: str) -> bytes:
        return self._reach(lambda: self._world.drops.read(key, tag), StoreFailed)

    def answer(self, key: str, outcome: Json) -> None:
        def lay() -> None:
            self._world.drops.answer(key, outcome)
            self._books.outcomes[key] = outcome

        self._reach(lay, StoreFailed)


class ShakyQueue(_Port):
    """Keeps the promises of `ports.Queue`; a message may be delivered at once, however long its delay."""

    def send(self, job: Job, delay: float = 0) -> None:  # noqa: ARG002 - see above
        self._reach(lambda: self._world.messages.append(job), QueueFailed)


class ShakyBus(_Port):
    """Keeps the promises of `ports.Bus`."""

    def publish(self, event: Event) -> None:
        self._reach(lambda: self._books.events.add((event.detail["id"], event.notice)), BusFailed)


class ShakyKeys(_Port):
    """Keeps the promises of `ports.Keys`."""

    def key(self) -> str:
        return self._reach(lambda: "sk-service", KeyUnavailable)

    def refused(self) -> None:
        """The next one may be good."""


class ShakyArchive(_Port):
    """Keeps the promises of `ports.Archive`; the first copy of each link fails in a way that may pass."""

    def keep(self, record: Record, link: Link, deadline: float) -> Media:  # noqa: ARG002 - always in time
        def copy() -> Media:
            again = link.url not in self._books.links
            self._books.links.add(link.url)
            if again:
                return Media(link.kind, link.url, reason="not now", again=True)
            return Media(link.kind, link.url, key=f"kept/media/{TENANT}/{record.id}/video", size=3)

        return self._reach(copy)

    def address(self, media: Media) -> str:
        return f"https://bucket.test/{media.key}"


class ShakyStatuses(_Port):
    """Keeps the promises of `ports.Statuses`."""

    def ask(self, task_id: str, model: str) -> Told | None:  # noqa: ARG002 - one model
        core = task_id.removeprefix("task_")
        return self._reach(lambda: told(self._books.asked(core), core))


class Ear:
    """Keeps the promises of `ports.Telemetry`, and remembers what the house did not foresee."""

    def __init__(self, world: World) -> None:
        self._world = world

    def count(self, metric: str, value: float = 1, unit: str = "Count") -> None:
        """Numbers are not looked at."""

    def note(self, event: str, **fields: str | float | bool | None) -> None:
        """Nor are facts."""

    def alarm(self, event: str, **fields: str | float | bool | None) -> None:  # noqa: ARG002 - the exception tells
        failure = sys.exception()
        if failure is not None and not isinstance(failure, ReelayError):
            self._world.books.defects.append(f"{event}: {failure!r}")
