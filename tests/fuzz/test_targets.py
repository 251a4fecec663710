"""Every target with its seeds, with seeds of which a part was changed, and with any bytes: some seconds in all."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS

EXAMPLES = 60
"""Of each target; `make fuzz` looks longer."""


@cache
def seeds(name: str) -> list[bytes]:
    return TARGETS[name].seeds()


def inputs(name: str) -> st.SearchStrategy[bytes]:
    """Any bytes, and seeds in which some bytes are replaced, put in or left out."""

    def changed(seed: bytes, at: int, left_out: int, put_in: bytes) -> bytes:
        begin = at % (len(seed) + 1)
        return seed[:begin] + put_in + seed[begin + left_out :]

    some = st.binary(max_size=12)
    edits = st.builds(changed, st.sampled_from(seeds(name)), st.integers(0, 4_000), st.integers(0, 12), some)
    return edits | st.binary(max_size=60)


@pytest.mark.parametrize("name", TARGETS)
def test_a_seed_breaks_no_promise(name: str) -> None:
    for seed in seeds(name)[:: max(1, len(seeds(name)) // EXAMPLES)]:
        TARGETS[name].run(seed)


@pytest.mark.parametrize("name", TARGETS)
def test_no_bytes_break_a_promise(name: str) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, database=None)
    @given(inputs(name))
    def holds(data: bytes) -> None:
        TARGETS[name].run(data)

    holds()
