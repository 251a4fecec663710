"""`python -m tests.load --seconds 120`: a bounded mix of calls against the stack of `make dev`, on loopback alone.

Prints calls a second, percentiles, errors and growth. Exit status 1 on any error a caller saw, on an accepted request
that is not completed and readable, on a second paid call, on something left open, and on growth beyond the limits.
"""

from __future__ import annotations

import argparse
import sys

from dev.stack import StackError
from tests.load.soak import soak

SECONDS = 120
WARM_UP_SECONDS = 20
"""Until every process is there and has loaded what it needs."""

CALLERS = 6


def main() -> None:
    """Soak the stack and say what was seen."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"after the warm-up ({SECONDS})")
    parser.add_argument("--warm-up", type=float, default=WARM_UP_SECONDS, help=f"seconds ({WARM_UP_SECONDS})")
    parser.add_argument("--callers", type=int, default=CALLERS, help=f"at a time ({CALLERS})")
    asked = parser.parse_args()
    try:
        report = soak(asked.seconds, asked.warm_up, asked.callers)
    except StackError as error:
        sys.exit(str(error))
    print("\n".join(report.lines()))  # noqa: T201 - a program prints
    sys.exit(1 if report.faults else 0)


if __name__ == "__main__":
    main()
