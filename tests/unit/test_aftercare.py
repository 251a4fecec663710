"""What follows a verdict: each part may fail by itself, and whoever comes next does what is left."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reelay.aftercare import MAX_LINKS, Aftercare, Means, links_of
from reelay.errors import EventRefused, StoreFailed
from reelay.ids import completion_id
from reelay.jobs import AFTERCARE_SECONDS, ARCHIVE_SECONDS, OPEN
from reelay.journal import Journal
from reelay.model import Event, Job, Link, Media, MediaKind, Notice, Order, Phase, Problem, Record, VideoRequest
from reelay.ports import Archive
from reelay.shapes import Identity, whole
from tests.fakes import (
    NOON,
    TENANT,
    FakeArchive,
    FakeBus,
    FakeClock,
    FakeDrops,
    FakeQueue,
    FakeStore,
    FakeTelemetry,
    new_record,
)

VIDEO = "https://files.example/a.mp4"
POSTER = "https://files.example/a.webp"
DROP = "inbox/a.json"
PROBLEM = Problem("It broke.", "upstream_error", None, "upstream_broken", 502, charged=True)


def completed(text: str = f"![x]({POSTER})\n[▶️ watch]({VIDEO})", **fields: Any) -> Record:
    record = new_record(**{"phase": Phase.COMPLETED, "finished": int(NOON), "drop": DROP, **fields})
    answer = whole(Identity(completion_id(record.id), "sora-2", 1), {"choices": [{"message": {"content": text}}]})
    return replace(record, completion=answer)


class Passing(FakeArchive):
    """Cannot copy what is in `refused` now, and may later."""

    def keep(self, record: Record, link: Link, deadline: float) -> Media:
        return replace(super().keep(record, link, deadline), again=link.url in self.refused)


class Room:
    """Aftercare over fakes, and one record that has ended."""

    def __init__(
        self, record: Record, archive: FakeArchive | None = None, store: FakeStore | None = None, **without: Any
    ) -> None:
        self.clock = FakeClock()
        self.store = store or FakeStore()
        self.archive = archive or FakeArchive()
        self.telemetry = FakeTelemetry()
        self.queue, self.bus, self.drops = FakeQueue(), FakeBus(), FakeDrops()
        means: dict[str, Any] = {"queue": self.queue, "bus": self.bus, "drops": self.drops, **without}
        keeps: Archive = self.archive
        self.aftercare = Aftercare(Means(self.store, keeps, self.clock, self.telemetry, **means))
        self.store.watch(record)
        self.record = self.store.create(record)

    def finish(self) -> None:
        """As the next who has the record in hand."""
        self.record = self.store.load(TENANT, self.record.id)
        journal = Journal(self.record, self.store, self.clock, self.telemetry)
        now = self.clock.monotonic()
        self.aftercare.finish(journal, now + 60, now + 60)
        self.record = self.store.records.get(next(iter(self.store.records), ""), self.record)

    @property
    def told(self) -> list[str]:
        return [event.notice for event in self.bus.events]

    @property
    def over(self) -> bool:
        """Whether nothing is marked as left to do."""
        return not self.store.open


def test_a_completion_is_told_copied_laid_down_and_then_no_longer_marked() -> None:
    room = Room(completed())
    room.finish()
    assert room.told == [Notice.COMPLETED, Notice.ARCHIVED]
    assert [media.archived for media in room.record.media] == [True, True]
    assert room.drops.answers[DROP]["media"][0]["status"] == "archived"
    assert room.over


@pytest.mark.parametrize("phase", [Phase.FAILED, Phase.UNKNOWN])
def test_a_failure_is_told_and_laid_down(phase: Phase) -> None:
    room = Room(new_record(phase=phase, problem=PROBLEM, drop=DROP, finished=int(NOON)))
    room.finish()
    assert (room.told, room.over) == ([Notice.FAILED], True)
    assert room.drops.answers[DROP]["error"]["code"] == "upstream_broken"
    assert room.archive.asked == []


@pytest.mark.parametrize("text", ["I cannot draw that.", ""])
def test_an_answer_without_media_has_nothing_to_archive(text: str) -> None:
    room = Room(completed(text))
    room.finish()
    assert (room.told, room.over, room.record.media) == ([Notice.COMPLETED], True, ())
    assert room.drops.answers[DROP]["media"] == []


def test_where_nobody_listens_and_nothing_was_dropped_media_are_copied_all_the_same() -> None:
    room = Room(completed(drop=None), queue=None, bus=None, drops=None)
    room.finish()
    assert [media.archived for media in room.record.media] == [True, True]
    assert room.over


def test_what_is_not_to_be_kept_is_not_copied() -> None:
    room = Room(completed(keeps=False, drop=None))
    room.finish()
    assert (links_of(room.record), room.archive.asked, room.told, room.over) == ((), [], [Notice.COMPLETED], True)


# ── One part after another fails ─────────────────────────────────────────────────────────────────────────────────────


def test_an_event_that_nobody_took_is_told_by_the_next() -> None:
    room = Room(completed())
    room.bus.broken = True
    room.finish()
    assert (room.told, room.over) == ([], False)
    assert DROP in room.drops.answers, "the other parts do not wait for it"
    assert [media.archived for media in room.record.media] == [True, True]
    room.bus.broken = False
    room.finish()
    assert (room.told, room.over) == ([Notice.COMPLETED, Notice.ARCHIVED], True)
    assert len(room.archive.asked) == 2, "what was archived stays"


def test_an_outcome_that_was_not_taken_is_laid_down_by_the_next() -> None:
    room = Room(completed())
    room.drops.broken = {"answer"}
    room.finish()
    assert (room.drops.answers, room.over) == ({}, False)
    room.drops.broken = set()
    room.finish()
    assert (list(room.drops.answers), room.over) == ([DROP], True)


def test_a_mark_that_was_not_removed_is_removed_by_the_next() -> None:
    room = Room(completed())
    room.store.broken = {"unwatch"}
    room.finish()
    assert not room.over
    room.store.broken = set()
    room.finish()
    assert room.over
    assert room.told.count(Notice.COMPLETED) == 2, "at least once"


def test_media_that_the_record_did_not_take_are_copied_again_by_the_next() -> None:
    room = Room(completed())
    room.store.broken = {"save"}
    room.finish()
    assert (room.record.media, room.over, room.told) == ((), False, [Notice.COMPLETED])
    room.store.broken = set()
    room.finish()
    assert [media.archived for media in room.record.media] == [True, True]
    assert (room.over, room.told[-1]) == (True, Notice.ARCHIVED)


def test_the_mark_is_removed_when_all_the_rest_is_done() -> None:
    seen: list[tuple[list[str], int, int]] = []

    class Watching(FakeStore):
        def unwatch(self, job: Job) -> None:
            seen.append((room.told, len(room.drops.answers), len(self.load(job.tenant, job.id).media)))
            super().unwatch(job)

    room = Room(completed(), store=Watching())
    room.finish()
    assert seen == [([Notice.COMPLETED, Notice.ARCHIVED], 1, 2)]


@pytest.mark.parametrize("part", ["bus", "drops", "save"])
def test_and_stays_while_any_part_of_it_is_not(part: str) -> None:
    room = Room(completed())
    room.bus.broken = part == "bus"
    room.drops.broken = {"answer"} if part == "drops" else set()
    room.store.broken = {part}
    for _ in range(3):
        room.finish()
        assert not room.over


def test_media_that_may_come_later_keep_the_mark_until_they_come() -> None:
    room = Room(completed(), Passing({VIDEO: "the host did not answer in time"}))
    room.finish()
    assert [media.archived for media in room.record.media] == [False, True]
    assert (room.over, Notice.ARCHIVED in room.told) == (False, False)
    assert room.drops.answers[DROP]["media"][0]["status"] == "unavailable", "an outcome that is replaced later"
    room.archive.refused = {}
    room.finish()
    assert [media.archived for media in room.record.media] == [True, True]
    assert [link.url for link in room.archive.asked] == [VIDEO, POSTER, VIDEO], "what was archived is not copied again"
    assert room.over
    assert room.drops.answers[DROP]["media"][0]["status"] == "archived"


def test_media_that_did_not_come_in_an_hour_will_not() -> None:
    room = Room(completed(), Passing({VIDEO: "the host did not answer in time"}))
    room.finish()
    room.clock.advance(ARCHIVE_SECONDS)
    room.finish()
    assert (room.told[-1], room.over) == (Notice.ARCHIVED, True)


def test_media_that_will_never_come_are_told_at_once() -> None:
    room = Room(completed(), FakeArchive({VIDEO: "gone", POSTER: "gone"}))
    room.finish()
    assert (room.told, room.over) == ([Notice.COMPLETED, Notice.ARCHIVED], True)
    room.finish()
    assert len(room.archive.asked) == 2


# ── A record that is not at its end, or no longer there ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize("phase", OPEN)
def test_nothing_is_told_of_a_record_that_is_not_at_its_end(phase: Phase) -> None:
    room = Room(new_record(phase=phase, lease=int(NOON) + 30, drop=DROP))
    room.finish()
    assert (room.told, room.drops.answers, room.over) == ([], {}, False)
    handed_over = phase in (Phase.QUEUED, Phase.RECONCILING)
    assert room.queue.sent == ([(Job(TENANT, room.record.id), 31)] if handed_over else [])


def test_a_job_that_could_not_be_handed_over_keeps_its_mark() -> None:
    room = Room(new_record(phase=Phase.QUEUED, lease=int(NOON) + 30))
    room.queue.broken = True
    room.finish()
    assert not room.over
    assert ("not handed over", {"record": room.record.id}) in room.telemetry.alarms


def test_a_record_that_was_deleted_while_its_media_were_copied_leaves_nothing() -> None:
    room = Room(completed())
    room.archive.meanwhile = lambda: room.store.delete(room.record)
    room.finish()
    assert (room.store.records, room.over) == ({}, True)
    assert Notice.ARCHIVED not in room.told


def test_no_failure_is_raised_and_none_is_told_in_words() -> None:
    room = Room(completed())
    room.bus.broken, room.drops.broken = True, {"answer"}
    room.store.defects = {name: OSError(28, VIDEO) for name in ("save", "unwatch", "watch", "index")}
    room.finish()
    room.aftercare.begin(replace(room.record, video=VideoRequest("a dog")))
    assert VIDEO not in repr(room.telemetry.alarms)
    names = [name for name, _ in room.telemetry.alarms]
    assert {"event not told", "outcome not laid down", "verdict not kept", "not marked", "not listed"} <= set(names)


@pytest.mark.parametrize("failure", [StoreFailed("down"), OSError(28, "full"), ZeroDivisionError()], ids=repr)
def test_of_what_follows_a_verdict_only_a_defect_is_counted_as_one(failure: Exception) -> None:
    room = Room(completed(), bus=Raising(failure))
    room.store.defects = dict.fromkeys(("save", "unwatch", "watch"), failure)
    room.finish()
    names = {name for name, _ in room.telemetry.alarms}
    assert {"event not told", "verdict not kept", "mark not written"} <= names
    defect = isinstance(failure, ZeroDivisionError)
    assert room.telemetry.defects == (len(room.telemetry.alarms) if defect else 0)


class Raising(FakeBus):
    """Fails as told."""

    def __init__(self, failure: Exception) -> None:
        super().__init__()
        self._failure = failure

    def publish(self, event: Event) -> None:  # noqa: ARG002 - the port's
        raise self._failure


# ── The beginning ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_record_is_marked_from_its_beginning_and_a_video_is_listed() -> None:
    room = Room(new_record())
    room.store.open.clear()
    room.aftercare.begin(room.record)
    assert not room.over
    assert list(room.store.walk(TENANT, Order.ASC, None)) == []
    room.aftercare.begin(replace(room.record, video=VideoRequest("a dog")))
    assert list(room.store.walk(TENANT, Order.ASC, None)) == [room.record]


def test_the_links_are_those_of_every_choice() -> None:
    record = completed()
    answer = {"choices": [{"message": {"content": VIDEO}}, {"message": {"content": None}}, {"message": {}}]}
    assert links_of(replace(record, completion=answer)) == (Link(MediaKind.VIDEO, VIDEO),)
    assert links_of(replace(record, completion=None)) == ()


def test_a_mark_that_did_not_hold_at_the_beginning_is_put_when_something_is_left() -> None:
    room = Room(completed())
    room.store.open.clear()
    room.bus.broken = True
    room.finish()
    assert not room.over


class Refusing(FakeBus):
    """Takes no event, and never will."""

    def publish(self, event: Event) -> None:
        raise EventRefused(f"too large: {event.notice}")


def test_an_event_that_will_never_be_taken_is_told_to_the_operator_and_not_tried_for_ever() -> None:
    room = Room(completed(), bus=Refusing())
    room.finish()
    assert room.over
    assert ("event refused", {"record": room.record.id}) in room.telemetry.alarms


def test_what_cannot_be_done_for_days_is_given_up_and_told() -> None:
    room = Room(completed())
    room.bus.broken = True
    room.finish()
    assert not room.over
    room.clock.advance(AFTERCARE_SECONDS)
    room.finish()
    assert room.over
    assert room.telemetry.alarms[-1][0] == "given up after its end"


@pytest.mark.parametrize(("by_worker", "told"), [(False, []), (True, [Notice.FAILED])])
def test_a_key_that_the_upstream_does_not_know_lets_nobody_speak_on_the_bus(by_worker: bool, told: list[str]) -> None:
    room = Room(new_record(phase=Phase.FAILED, problem=replace(PROBLEM, status=401), by_worker=by_worker))
    room.finish()
    assert (room.told, room.over) == (told, True)


def test_one_answer_sends_nobody_to_hundreds_of_hosts() -> None:
    choices = [{"index": at, "message": {"content": f"[watch](https://{at}.example/a.mp4)"}} for at in range(100)]
    record = replace(completed(), completion=whole(Identity("x", "sora-2", 1), {"choices": choices}))
    assert len(links_of(record)) == MAX_LINKS
