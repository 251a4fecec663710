"""Acts at their time, by one thread."""

from __future__ import annotations

import threading
import time
from functools import partial

import pytest

from reelay.timekeeper import Timekeeper
from tests.patience import PATIENCE_SECONDS

LATER = 3600.0


class Bell:
    """Rings, and says by whom and in which order it was rung."""

    def __init__(self) -> None:
        self.rung: list[tuple[str, int]] = []
        self._each = threading.Semaphore(0)

    def ring(self, name: str) -> None:
        self.rung.append((name, threading.get_ident()))
        self._each.release()

    def wait(self, times: int) -> list[str]:
        for _ in range(times):
            assert self._each.acquire(timeout=PATIENCE_SECONDS)
        return [name for name, _ in self.rung]


def test_acts_are_done_in_the_order_of_their_times_by_one_thread_and_not_before() -> None:
    keeper, bell, now = Timekeeper(), Bell(), time.monotonic()
    times = {"third": now + 0.03, "first": now + 0.01, "second": now + 0.02}
    for name, when in times.items():
        keeper.at(when, partial(bell.ring, name))
    assert bell.wait(3) == ["first", "second", "third"]
    assert time.monotonic() >= times["third"]
    assert {ident for _, ident in bell.rung}.isdisjoint({threading.get_ident()})
    assert len({ident for _, ident in bell.rung}) == 1


def test_an_earlier_act_does_not_wait_for_a_later_one() -> None:
    keeper, bell = Timekeeper(), Bell()
    keeper.at(time.monotonic() + LATER, lambda: bell.ring("later"))
    keeper.at(time.monotonic(), lambda: bell.ring("now"))
    assert bell.wait(1) == ["now"]


def test_what_was_called_off_is_not_done() -> None:
    keeper, bell, now = Timekeeper(), Bell(), time.monotonic()
    call_off = keeper.at(now + 0.01, lambda: bell.ring("called off"))
    call_off()
    keeper.at(now + 0.02, lambda: bell.ring("after it"))
    assert bell.wait(1) == ["after it"]


@pytest.mark.parametrize("ago", [0.0, 60.0])
def test_what_is_due_already_is_done_at_once(ago: float) -> None:
    keeper, bell = Timekeeper(), Bell()
    keeper.at(time.monotonic() - ago, lambda: bell.ring("due"))
    assert bell.wait(1) == ["due"]
