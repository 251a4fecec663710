"""A secret that comes back is masked, however the bytes are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelay.masking import SHORTEST_CHARACTERS, Masked

SECRET = "sk-0123456789-ssk-0"


def through(text: bytes, cuts: list[int], secret: str = SECRET) -> bytes:
    masked, said, at = Masked(secret), b"", 0
    for cut in [*sorted(cuts), len(text)]:
        said += masked.feed(text[at:cut])
        at = max(at, cut)
    return said + masked.rest()


@given(st.lists(st.sampled_from([SECRET, SECRET[:5], "s", "sk-", " "]), max_size=6), st.lists(st.integers(0, 60)))
def test_it_is_gone_and_all_else_is_there(parts: list[str], cuts: list[int]) -> None:
    text = "".join(parts)
    said = through(text.encode(), cuts)
    assert SECRET.encode() not in said
    assert said == text.replace(SECRET, "*" * len(SECRET)).encode()


def test_what_cannot_be_its_beginning_does_not_wait() -> None:
    assert Masked(SECRET).feed(b"data: {}\n\n") == b"data: {}\n\n"


@pytest.mark.parametrize("secret", ["", "content", "x" * (SHORTEST_CHARACTERS - 1)])
def test_a_secret_that_may_be_a_word_is_left_where_it_is(secret: str) -> None:
    text = f"content {secret}".encode()
    assert through(text, [3], secret) == text
