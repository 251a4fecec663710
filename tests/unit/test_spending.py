"""What may be paid for."""

from __future__ import annotations

from typing import Any

import pytest

from reelay.errors import NotAllowed, Paused
from reelay.payer import Payer
from reelay.spending import Spending
from tests.fakes import FakeSwitch

ASK = {"model": "sora-2", "messages": [{"role": "user", "content": "a dog"}]}


@pytest.mark.parametrize("payer", Payer)
def test_the_switch_stops_every_paid_call_and_says_when_to_come_back(payer: Payer) -> None:
    switch = FakeSwitch()
    spending = Spending(switch)
    spending.allow(ASK, payer)
    switch.on = True
    with pytest.raises(Paused) as stopped:
        spending.allow(ASK, payer)
    assert (stopped.value.status, stopped.value.code, stopped.value.charged) == (503, "paused", False)
    assert stopped.value.retry_after


@pytest.mark.parametrize(
    ("more", "code"),
    [({"model": "gpt-4o"}, "model_not_allowed"), ({"n": 3}, "too_many_choices"), ({"n": 2}, None), ({"n": None}, None)],
)
def test_the_service_pays_only_for_what_the_operator_allows(more: dict[str, Any], code: str | None) -> None:
    spending = Spending(FakeSwitch(), frozenset({"sora-2"}), choices=2)
    spending.allow({**ASK, **more}, Payer.CALLER)
    if code is None:
        spending.allow({**ASK, **more}, Payer.SERVICE)
    else:
        with pytest.raises(NotAllowed) as refused:
            spending.allow({**ASK, **more}, Payer.SERVICE)
        assert (refused.value.status, refused.value.code) == (403, code)
