"""What the upstream says no to: tried again where it passes and cost nothing, else never."""

from __future__ import annotations

from typing import Any

import pytest

from reelay.errors import UpstreamBroken, UpstreamBusy, UpstreamRefused, UpstreamSilent, UpstreamUnreachable
from reelay.jobs import TRIES, TRY_AGAIN_SECONDS
from reelay.model import Failed, Notice, Phase
from reelay.relay import LEASE_MARGIN_SECONDS
from tests.unit.worker.place import ANSWER, BUSY, SECONDS, Shop, job


@pytest.mark.parametrize("error", [UpstreamBusy("later"), UpstreamUnreachable("no such host")], ids=type)
def test_what_cost_nothing_and_passes_is_tried_five_times_with_growing_pauses(error: Any) -> None:
    shop = Shop(job(), *[(Failed(error),)] * (TRIES + 1))
    delays = []
    for _ in range(TRIES + 3):
        shop.work()
        delays += [delay for _, delay in shop.queue.sent]
        shop.queue.sent.clear()
        shop.clock.advance(delays[-1])
    assert (delays, len(shop.posts)) == ([31, 61, 121, 241], TRIES)
    assert (shop.phase, shop.told(), shop.over) == (Phase.FAILED, [Notice.FAILED], True)


def test_an_upstream_that_asks_for_time_gets_it() -> None:
    shop = Shop(job(), (Failed(UpstreamBusy("later", retry_after=300)),))
    shop.work()
    assert shop.queue.sent == [(shop.job, 301)]


def test_a_queue_that_is_down_leaves_the_job_to_the_sweep() -> None:
    shop = Shop(job(), (BUSY,), ANSWER)
    shop.queue.broken = True
    shop.work()
    assert (shop.phase, shop.over) == (Phase.QUEUED, False)
    shop.clock.advance(TRY_AGAIN_SECONDS)
    shop.work()
    assert shop.phase is Phase.COMPLETED


@pytest.mark.parametrize(
    ("error", "phase"),
    [
        (UpstreamRefused("no", status=400), Phase.FAILED),
        (UpstreamRefused("no", status=403), Phase.FAILED),
        (UpstreamRefused("no such model", status=503, code="model_not_found"), Phase.FAILED),
        (UpstreamRefused("moderated", status=400, charged=True), Phase.FAILED),
        (UpstreamSilent("nothing came", charged=True), Phase.UNKNOWN),
        (UpstreamBroken("html", charged=True), Phase.UNKNOWN),
        (UpstreamRefused("408", status=408, charged=True), Phase.UNKNOWN),
        (RuntimeError("a defect"), Phase.UNKNOWN),
    ],
    ids=repr,
)
def test_what_does_not_pass_or_may_have_cost_money_is_never_posted_again(error: Exception, phase: Phase) -> None:
    shop = Shop(job(drop="inbox/a.json"), (Failed(error),))
    for _ in range(3):
        shop.work()
        shop.clock.advance(SECONDS + LEASE_MARGIN_SECONDS)
    assert (len(shop.posts), shop.phase, shop.queue.sent, shop.over) == (1, phase, [], True)
    assert shop.drops.answers["inbox/a.json"]["error"]["message"]
