"""The record of one run as it is written: progress while it goes, the verdict at its end, the transcript beside it.

Keeping never costs the caller the answer: no method raises. What could not be kept is told to the operator, and what
has to be kept is owed until it holds or the invocation ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import chain, repeat
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING

from reelay.errors import OUTSIDE, Conflict, NotFound, StoreFailed
from reelay.jobs import Archived, Fact, Finished, Overdue, Progressed, next_step
from reelay.model import Record

if TYPE_CHECKING:
    from reelay.ports import Clock, Store, Telemetry

TRANSCRIPT_IN_MEMORY_BYTES = 1024 * 1024
"""A transcript larger than this lies in the function's /tmp; a usual one is some 60 KB."""

TRANSCRIPT_SECONDS = 30
"""The bytes so far are kept at least this often while they come, so that a crash leaves them."""

LOOK_SECONDS = 1
"""Between two looks whether progress is due to be written: a busy stream has hundreds of pieces in that time."""

FAILED_PAUSE_SECONDS = 60
"""After a write of progress that failed: each may take CALL_SECONDS, and the stream waits for it."""

SAVE_ATTEMPTS = 5
"""Rivals for one record are few: its run, its owner changing metadata, whoever finds it overdue."""

RETRY_SECONDS = (1, 2, 4, 8, 15, 30)
"""Pauses between attempts to write what is owed; the last one again and again."""

CALL_SECONDS = 24
"""The longest that one S3 call takes: three attempts of 2 s to connect and 5 s to read, and two pauses of 1 and 2 s at
most (`s3_rest`)."""


def looked_at(record: Record, store: Store, clock: Clock) -> Record:
    """The record, with the verdict of whoever left it behind: reading is when somebody wants to know.

    Raises StoreFailed, and NotFound when it was deleted meanwhile.
    """
    step = next_step(record, Overdue(), clock.now())
    if not step.write:
        return record
    try:
        return store.save(step.record)
    except Conflict:
        return store.load(record.tenant, record.id)


