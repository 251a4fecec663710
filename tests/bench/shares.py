"""`python -m tests.bench.shares`: processor time of a request in every process that it passes, while two callers ask.

For the reason of the throughput in limits.toml. Linux alone (proc(5), stat).
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.bench import throughput
from tests.bench.around import world

CALLERS, WARM_UP_SECONDS, SECONDS = 2, 2.0, 8.0
SHOWN_MS = 0.05
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def milliseconds() -> dict[str, tuple[str, float]]:
    """What each process is called and how long it has worked, by its number."""
    found = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            name = (place / "cmdline").read_text().replace("\0", " ").strip()
            fields = (place / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # gone since it was listed
            continue
        found[place.name] = name, (int(fields[11]) + int(fields[12])) * 1000 / TICKS_A_SECOND
    return found


def main() -> None:
    """Print the shares, the largest first."""
    with world() as around, throughput.stack(around) as origin:
        throughput.asked(origin, CALLERS, WARM_UP_SECONDS)
        before = milliseconds()
        rate, slowest = throughput.asked(origin, CALLERS, SECONDS)
        after = milliseconds()
    shares = [(spent - before.get(pid, (name, 0.0))[1], name) for pid, (name, spent) in after.items()]
    asked = rate * SECONDS
    print(f"{rate:.0f} a second, p99 {slowest:.0f} ms; ms of processor time a request:")  # noqa: T201 - a program prints
    for spent, name in sorted(shares, reverse=True):
        if spent / asked >= SHOWN_MS:
            print(f"{spent / asked:7.2f}  {name.rpartition('/')[2][:70]}")  # noqa: T201 - as above


if __name__ == "__main__":
    main()
