"""Look for interleavings that no test has met yet: other worlds each time, over the fakes, which is fastest.

python -m tests.integration.interleavings --worlds 20000
"""

from __future__ import annotations

import argparse
import warnings

from hypothesis.stateful import run_state_machine_as_test

from tests.integration.interleavings.buckets import fake_bucket
from tests.integration.interleavings.machine import machine_over, profile

WORLDS = 20_000
"""Some two minutes' worth."""


def main() -> None:
    """Raises what is found, with the steps that lead there."""
    parser = argparse.ArgumentParser(prog="python -m tests.integration.interleavings", description=__doc__)
    parser.add_argument("--worlds", type=int, default=WORLDS)
    warnings.simplefilter("ignore", ResourceWarning)  # who dies closes nothing
    run_state_machine_as_test(
        machine_over(fake_bucket), settings=profile(parser.parse_args().worlds, derandomize=False)
    )


if __name__ == "__main__":
    main()
