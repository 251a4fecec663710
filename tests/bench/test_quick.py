"""The benchmark runs: rows without peers, with few samples, and the table they make. `make bench` judges the times."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from tests.bench import __main__ as bench
from tests.bench import report
from tests.bench.s3_watch import covered
from tests.bench.table import Row, at_least, at_most, below, markdown, p, plain

COUNTED = ("s3_calls", "listing", "cost")
"""Their numbers are counted, so they are the same on every machine."""


@pytest.mark.parametrize("name", [*COUNTED, "validation", "chunks"])
def test_a_row_without_peers_is_measured(name: str) -> None:
    row: Row = importlib.import_module(f"tests.bench.{name}").measure(quick=True)
    assert row.name == name
    assert row.marks
    if name in COUNTED:
        assert [mark.what for mark in row.marks if mark.met is False] == []
    assert "\n".join(plain(row)).startswith(row.title)


def test_every_module_of_a_row_is_run_by_make_bench() -> None:
    modules = {each.stem for each in Path(__file__).parent.glob("*.py") if "\nHOW = " in each.read_text()}
    assert modules == set(bench.ROWS)
    for name in bench.ROWS:
        assert name == importlib.import_module(f"tests.bench.{name}").NAME


def test_limits_are_of_rows_that_there_are() -> None:
    assert set(report.limits()) <= set(bench.ROWS)


def test_marks_are_judged() -> None:
    assert [below("a", 1.0, 1.0, "ms").met, below("a", 0.9, 1.0, "ms").met] == [False, True]
    assert [at_most("a", 1, 1).met, at_most("a", 2, 1).met] == [True, False]
    assert [at_least("a", 0.8, 0.8, "times").met, at_least("a", 0.7, 0.8, "times").met] == [True, False]
    row = Row("a", "A", "how", [below("slow", 2.0, 1.0, "ms")])
    assert not row.reached
    assert "| slow | 2.00 ms | under 1 ms | NO |" in list(markdown(row))


def test_a_percentile_is_a_sample() -> None:
    assert [p(range(1, 101), 50), p(range(1, 101), 95), p([7], 99)] == [51, 96, 7]


def test_time_that_calls_share_is_counted_once() -> None:
    assert covered([(0, 2), (1, 3), (5, 9), (6, 7)], 1, 8) == 5.0
