"""Use case: what follows a verdict. The world is told, media are copied, a dropped file gets its outcome.

A marker stands in the store, from a moment after a record's beginning until all of that is done; whoever dies in
between leaves it standing, and the sweep has the rest done by a worker. So every part may happen again, and none does
harm twice: events are told at least once, media that were archived stay, an outcome replaces the same outcome.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from reelay.errors import OUTSIDE, EventRefused
from reelay.events import outcome, told
from reelay.jobs import AFTERCARE_SECONDS, OPEN, Archived, Unsent, media_settled, next_step
from reelay.links import media_links
from reelay.model import Job, Link, Media, Notice, Phase, Record
from reelay.shapes import contents

if TYPE_CHECKING:
    from reelay.journal import Journal
    from reelay.ports import Archive, Bus, Clock, Drops, Queue, Store, Telemetry


MAX_LINKS = 16
"""Copied for one record: eight choices with a video and a poster each. One answer must not send us to hundreds of
hosts."""


def links_of(record: Record) -> tuple[Link, ...]:
    """The media that a completed record's texts link to, and that may be kept; MAX_LINKS at most."""
    texts = contents(record.completion) if record.keeps and record.completion else ()
    return tuple(islice((link for text in texts for link in media_links(text)), MAX_LINKS))


@dataclass(frozen=True, slots=True)
class Means:
    """What aftercare reaches; None where there is nobody to tell, no queue to hand over to, or no files are dropped."""

    store: Store
    archive: Archive
    clock: Clock
    telemetry: Telemetry
    queue: Queue | None = None
    bus: Bus | None = None
    drops: Drops | None = None


class Aftercare:
    """Ends what a run began. No method raises: whatever could not be done is done by the sweep."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._telemetry = means.telemetry

    def begin(self, record: Record) -> None:
        """Mark that the record has an end to come; a video shows in every list from its beginning."""
        self._done(record, "not marked", lambda: self._means.store.watch(record))
        if record.video is not None:
            self._done(record, "not listed", lambda: self._means.store.index(record))

    def enter(self, record: Record, queue: Queue | None) -> None:
        """Show a waiting job where it belongs and hand it to the workers.

        It stands from now on, so a queue that does not take it is no failure of the request: the next sweep sends it,
        and whoever asked must not ask again.
        """
        if record.video is not None:
            self._done(record, "not listed", lambda: self._means.store.index(record))
        job = Job(record.tenant, record.id)
        if queue is None or not self._done(record, "job not sent", lambda: queue.send(job)):
            unsent = next_step(record, Unsent(), self._means.clock.now()).record
            self._done(record, "job left to its lease", lambda: self._means.store.save(unsent))

    def finish(self, journal: Journal, settle_by: float, deadline: float) -> None:
        """Try until `settle_by` to write what the journal owes, then do what follows until `deadline`."""
        try:
            done = journal.pay(settle_by, deadline) and (journal.deleted or self._followed(journal, deadline))
            self._mark(journal.record, keep=not (done or self._too_long(journal.record)))
        finally:
            journal.close()

    def _mark(self, record: Record, *, keep: bool) -> None:
        """Take the mark away; or put it again, for it may not have held at the beginning."""
        job = Job(record.tenant, record.id)
        act = partial(self._means.store.watch, record) if keep else partial(self._means.store.unwatch, job)
        self._done(record, "mark not written", act)

    def _too_long(self, record: Record) -> bool:
        given_up = record.phase not in OPEN and self._means.clock.now() - record.finished >= AFTERCARE_SECONDS
        if given_up:
            self._telemetry.alarm("given up after its end", record=record.id)
        return given_up

    def _followed(self, journal: Journal, deadline: float) -> bool:
        """Whether nothing is left to do."""
        record = journal.record
        if record.phase in OPEN:
            self._hand_over(record)
            return False
        completed = record.phase is Phase.COMPLETED
        done = self._told(record, Notice.COMPLETED if completed else Notice.FAILED)
        if completed and (links := links_of(record)):
            done = self._archived(journal, links, deadline) and done
        return journal.deleted or (self._answered(journal.record) and done)

    def _hand_over(self, record: Record) -> None:
        """A job that waits for a better moment, or whose fate has to be asked for, goes to a worker."""
        queue = self._means.queue
        if queue is not None and record.phase in (Phase.QUEUED, Phase.RECONCILING):
            delay = record.lease - self._means.clock.now() + 1  # a message that comes too early finds nothing to do
            self._done(record, "not handed over", lambda: queue.send(Job(record.tenant, record.id), delay))

    def _archived(self, journal: Journal, links: tuple[Link, ...], deadline: float) -> bool:
        before, clock = journal.record.media, self._means.clock
        if not media_settled(journal.record, clock.now()):
            kept = {(media.kind, media.source): media for media in before if not media.again}
            media = (kept.get((link.kind, link.url)) or self._copied(journal.record, link, deadline) for link in links)
            journal.settle(Archived(tuple(media)))
            if not journal.pay(deadline, deadline) or journal.deleted:
                return journal.deleted
        return media_settled(journal.record, clock.now()) and self._told(journal.record, Notice.ARCHIVED)

    def _copied(self, record: Record, link: Link, deadline: float) -> Media:
        media = self._means.archive.keep(record, link, deadline)
        self._telemetry.count("MediaArchived" if media.archived else "MediaUnavailable")
        self._telemetry.count("MediaBytes", media.size or 0, "Bytes")
        self._telemetry.note("media", record=record.id, kind=media.kind, size=media.size, reason=media.reason)
        return media

    def _told(self, record: Record, notice: Notice) -> bool:
        bus = self._means.bus
        if bus is None or _a_strangers(record):
            return True
        try:
            bus.publish(told(record, notice))
        except EventRefused:  # and always will be
            self._telemetry.alarm("event refused", record=record.id)
        except Exception as why:  # noqa: BLE001 - as below
            self._telemetry.alarm("event not told", record=record.id)
            self._count_defect(why)
            return False
        return True

    def _answered(self, record: Record) -> bool:
        drop, drops = record.drop, self._means.drops
        if drop is None or drops is None:
            return True
        return self._done(record, "outcome not laid down", lambda: drops.answer(drop, outcome(record)))

    def _done(self, record: Record, failure: str, act: Callable[[], object]) -> bool:
        try:
            act()
        except Exception as why:  # noqa: BLE001 - nobody waits for it any more, and the marker stays for the sweep
            self._telemetry.alarm(failure, record=record.id)
            self._count_defect(why)
            return False
        return True

    def _count_defect(self, why: Exception) -> None:
        if not isinstance(why, OUTSIDE):
            self._telemetry.count("Unforeseen")


def _a_strangers(record: Record) -> bool:
    """Whether whoever asked over HTTP had a key that the upstream does not know: then nobody else hears of it."""
    return record.problem is not None and record.problem.status == 401 and not record.by_worker
