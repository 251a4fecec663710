"""Use case: what follows a verdict. The world is told, media are copied, a dropped file gets its outcome.

A marker stands in the store from the beginning of a record until all of that is done; whoever dies in between leaves it
standing, and the sweep has the rest done by a worker. So every part may happen again, and none does harm twice: events
are told at least once, media that were archived stay, an outcome replaces the same outcome.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reelay.events import outcome, told
from reelay.jobs import ARCHIVE_SECONDS, OPEN, Archived
from reelay.links import media_links
from reelay.model import Job, Link, Media, Notice, Phase, Record
from reelay.shapes import contents

if TYPE_CHECKING:
    from reelay.journal import Journal
    from reelay.ports import Archive, Bus, Clock, Drops, Queue, Store, Telemetry


def links_of(record: Record) -> tuple[Link, ...]:
    """The media that a completed record's texts link to, and that may be kept."""
    texts = contents(record.completion) if record.keeps and record.completion else ()
    return tuple(link for text in texts for link in media_links(text))


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

    def finish(self, journal: Journal, settle_by: float, deadline: float) -> None:
        """Try until `settle_by` to write what the journal owes, then do what follows until `deadline`."""
        try:
            if journal.pay(settle_by, deadline) and (journal.deleted or self._followed(journal, deadline)):
                job = Job(journal.record.tenant, journal.record.id)
                self._done(journal.record, "mark not removed", lambda: self._means.store.unwatch(job))
        finally:
            journal.close()

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
        before = journal.record.media
        if _settled(before, journal.record, self._means.clock.now()):
            return self._told(journal.record, Notice.ARCHIVED)
        kept = {(media.kind, media.source): media for media in before if not media.again}
        media = tuple(kept.get((link.kind, link.url)) or self._copied(journal.record, link, deadline) for link in links)
        journal.settle(Archived(media))
        if not journal.pay(deadline, deadline) or journal.deleted:
            return journal.deleted
        if not _settled(media, journal.record, self._means.clock.now()):
            return False
        return self._told(journal.record, Notice.ARCHIVED)

    def _copied(self, record: Record, link: Link, deadline: float) -> Media:
        media = self._means.archive.keep(record, link, deadline)
        self._telemetry.count("MediaArchived" if media.archived else "MediaUnavailable")
        self._telemetry.count("MediaBytes", media.size or 0, "Bytes")
        self._telemetry.note("media", record=record.id, kind=media.kind, size=media.size, reason=media.reason)
        return media

    def _told(self, record: Record, notice: Notice) -> bool:
        bus = self._means.bus
        return bus is None or self._done(record, "event not told", lambda: bus.publish(told(record, notice)))

    def _answered(self, record: Record) -> bool:
        drop, drops = record.drop, self._means.drops
        if drop is None or drops is None:
            return True
        return self._done(record, "outcome not laid down", lambda: drops.answer(drop, outcome(record)))

    def _done(self, record: Record, failure: str, act: Callable[[], object]) -> bool:
        try:
            act()
        except Exception:  # noqa: BLE001 - nobody waits for it any more, and the marker stays for the sweep
            self._telemetry.alarm(failure, record=record.id)
            return False
        return True


def _settled(media: tuple[Media, ...], record: Record, now: float) -> bool:
    """Whether every link was archived, or will never be."""
    late = now - record.finished >= ARCHIVE_SECONDS
    return bool(media) and (late or not any(each.again for each in media))
