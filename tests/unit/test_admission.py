"""Which request begins a record and which asks again: keys, an SDK's own repetitions, and time."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from reelay.admission import CLOCK_SECONDS, KEY_SECONDS, RETRY_SECONDS, Admission, Admitted, fingerprint
from reelay.errors import Conflict, UnprocessableKey
from reelay.ids import new_core
from reelay.model import Call, Claim, Phase, Problem
from tests.fakes import TENANT, FakeClaims, FakeClock, FakeStore, new_record

BODY = {"model": "sora-2", "messages": [{"role": "user", "content": "a dog"}]}


class Desk:
    """An admission over fakes, with a record created for whoever is admitted, unless told otherwise."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = FakeStore()
        numbers = count(1)
        self.claims = FakeClaims()
        self._admission = Admission(
            self.claims, self.store, self.clock, lambda now: new_core(now, lambda n: next(numbers).to_bytes(n, "big"))
        )

    def ask(
        self, *, key: str | None = None, retry: int | None = None, body: Any = BODY, tenant: str = TENANT,
        creates: bool = True,
    ) -> Admitted:  # fmt: skip
        headers = {"idempotency-key": key, "x-stainless-retry-count": None if retry is None else str(retry)}
        sent = {name: value for name, value in headers.items() if value is not None}
        admitted = self._admission.admit(Call("c", "/", "r", tenant, headers=sent, body=body), body)
        if admitted.record is None and creates:
            self.store.create(new_record(id=admitted.core, tenant=tenant))
        return admitted


def test_requests_without_a_name_are_each_their_own() -> None:
    desk = Desk()
    assert desk.ask().core != desk.ask().core


def test_the_same_key_and_body_is_the_same_record_in_any_order_of_keys() -> None:
    desk = Desk()
    first = desk.ask(key="k")
    again = desk.ask(key="k", body=dict(reversed(BODY.items())))
    assert first.record is None
    assert again.record
    assert again.record.id == first.core


def test_the_same_key_with_another_body_is_refused() -> None:
    desk = Desk()
    desk.ask(key="k")
    with pytest.raises(UnprocessableKey):
        desk.ask(key="k", body={**BODY, "model": "other"})


def test_a_key_is_the_tenants_own() -> None:
    desk = Desk()
    assert desk.ask(key="k").core != desk.ask(key="k", tenant="b" * 32).core


def test_a_key_is_forgotten_after_a_day() -> None:
    desk = Desk()
    first = desk.ask(key="k")
    desk.clock.advance(KEY_SECONDS)
    assert desk.ask(key="k").record
    desk.clock.advance(2)
    fresh = desk.ask(key="k", body={**BODY, "model": "other"})
    assert (fresh.record, fresh.core == first.core) == (None, False)


def test_a_claim_whose_record_was_never_created_gives_its_id_to_whoever_comes_next() -> None:
    desk = Desk()
    crashed = desk.ask(key="k", creates=False)
    desk.clock.advance(3600)
    assert desk.ask(key="k").core == crashed.core
    assert desk.ask(key="k").record


@pytest.mark.parametrize("seconds", [0, 30, 3600])
def test_a_claim_whose_record_was_deleted_pays_for_no_second_one(seconds: int) -> None:
    desk = Desk()
    first = desk.ask(key="k")
    desk.store.delete(desk.store.load(TENANT, first.core))
    desk.clock.advance(seconds)
    with pytest.raises(Conflict, match="deleted"):
        desk.ask(key="k")


def test_an_sdks_own_repetition_finds_its_first_attempt() -> None:
    desk = Desk()
    first = desk.ask(retry=0)
    for number in (1, 2):
        again = desk.ask(retry=number)
        assert again.record
        assert again.record.id == first.core


def test_the_same_words_said_twice_on_purpose_are_two_requests() -> None:
    desk = Desk()
    one, two = desk.ask(retry=0), desk.ask(retry=0)
    assert one.core != two.core
    assert desk.ask(retry=1).core == two.core


def test_first_attempts_that_meet_at_the_same_moment_are_each_their_own() -> None:
    desk = Desk()
    desk.ask(retry=0)
    replacing = desk.claims.replace

    def rival_first(tenant: str, held: Claim, claim: Claim) -> Claim:
        desk.claims.replace = replacing  # type: ignore[method-assign]  # only the first of the two is overtaken
        rivals.append(desk.ask(retry=0))
        return replacing(tenant, held, claim)

    rivals: list[Admitted] = []
    desk.claims.replace = rival_first  # type: ignore[method-assign]  # a rival between the read and the write
    ours = desk.ask(retry=0)
    assert (ours.record, rivals[0].record) == (None, None)
    assert ours.core != rivals[0].core


def test_a_repetition_after_a_free_failure_makes_no_later_request_a_repetition() -> None:
    desk = Desk()
    first = desk.ask(retry=0)
    problem = Problem("busy", "rate_limit_error", None, "rate_limit_exceeded", 429, charged=False)
    desk.store.save(replace(desk.store.load(TENANT, first.core), phase=Phase.FAILED, problem=problem))
    again = desk.ask(retry=1)
    assert again.record is None
    deliberate = desk.ask(retry=0)
    assert (deliberate.record, deliberate.core == again.core) == (None, False)


def test_a_repetition_that_overtakes_its_first_attempt_is_joined_by_it_once() -> None:
    desk = Desk()
    early = desk.ask(retry=1)
    late_first = desk.ask(retry=0)
    assert late_first.record
    assert late_first.core == early.core
    assert desk.ask(retry=0).core != early.core, "the next first attempt is another request"


def test_a_repetition_long_after_its_attempt_is_a_request_of_its_own() -> None:
    desk = Desk()
    first = desk.ask(retry=0)
    desk.clock.advance(RETRY_SECONDS + CLOCK_SECONDS + 1)
    assert desk.ask(retry=1).core != first.core


@pytest.mark.parametrize(("charged", "anew"), [(False, True), (True, False)])
def test_a_failure_that_cost_nothing_may_be_tried_again_under_the_same_name(charged: bool, anew: bool) -> None:
    desk = Desk()
    first = desk.ask(key="k")
    problem = Problem("busy", "rate_limit_error", None, "rate_limit_exceeded", 429, charged)
    desk.store.save(replace(desk.store.load(TENANT, first.core), phase=Phase.FAILED, problem=problem))
    again = desk.ask(key="k")
    assert (again.record is None, again.core != first.core) == (anew, anew)
    assert desk.ask(key="k").record


def test_the_fingerprint_is_of_the_meaning() -> None:
    assert fingerprint({"a": 1, "b": [1, 2]}) == fingerprint({"b": [1, 2], "a": 1})
    assert fingerprint({"a": 1, "b": [1, 2]}) != fingerprint({"a": 1, "b": [2, 1]})
