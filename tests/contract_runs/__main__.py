"""`python -m tests.contract_runs`: openapi.yaml against the whole local stack, for some minutes.

Exit status 1 on any failure, and when the simulator was asked for something that v98store would not take.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
from pathlib import Path

from dev.stack import StackError
from tests.contract_runs.runs import schemathesis
from tests.contract_runs.stack import contract_stack

EXAMPLES = 50
"""Cases for each operation and phase."""


def main() -> None:
    """Run every phase, and print what it found."""
    parser = argparse.ArgumentParser(prog="python -m tests.contract_runs", description=__doc__)
    parser.add_argument("--examples", type=int, default=EXAMPLES, help=f"cases for each operation ({EXAMPLES})")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32), help="to see a run again (any)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        try:
            with contract_stack(Path(folder) / "log") as stack:
                options = ("--max-examples", str(asked.examples), "--seed", str(asked.seed))
                verdict = schemathesis(stack.url, Path(folder), *options, show=True)
                complaints = stack.simulator.complaints if stack.simulator else []
        except StackError as error:
            sys.exit(str(error))
    for each in complaints:
        print(f"The simulator complained: {each}")  # noqa: T201 - a program prints
    sys.exit(0 if verdict.passed and not complaints else 1)


if __name__ == "__main__":
    main()
