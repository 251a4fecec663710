"""While paid calls are stopped, or nobody knows whether they are, a job waits."""

from __future__ import annotations

import pytest

from reelay.errors import StoreFailed
from reelay.model import Phase
from tests.unit.worker.place import ANSWER, Shop, job


def test_while_paid_calls_are_stopped_a_job_waits_for_the_sweep_and_costs_no_try() -> None:
    shop = Shop(job(), ANSWER)
    shop.switch.on = True
    shop.work()
    assert (shop.phase, shop.record.tries, shop.posts, shop.over) == (Phase.QUEUED, 0, [], False)
    assert shop.record.lease <= shop.clock.now()
    shop.switch.on = False
    shop.work()
    assert (shop.phase, len(shop.posts)) == (Phase.COMPLETED, 1)


def test_a_switch_that_cannot_be_read_stops_too() -> None:
    shop = Shop(job(), ANSWER)
    shop.switch.broken = True
    with pytest.raises(StoreFailed):
        shop.work()
    assert (shop.phase, shop.posts) == (Phase.QUEUED, [])
