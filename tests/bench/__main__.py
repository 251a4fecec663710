"""`python -m tests.bench`: every row of the benchmark, one after the other, and docs/BENCHMARKS.md.

`--only NAME` measures one row and writes nothing; `--quick` takes few samples, to see that it runs, and writes nothing.
Exit status 1 when a row misses its mark and tests/bench/limits.toml does not say why.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Iterator

from dev.contract_files import write_contract_files
from tests.bench import report
from tests.bench.table import Row, plain

ROWS = (
    "latency",
    "s3_calls",
    "first_byte",
    "chunks",
    "validation",
    "cold_start",
    "archive",
    "listing",
    "size",
    "cost",
    "throughput",
)


def measured(names: tuple[str, ...], *, quick: bool) -> Iterator[Row]:
    """The rows, each as soon as it is there."""
    for name in names:
        row: Row = importlib.import_module(f"tests.bench.{name}").measure(quick=quick)
        yield row


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", choices=ROWS, help="one row")
    parser.add_argument("--quick", action="store_true", help="few samples: no numbers to tell anybody")
    asked = parser.parse_args()
    write_contract_files()
    began, rows = time.monotonic(), []
    for row in measured((asked.only,) if asked.only else ROWS, quick=asked.quick):
        print("\n".join(plain(row)), flush=True)  # noqa: T201 - a program prints
        rows.append(row)
    if not (asked.only or asked.quick):
        report.write(rows, "make bench", time.monotonic() - began)
    unexplained = [row.title for row in rows if not row.reached and row.name not in report.limits()]
    if unexplained and not asked.quick:
        sys.exit(f"not at their mark, and nobody says why: {', '.join(unexplained)}")


if __name__ == "__main__":
    main()
