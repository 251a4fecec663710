"""An error a person can act on for every rule of the request, as errors.golden.md has it."""

from __future__ import annotations

import pytest

from reelay.contract import Contract
from tests.contract.breaking import GOLDEN, golden, message, rules, written
from tests.contract.rich import OTHERS, RICH


@pytest.mark.parametrize("other", [{}, *OTHERS])
def test_what_is_broken_was_right_before(contract: Contract, other: dict[str, object]) -> None:
    with pytest.raises(AssertionError, match="nobody minds"):
        message(contract, RICH | other)


@pytest.mark.usefixtures("contract_files")
def test_every_rule_of_the_schema_is_broken_once() -> None:
    assert written() - {rule.where for rule in rules()} == set()


def test_each_is_answered_as_the_golden_file_says(contract: Contract) -> None:
    assert GOLDEN.read_text() == golden(contract), "if the words are better now: make docs"


def test_each_message_names_its_place_and_what_was_expected(contract: Contract) -> None:
    for rule in rules():
        said = message(contract, rule.broken)
        assert ": expected " in said or "required, but missing" in said, (rule.where, said)
