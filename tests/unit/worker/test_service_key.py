"""The service's own key: a job without one waits, and one that is not taken is read anew."""

from __future__ import annotations

import pytest

from reelay.errors import KeyUnavailable, UpstreamRefused
from reelay.jobs import TRIES, TRY_AGAIN_MOST_SECONDS
from reelay.model import Failed, Phase
from tests.unit.worker.place import ANSWER, Shop, job


def test_without_a_key_the_job_waits_and_its_message_comes_again() -> None:
    shop = Shop(job(), ANSWER)
    shop.keys.broken = True
    for _ in range(3):
        with pytest.raises(KeyUnavailable):
            shop.work()
        assert (shop.posts, shop.phase, shop.record.tries, shop.over) == ([], Phase.QUEUED, 0, False)
    shop.keys.broken = False
    shop.work()
    assert (len(shop.posts), shop.phase) == (1, Phase.COMPLETED)


def test_a_key_that_is_not_taken_is_read_anew_and_the_job_tried_again() -> None:
    refused = (Failed(UpstreamRefused("invalid key", status=401, code="invalid_api_key")),)
    shop = Shop(job(), refused, ANSWER)
    shop.work()
    assert (shop.keys.refusals, shop.phase) == (1, Phase.QUEUED)
    assert shop.queue.sent == [(shop.job, 31)]
    assert ("ServiceKeyRefused", 1, "Count") in shop.telemetry.counts
    assert shop.telemetry.counts.count(("PaidCalls", 1, "Count")) == 1
    shop.keys.value = "sk-new"
    shop.clock.advance(31)
    shop.work()
    assert [post.headers["Authorization"] for post in shop.posts] == ["Bearer sk-service", "Bearer sk-new"]
    assert shop.phase is Phase.COMPLETED


def test_a_key_that_is_never_taken_is_the_services_fault_and_cost_nothing() -> None:
    shop = Shop(job(), *[(Failed(UpstreamRefused("sk-service is invalid", status=401)),)] * TRIES)
    for _ in range(TRIES):
        shop.work()
        shop.clock.advance(TRY_AGAIN_MOST_SECONDS)
    assert (len(shop.posts), shop.phase, shop.keys.refusals, shop.over) == (TRIES, Phase.FAILED, TRIES, True)
    problem = shop.record.problem
    assert problem
    assert (problem.status, problem.code, problem.charged) == (502, "upstream_auth", False)
    assert "sk-service" not in problem.message
