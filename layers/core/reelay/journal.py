"""The record of one run as it is written: progress while it goes, the verdict at its end, the transcript beside it.

The store failing never takes an answer away from the caller: it is told to the operator, and the verdict is written
again until it holds or the invocation ends.
"""

from __future__ import annotations

from dataclasses import replace
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING

from reelay.errors import Conflict, NotFound, StoreFailed
from reelay.jobs import Archived, Fact, Finished, Progressed, next_step
from reelay.model import Link, Media, Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from reelay.ports import Archive, Clock, Store, Telemetry

TRANSCRIPT_IN_MEMORY_BYTES = 1024 * 1024
"""A transcript larger than this lies in the function's /tmp; a usual one is some 60 KB."""

SAVE_ATTEMPTS = 5
"""Rivals for one record are few: its run, its owner changing metadata, a sweep."""

TRANSCRIPT_SECONDS = 30
"""The bytes so far are kept at least this often while they come, so that a crash leaves them."""

RETRY_SECONDS = (1, 2, 4, 8, 15, 30)
"""Pauses between attempts to write a verdict that the store did not take."""


class Journal:
    """Writes what becomes known of one record."""

    def __init__(self, record: Record, store: Store, clock: Clock, telemetry: Telemetry) -> None:
        self.record = record
        self._store = store
        self._clock = clock
        self._telemetry = telemetry
        self._transcript = SpooledTemporaryFile(TRANSCRIPT_IN_MEMORY_BYTES)  # noqa: SIM115 - closed by `finish`
        self.bytes = 0
        self._kept_at = clock.monotonic()
        self._pending: Fact | None = None
        self._deleted = False

    def take(self, data: bytes) -> None:
        """Add bytes of the upstream to the transcript, as they came, and keep it now and then."""
        self.bytes += len(data)
        if self.record.keeps:
            self._transcript.write(data)
        if self._clock.monotonic() - self._kept_at >= TRANSCRIPT_SECONDS:
            self._try(self._keep_transcript)

    def note(self, fact: Progressed) -> None:
        """Keep progress, at most every few seconds, with the bytes so far; a store that fails is tried next time."""
        if not self._deleted and next_step(self.record, fact, self._clock.now()).write:
            self._try(self._keep_transcript)
            self._try(lambda: self._advance(fact))

    def settle(self, fact: Fact) -> None:
        """Keep the verdict. What it needs lies in the store before the record says so."""
        try:
            self._settle(fact)
            self._pending = None
        except StoreFailed:
            self._pending = fact
            self._telemetry.alarm("verdict not kept", record=self.record.id)

    def finish(self, archive: Archive, links: tuple[Link, ...], deadline: float) -> None:
        """After the answer has ended: write a verdict that is still owed, then copy the media."""
        self._settle_until(deadline)
        if self._deleted or not self.record.keeps:
            return self._leave()
        media = tuple(self._archived(archive, link, deadline) for link in links)
        if media:
            self._keep_media(media)
        return self._leave()

    def _try(self, write: Callable[[], None]) -> None:
        try:
            write()
        except StoreFailed:
            self._telemetry.alarm("progress not kept", record=self.record.id)

    def _settle(self, fact: Fact) -> None:
        if self._deleted:
            return
        self._keep_transcript()
        if isinstance(fact, Finished) and self.record.keeps:
            self._store.index(self.record)
        self._advance(fact)

    def _settle_until(self, deadline: float) -> None:
        for pause in RETRY_SECONDS:
            if self._pending is None or self._clock.monotonic() + pause >= deadline:
                return
            self._clock.sleep(pause)
            self.settle(self._pending)

    def _advance(self, fact: Fact) -> None:
        """Write the next revision; a rival's revision is read and the same fact applied to that."""
        for _ in range(SAVE_ATTEMPTS):
            step = next_step(self.record, fact, self._clock.now())
            if not step.write:
                return
            try:
                self.record = self._store.save(replace(step.record, transcript_bytes=self.bytes))
                return
            except Conflict:
                self._reload()
            except NotFound:
                self._deleted = True
            if self._deleted:
                return
        raise StoreFailed("The record changed under every attempt to write it.")

    def _reload(self) -> None:
        try:
            self.record = self._store.load(self.record.tenant, self.record.id)
        except NotFound:
            self._deleted = True

    def _keep_transcript(self) -> None:
        self._kept_at = self._clock.monotonic()
        if self.record.keeps and self.bytes:
            self._store.keep_transcript(self.record, self._transcript)

    def _archived(self, archive: Archive, link: Link, deadline: float) -> Media:
        media = archive.keep(self.record, link, deadline)
        self._telemetry.count("MediaArchived" if media.archived else "MediaUnavailable")
        self._telemetry.count("MediaBytes", media.size or 0, "Bytes")
        self._telemetry.note("media", record=self.record.id, kind=media.kind, size=media.size, reason=media.reason)
        return media

    def _keep_media(self, media: tuple[Media, ...]) -> None:
        try:
            self._advance(Archived(media))
        except StoreFailed:
            self._telemetry.alarm("media not kept in the record", record=self.record.id)

    def _leave(self) -> None:
        """The caller may have deleted the record while it ran: then what was written since goes too."""
        self._transcript.close()
        if self._deleted:
            self._store.delete(self.record)