class Journal:
    """Writes what becomes known of one record."""

    def __init__(self, record: Record, store: Store, clock: Clock, telemetry: Telemetry) -> None:
        self.record = record
        self.bytes = 0
        self._tries = record.tries
        self._written = 0
        self._store = store
        self._clock = clock
        self._telemetry = telemetry
        self._transcript = SpooledTemporaryFile(TRANSCRIPT_IN_MEMORY_BYTES)  # noqa: SIM115 - closed by `finish`
        self._transcript_due = clock.monotonic() + TRANSCRIPT_SECONDS
        self._not_before = 0.0
        self._owed: list[Fact] = []
        self._latest: Progressed | None = None
        self._noted = True
        self._look_at = 0.0
        self._deleted = False
        self._torn = False
        self._last_try = False
        self._unsure = False

    def take(self, data: bytes) -> None:
        """Add bytes of the upstream to the transcript, as they came, and keep it now and then."""
        self.bytes += len(data)
        if not self.record.keeps:
            return
        if not self._torn:  # what is kept stays the beginning of what was sent, without a hole
            self._torn = not self._done("transcript not written", lambda: self._transcript.write(data))
            self._written += 0 if self._torn else len(data)
        now = self._clock.monotonic()
        if now >= self._transcript_due and now >= self._not_before:
            self._progress(self._keep_transcript)

    def learn(self, fact: Progressed) -> None:
        """Remember progress: for `note`, and for a verdict that comes before it."""
        self._latest, self._noted, self._look_at = fact, False, 0.0

    def note(self) -> None:
        """Keep the latest progress, at most every few seconds and only when it changed, with the bytes so far."""
        fact, now = self._latest, self._clock.monotonic()
        if fact is None or self._noted or now < max(self._not_before, self._look_at):
            return
        self._noted = next_step(self.record, fact, self._clock.now()).write
        if self._noted:
            self._progress(lambda: self._settle(fact))
        else:
            self._look_at = now + LOOK_SECONDS

    def settle(self, fact: Fact) -> None:
        """Keep the verdict, now or by `finish`. What it needs lies in the store before the record says so."""
        self._owed.append(fact)
        self._pay()

    @property
    def deleted(self) -> bool:
        """Whether the record was deleted by its owner while it was in hand."""
        return self._deleted

    @property
    def _another(self) -> bool:
        """Whether the record is gone, or another run's by now: then nothing of this one's counts."""
        return self._deleted or self.record.tries != self._tries

    def pay(self, settle_by: float, deadline: float) -> bool:
        """Try until `settle_by` to write what is still owed; whether all of it holds. What a deleted record's run has
        written since goes too."""
        if not self._until(self._pay, settle_by, deadline):
            self._last_try = True
            self._pay()
        if not self._deleted:
            return not self._owed
        return self._until(lambda: self._done("leftovers not deleted", self._delete), settle_by, deadline)

    def close(self) -> None:
        """Nothing more comes."""
        self._done("transcript not closed", self._transcript.close)

    def _done(self, failure: str, write: Callable[[], object]) -> bool:
        try:
            write()
        except Exception as why:  # noqa: BLE001 - whatever keeping meets, the answer was paid for and goes out
            self._telemetry.alarm(failure, record=self.record.id)
            if not isinstance(why, OUTSIDE):
                self._telemetry.count("Unforeseen")
            return False
        return True

    def _progress(self, write: Callable[[], None]) -> None:
        if not self._deleted and not self._done("progress not kept", write):
            self._not_before = self._clock.monotonic() + FAILED_PAUSE_SECONDS

    def _delete(self) -> None:
        self._store.delete(self.record)

    def _pay(self) -> bool:
        """Whether nothing is owed any more."""
        while self._owed and self._done("verdict not kept", lambda: self._settle(self._owed[0])):
            self._owed.pop(0)
        return not self._owed

    def _until(self, attempt: Callable[[], bool], settle_by: float, deadline: float) -> bool:
        """Attempt it until it is done, no pause ends after `settle_by`, and a call still fits before `deadline`."""
        for pause in chain(RETRY_SECONDS, repeat(RETRY_SECONDS[-1])):
            if attempt():
                return True
            resumed = self._clock.monotonic() + pause
            if resumed > settle_by or resumed + CALL_SECONDS >= deadline:
                return False
            self._clock.sleep(pause)
        return False

    def _settle(self, fact: Fact) -> None:
        if self._unsure and not self._last_try:  # an earlier write may have been done, and its answer lost
            self._reload()
        if self._another:
            return
        self._unsure = True
        if not isinstance(fact, Archived):
            self._part("transcript not kept", self._keep_transcript)
        if isinstance(fact, Finished) and self.record.keeps:
            self._part("marker not kept", lambda: self._store.index(self.record))
        self._advance(fact)
        self._unsure = False

    def _part(self, failure: str, write: Callable[[], None]) -> None:
        """What belongs to a verdict comes before it while there is time; but a verdict without it beats none."""
        try:
            write()
        except StoreFailed:
            if not self._last_try:
                raise
            self._telemetry.alarm(failure, record=self.record.id)
        except Exception as why:  # noqa: BLE001 - /tmp may be full, and the verdict needs none of it
            self._telemetry.alarm(failure, record=self.record.id)
            if not isinstance(why, OUTSIDE):
                self._telemetry.count("Unforeseen")

    def _advance(self, fact: Fact) -> None:
        """Write the next revision; a rival's revision is read and the same fact applied to that."""
        for _ in range(SAVE_ATTEMPTS):
            now = self._clock.now()
            step = next_step(self._known(fact, now), fact, now)
            if not step.write:
                return
            try:
                self.record = self._store.save(self._with_bytes(step.record))
                return
            except Conflict:
                self._reload()
            except NotFound:
                self._deleted = True
            if self._another:
                return
        raise StoreFailed("The record changed under every attempt to write it.")

    def _known(self, fact: Fact, now: float) -> Record:
        """A verdict comes with the progress before it, which may not have been worth a write of its own."""
        if self._latest is None or fact is self._latest:
            return self.record
        return next_step(self.record, self._latest, now).record

    def _with_bytes(self, record: Record) -> Record:
        return replace(record, transcript_bytes=self._written) if self._written else record

    def _reload(self) -> None:
        try:
            self.record = self._store.load(self.record.tenant, self.record.id)
        except NotFound:
            self._deleted = True

    def _keep_transcript(self) -> None:
        self._transcript_due = self._clock.monotonic() + TRANSCRIPT_SECONDS
        if self._written:
            self._store.keep_transcript(self.record, self._transcript)
