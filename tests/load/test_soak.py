"""The soak of `make load`, short: that it finds nothing here, and that it would."""

from __future__ import annotations

import pytest

from tests.load.processes import Size, Sizes
from tests.load.soak import FUNCTION_MIB, STACK_FILES, outgrown, soak
from tests.load.tally import percentiles

SECONDS, WARM_UP_SECONDS, CALLERS = 5, 3, 4


@pytest.mark.timeout(60)
def test_nothing_is_lost_paid_twice_or_left_open_under_a_mix_of_calls() -> None:
    report = soak(SECONDS, WARM_UP_SECONDS, CALLERS)
    assert report.faults == ()
    assert report.paid == report.accepted > 0


def test_growth_beyond_a_limit_is_told() -> None:
    assert list(outgrown(Sizes(Size(0, 0), {}), records=0)) == []
    faults = list(outgrown(Sizes(Size(1, STACK_FILES + 1), {7: Size(FUNCTION_MIB + 1, 0)}), records=0))
    assert [fault.split(":")[0] for fault in faults] == [
        "a function's process, MiB",
        "the stack's process, descriptors",
    ]


def test_growth_is_of_the_processes_that_were_there_before() -> None:
    before = Sizes(Size(10, 5), {1: Size(80, 9), 2: Size(80, 9)})
    now = Sizes(Size(12, 4), {1: Size(90, 10), 3: Size(30, 3)})
    assert now.since(before) == Sizes(Size(2, -1), {1: Size(10, 1)})


def test_percentiles_of_few_and_of_many() -> None:
    assert percentiles([]) == (0, 0, 0)
    assert percentiles([2]) == (2, 2, 2)
    assert percentiles([float(each) for each in range(101)]) == (50, 95, 99)
