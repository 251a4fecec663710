"""The line to the upstream: dialled for what is to be posted, and hung up whatever comes in between."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reelay.errors import KeyUnavailable, Paused
from reelay.model import End
from reelay.payer import Payer
from tests.unit.relay.place import DONE, HEAD, House, chunk


def test_what_is_paused_dials_nothing() -> None:
    house = House(End())
    house.switch.on = True
    with pytest.raises(Paused):
        house.create()
    assert (house.upstream.lines, house.store.records) == ([], {})


def test_what_nobody_has_a_key_for_dials_nothing() -> None:
    house = House(End())
    house.call = replace(house.call, payer=Payer.SERVICE)
    with pytest.raises(KeyUnavailable):
        house.create()
    assert (house.upstream.lines, house.store.records) == ([], {})


def test_a_rival_that_was_faster_leaves_no_line_behind() -> None:
    house = House(HEAD, chunk("hi", "stop"), DONE, End())
    house.said()
    house.said()  # has the same id here, as those have who hold the same claim
    assert [line.closed for line in house.upstream.lines] == [False, True]
    assert len(house.upstream.posts) == 1


@pytest.mark.parametrize("failure", [ZeroDivisionError(), KeyboardInterrupt()])
def test_whatever_keeps_the_record_from_being_written_hangs_up(failure: BaseException) -> None:
    house = House(End())
    house.store.defects["create"] = failure
    with pytest.raises(type(failure)):
        house.create()
    assert ([line.closed for line in house.upstream.lines], house.upstream.posts) == ([True], [])
