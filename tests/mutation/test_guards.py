"""Each guard of guards.toml is still where its entry says, so that `make mutate` takes away what it means to."""

from __future__ import annotations

import ast

import pytest

from tests.mutation.guards import ROOT, Guard, guards


def test_there_are_at_least_ten() -> None:
    names = [guard.name for guard in guards()]
    assert len(set(names)) == len(names) >= 10


@pytest.mark.parametrize("guard", guards(), ids=lambda guard: guard.name)
def test_it_can_be_taken_away_and_leaves_python_behind(guard: Guard) -> None:
    for change in guard.changes:
        assert (change.file, change.found()) == (change.file, 1)
        ast.parse((ROOT / change.file).read_text().replace(change.old, change.new))


@pytest.mark.parametrize("guard", guards(), ids=lambda guard: guard.name)
def test_its_tests_are_there(guard: Guard) -> None:
    for test in guard.tests:
        path, _, name = test.partition("::")
        assert f"def {name}(" in (ROOT / path).read_text() if name else (ROOT / path).is_file()
