"""A store that fails at any call of a worker costs no second post and no result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from reelay.errors import StoreFailed
from reelay.jobs import TRY_AGAIN_SECONDS, Claimed, Posting, Progressed, Refused, next_step
from reelay.journal import Journal
from reelay.model import Invocation, Notice, Phase
from reelay.worker import Worker
from tests.fakes import FakeStore
from tests.unit.worker.place import ANSWER, BUSY, LATER, PROBLEM, SECONDS, Shop, job, over, worked_until_over


class Flaky:
    """A store of whose calls the number `at` fails, or all from there for as long as it is `down`; with `lost` it is
    done all the same, and only its answer got lost."""

    def __init__(self, store: FakeStore, at: int, *, lost: bool = False, down: bool = False) -> None:
        self.calls: list[str] = []
        self.down = down
        self._store, self._at, self._lost = store, at, lost

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._store, name)

        def called(*arguments: Any) -> Any:
            self.calls.append(name)
            fails = len(self.calls) == self._at or (self.down and len(self.calls) > self._at)
            done = method(*arguments) if self._lost or not fails else None
            if fails:
                raise StoreFailed("down")
            return done

        return called


def calls_of(*scripts: tuple[Any, ...]) -> int:
    """How many calls to the store a run makes when nothing fails."""
    shop = Shop(job(), *scripts)
    store = Flaky(shop.store, 0)
    Worker(over(shop, store)).work(shop.job, Invocation(SECONDS, live=False))
    return len(store.calls)


@pytest.mark.parametrize("down", [False, True], ids=["once", "from there"])
@pytest.mark.parametrize("lost", [False, True], ids=["not done", "answer lost"])
@pytest.mark.parametrize("at", range(1, calls_of(ANSWER) + 1))
def test_a_store_that_fails_at_any_call_costs_no_second_post_and_no_result(at: int, lost: bool, down: bool) -> None:
    shop: Shop = Shop(job(drop="inbox/a.json"), (lambda: written.append(shop.phase), *ANSWER))
    written: list[Phase] = []
    store = Flaky(shop.store, at, lost=lost, down=down)
    try:
        Worker(over(shop, store)).work(shop.job, Invocation(SECONDS, live=False))
    except StoreFailed:
        assert shop.posts == [], "or the message must not come again"
    worked_until_over(shop)
    assert written in ([], [Phase.SENDING]), "no post before the write-ahead holds"
    assert (len(shop.posts), shop.phase) in ((1, Phase.COMPLETED), (0, Phase.UNKNOWN), (1, Phase.UNKNOWN))
    if not down:
        only_written_ahead = lost and store.calls[at - 1] == "save" and not shop.posts
        assert (shop.phase is Phase.UNKNOWN) == only_written_ahead
    notice = Notice.COMPLETED if shop.phase is Phase.COMPLETED else Notice.FAILED
    assert notice in shop.told()
    assert "inbox/a.json" in shop.drops.answers


@pytest.mark.parametrize("lost", [False, True], ids=["not done", "answer lost"])
@pytest.mark.parametrize("at", range(1, calls_of((BUSY,)) + 1))
def test_a_store_that_fails_at_any_call_leaves_a_job_that_cost_nothing_to_be_tried_again(at: int, lost: bool) -> None:
    shop = Shop(job(), (BUSY,), ANSWER)
    store = Flaky(shop.store, at, lost=lost)
    try:
        Worker(over(shop, store)).work(shop.job, Invocation(SECONDS, live=False))
    except StoreFailed:
        assert shop.posts == []
    worked_until_over(shop)
    if shop.posts:
        assert (len(shop.posts), shop.phase) == (2, Phase.COMPLETED)
    else:
        assert lost, "written ahead, and nobody knew"
        assert shop.phase is Phase.UNKNOWN


def test_a_verdict_of_an_earlier_try_is_none_of_a_later_ones() -> None:
    """A worker is told to wait, writes that, and never hears that it was written. Until it can write again another one
    has begun the job: whatever the first still owes, the second's request is on its way and is not posted a third
    time."""
    shop = Shop(job(phase=Phase.SENDING, tries=1, lease=LATER))
    store: Any = Flaky(shop.store, 1, lost=True)
    first = Journal(shop.record, store, shop.clock, shop.telemetry)
    first.settle(Refused(replace(PROBLEM, charged=False), passes=True))
    assert shop.phase is Phase.QUEUED
    shop.clock.advance(TRY_AGAIN_SECONDS)
    for fact in (Claimed(LATER + 99), Posting()):
        shop.store.save(next_step(shop.record, fact, shop.clock.now()).record)
    first.pay(SECONDS, SECONDS)
    first.close()
    assert (shop.phase, shop.record.tries) == (Phase.SENDING, 2)


def test_what_an_earlier_try_owes_does_not_replace_what_a_later_one_kept() -> None:
    shop = Shop(job(phase=Phase.SENDING, tries=1, lease=LATER))
    store: Any = Flaky(shop.store, 2, lost=True)
    first = Journal(shop.record, store, shop.clock, shop.telemetry)
    first.take(b'{"error": {"message": "busy"}}')
    first.settle(Refused(replace(PROBLEM, charged=False), passes=True))
    assert shop.phase is Phase.QUEUED
    shop.clock.advance(TRY_AGAIN_SECONDS)
    for fact in (Claimed(LATER + 99), Posting()):
        shop.store.save(next_step(shop.record, fact, shop.clock.now()).record)
    second = Journal(shop.record, shop.store, shop.clock, shop.telemetry)
    second.take(b"data: a whole answer")
    second.learn(Progressed("task_1"))
    second.note()
    first.pay(SECONDS, SECONDS)
    for journal in (first, second):
        journal.close()
    assert shop.store.transcripts[shop.record.id] == b"data: a whole answer"
