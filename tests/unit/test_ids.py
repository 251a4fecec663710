"""Ids of ours: in order of time, readable from both ends, the same for the same event, and nothing else is one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelay.identity import ANONYMOUS, tenant_of
from reelay.ids import completion_id, core_of, derived_core, inverted, new_core, video_id

TIMES = st.floats(min_value=0, max_value=2**37, allow_nan=False)


@given(TIMES, TIMES)
def test_ids_sort_by_time_and_inverted_ids_the_other_way(one: float, other: float) -> None:
    first, second = sorted((one, other))
    if int(first * 1000) == int(second * 1000):
        return
    early, late = new_core(first), new_core(second)
    assert early < late
    assert inverted(early) > inverted(late)


@given(TIMES)
def test_both_public_forms_lead_to_the_core(now: float) -> None:
    core = new_core(now)
    assert core_of(completion_id(core)) == core_of(f"video_{core}") == core == inverted(inverted(core))


@pytest.mark.case("guessed-id")
def test_two_ids_of_one_moment_differ_in_eighty_random_bits() -> None:
    assert new_core(1.0, lambda n: b"\0" * n)[10:] == "0" * 16
    assert new_core(1.0) != new_core(1.0)


@pytest.mark.parametrize(
    "public_id",
    ["", "chatcmpl-", "chatcmpl-123", "video_../../etc", "chatcmpl-" + "i" * 26, "chatcmpl-" + "8" * 26,
     "01k9zzzzzzzzzzzzzzzzzzzzzz", "chatcmpl-01k9zzzzzzzzzzzzzzzzzzzzzz\n", "CHATCMPL-01k9zzzzzzzzzzzzzzzzzzzzzz",
     "chatcmpl-01K9ZZZZZZZZZZZZZZZZZZZZZZ", "chatcmpl-" + "0" * 10_000],
)  # fmt: skip
def test_whatever_is_not_an_id_of_ours_has_no_core(public_id: str) -> None:
    assert core_of(public_id) is None


def test_tenants_differ_by_token_and_do_not_tell_it() -> None:
    assert tenant_of("sk-one") != tenant_of("sk-two")
    assert tenant_of("sk-one") == tenant_of("sk-one")
    assert len(tenant_of("sk-one")) == 32
    assert tenant_of(None) == ANONYMOUS


NAMES = st.text(st.characters(exclude_categories=()), max_size=40)


@given(TIMES, NAMES)
def test_what_was_named_at_a_time_always_has_the_same_core(at: float, name: str) -> None:
    core = derived_core(at, name)
    assert derived_core(at, name) == core == core_of(completion_id(core))
    assert core_of(video_id(core)) == core


@given(TIMES, st.text(max_size=20), st.text(max_size=20))
def test_two_names_of_one_moment_have_two_cores(at: float, one: str, other: str) -> None:
    assert (derived_core(at, one) == derived_core(at, other)) == (one == other)


def test_the_same_name_at_another_time_has_another_core() -> None:
    assert derived_core(1.0, "sqs a") != derived_core(1.5, "sqs a")


@pytest.mark.parametrize("at", [-1.0, -62_135_596_800.0, 0.0, float("nan")])
def test_a_time_before_all_others_is_the_beginning(at: float) -> None:
    assert derived_core(at, "sqs a") == derived_core(0.0, "sqs a")


@pytest.mark.parametrize("at", [float("inf"), 1e300, 2.0**48])
def test_a_time_after_all_others_makes_a_core_too(at: float) -> None:
    """As a message's own attributes might say; an id that is none of ours could never be stored."""
    assert core_of(completion_id(derived_core(at, "sqs a")))
