"""One record, one who does it: what is in other hands is not touched, and of two at once one stops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from reelay.model import End, Notice, Phase, Record
from tests.fakes import NOON, FakeStore
from tests.unit.worker.place import ANSWER, HEAD, LATER, PROBLEM, Shop, job


def test_a_job_in_hand_is_held_until_its_invocation_must_be_over() -> None:
    seen: list[tuple[Phase, int]] = []
    shop: Shop = Shop(job(), (lambda: seen.append((shop.phase, shop.record.lease)), *ANSWER))
    shop.work()
    assert seen == [(Phase.SENDING, LATER)], "written ahead, before anything is read"


def test_a_second_worker_in_the_middle_of_it_does_nothing() -> None:
    seen: list[Phase] = []

    def rival() -> None:
        shop.work()
        seen.append(shop.phase)

    shop: Shop = Shop(job(), (rival, HEAD, ANSWER[1], rival, *ANSWER[2:4], rival, End()))
    shop.work()
    assert seen[:2] == [Phase.SENDING, Phase.ACCEPTED]
    assert (len(shop.posts), shop.phase) == (1, Phase.COMPLETED)


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("left", [False, True])
def test_each_phase_in_and_out_of_other_hands(phase: Phase, left: bool) -> None:
    """What `left` behind was is done by whoever comes; what is held is not touched, but for a job that waits."""
    ended = {} if phase in (Phase.QUEUED, Phase.CLAIMED, Phase.SENDING, Phase.ACCEPTED) else {"problem": PROBLEM}
    record = job(phase=phase, lease=int(NOON) + (0 if left else 1), tries=int(phase is not Phase.QUEUED), **ended)
    shop = Shop(record, ANSWER)
    before = shop.record
    shop.work()
    if phase is Phase.QUEUED or (left and phase is Phase.CLAIMED):
        assert (len(shop.posts), shop.phase, shop.record.tries, shop.over) == (1, Phase.COMPLETED, 1, True)
    elif left:
        doubt = phase in (Phase.SENDING, Phase.ACCEPTED, Phase.RECONCILING)
        assert (shop.posts, shop.over) == ([], True)
        assert shop.phase is (Phase.UNKNOWN if doubt else phase)
        assert shop.told() == [Notice.COMPLETED if phase is Phase.COMPLETED else Notice.FAILED]
    else:
        assert (shop.posts, shop.record, shop.told(), shop.over) == ([], before, [], False)


class Rivalled(FakeStore):
    """Somebody else writes the record just before the save number `at`."""

    def __init__(self, at: int, rival: Callable[[Record], Record]) -> None:
        super().__init__()
        self.saves = 0
        self._at, self._rival = at, rival

    def save(self, record: Record) -> Record:
        self.saves += 1
        if self.saves == self._at:
            there = self.load(record.tenant, record.id)
            super().save(self._rival(there))
        return super().save(record)


@pytest.mark.parametrize("at", [1, 2])
def test_of_two_who_take_it_in_hand_the_slower_one_stops(at: int) -> None:
    """Between load and claim, and between claim and write-ahead."""
    rivalled = Rivalled(at, lambda there: replace(there, phase=Phase.CLAIMED, lease=LATER))
    shop = Shop(job(), ANSWER, store=rivalled)
    shop.work()
    assert (shop.posts, shop.phase) == ([], Phase.CLAIMED)
