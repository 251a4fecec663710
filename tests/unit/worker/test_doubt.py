"""What may have been charged is asked after and never posted again."""

from __future__ import annotations

import pytest

from reelay.errors import StoreFailed
from reelay.jobs import ASK_SECONDS
from reelay.model import Data, Notice, Phase, Told
from tests.fakes import NOON
from tests.unit.worker.place import (
    ANSWER,
    ASKING,
    CUT,
    DONE,
    PROBLEM,
    TASK,
    VIDEO,
    Shop,
    asked_again,
    chunk,
    job,
    worked_until_over,
)


def test_a_cut_answer_is_asked_after_until_it_is_there() -> None:
    shop = Shop(job(**ASKING), CUT)
    shop.work()
    assert (shop.phase, shop.statuses.asked, shop.told(), shop.over) == (Phase.RECONCILING, [], [], False)
    asked_again(shop)
    shop.statuses.answers = {TASK: Told("in_progress", 36)}
    asked_again(shop)
    assert (shop.phase, shop.record.progress, shop.record.status) == (Phase.RECONCILING, 36, "in_progress")
    shop.statuses.answers = {TASK: Told("completed", 100, VIDEO)}
    asked_again(shop)
    assert (shop.phase, len(shop.posts), shop.over) == (Phase.COMPLETED, 1, True)
    assert [media.source for media in shop.record.media] == [VIDEO]
    assert shop.statuses.asked == [(TASK, "sora-2")] * 3
    assert shop.record.problem is None


def test_a_job_that_failed_elsewhere_has_failed() -> None:
    shop = Shop(job(**ASKING), CUT)
    shop.work()
    shop.statuses.answers = {TASK: Told("failed")}
    asked_again(shop)
    assert (shop.phase, shop.told(), shop.over, len(shop.posts)) == (Phase.FAILED, [Notice.FAILED], True, 1)


def test_a_job_that_nobody_knows_is_asked_after_for_as_long_as_that_is_worth_it() -> None:
    shop = Shop(job(**ASKING), CUT)
    shop.work()
    while not shop.over:
        asked_again(shop)
    assert (shop.phase, len(shop.posts), shop.queue.sent) == (Phase.UNKNOWN, 1, [])
    assert 200 < len(shop.statuses.asked) <= 7200 / (ASK_SECONDS + 1)
    assert shop.record.problem
    assert TASK in shop.record.problem.message
    assert sum(value for name, value, _ in shop.telemetry.counts if name == "OutcomeUnknown") == 1


@pytest.mark.parametrize(("asks", "ask_until"), [(False, ASKING["ask_until"]), (True, 0)], ids=["nobody", "never"])
def test_where_nobody_can_be_asked_doubt_stays_doubt(asks: bool, ask_until: int) -> None:
    shop = Shop(job(ask_until=ask_until), CUT, asks=asks)
    shop.work()
    worked_until_over(shop)
    assert (shop.phase, shop.statuses.asked, len(shop.posts)) == (Phase.UNKNOWN, [], 1)


def test_two_who_ask_at_once_ask_once() -> None:
    shop = Shop(job(**ASKING), CUT)
    shop.work()
    shop.clock.advance(ASK_SECONDS)
    shop.work()
    shop.work()
    assert len(shop.statuses.asked) == 1


@pytest.mark.parametrize("phase", [Phase.SENDING, Phase.ACCEPTED, Phase.RECONCILING, Phase.UNKNOWN])
@pytest.mark.parametrize("by_worker", [True, False])
def test_a_transcript_that_is_whole_is_the_answer_and_nobody_is_asked(phase: Phase, by_worker: bool) -> None:
    """Whoever read it died before the verdict; it may have been a caller's own relay."""
    record = job(phase=phase, by_worker=by_worker, lease=int(NOON), task_id=TASK, problem=PROBLEM, **ASKING)
    shop = Shop(record)
    shop.store.transcripts[record.id] = b"".join(seen.data for seen in ANSWER if isinstance(seen, Data))
    shop.work()
    assert (shop.phase, shop.record.problem, shop.statuses.asked, shop.posts) == (Phase.COMPLETED, None, [], [])
    assert [media.archived for media in shop.record.media] == [True]
    assert (shop.told(), shop.over) == ([Notice.COMPLETED, Notice.ARCHIVED], True)
    assert shop.store.transcripts[record.id].endswith(DONE.data), "and stays as it was"


@pytest.mark.parametrize("phase", [Phase.SENDING, Phase.ACCEPTED])
def test_a_job_that_was_left_behind_is_never_posted_again(phase: Phase) -> None:
    shop = Shop(job(phase=phase, lease=int(NOON), tries=1, task_id=TASK, **ASKING))
    shop.store.transcripts[shop.job.id] = chunk(f"> ID: `{TASK}`\n").data
    shop.work()
    assert (shop.phase, shop.statuses.asked) == (Phase.RECONCILING, [(TASK, "sora-2")])
    worked_until_over(shop)
    assert (shop.phase, shop.posts) == (Phase.UNKNOWN, [])
    assert sum(value for name, value, _ in shop.telemetry.counts if name == "OutcomeUnknown") == 1


def test_a_transcript_that_cannot_be_read_now_is_read_later() -> None:
    shop = Shop(job(phase=Phase.SENDING, lease=int(NOON), tries=1))
    shop.store.broken = {"transcript"}
    with pytest.raises(StoreFailed):
        shop.work()
    shop.store.broken = set()
    shop.store.transcripts[shop.job.id] = chunk("hi", "stop").data
    worked_until_over(shop)
    assert shop.phase is Phase.COMPLETED
