"""What each chunk of a long stream costs in CPU time, and whether memory stays flat."""

from __future__ import annotations

import json
import time
from pathlib import Path

from tests.bench.around import world
from tests.bench.asked import DOCUMENTED, event
from tests.bench.door import RelayDoor
from tests.bench.lanes.protocol import serve
from tests.bench.processes import Lane
from tests.bench.table import Row, below, median, p, told

CHUNKS = 10_000
"""Of the simulator's scene sim-many-chunks, beside some hundred of the usual answer."""

SAMPLES, QUICK_SAMPLES = 15, 2
LIMIT_US = 30
FLAT_MIB = 1.0
"""What a repetition of the same stream may add to a process that has seen it: allocators are not exact."""

NAME, TITLE = "chunks", "Per streamed chunk"
HOW = """\
A stream of 10,000 chunks through functions/relay/app.py in a process of its own. CPU time of that process, all
threads, from the event going in to the end of what follows the answer, divided by 10,000: reading, normalising,
holding to the contract, keeping and the S3 calls are inside; simulator, S3 and the Runtime API are outside.
Memory: the process's peak during the last stream over its size before that stream, and what it has grown by since
the second."""


def measure(*, quick: bool) -> Row:
    """Stream it again and again."""
    with world() as around, Lane("-m", "tests.bench.chunks", environment=around.environment) as lane:
        first = lane.go()
        said = [lane.go() for _ in range(QUICK_SAMPLES if quick else SAMPLES)]
    each = [one["cpu"] / CHUNKS * 1e6 for one in said]
    grown = (said[-1]["after"] - said[0]["after"]) / max(1, len(said) - 1)
    marks = [
        below("CPU time a chunk, p50", median(each), LIMIT_US, "µs", 1),
        told("CPU time a chunk, p95", p(each, 95), "µs", 1),
        told("CPU time a chunk, the process's first stream", first["cpu"] / CHUNKS * 1e6, "µs", 1),
        told(
            "peak memory over what the process had before the stream", said[-1]["peak"] - said[-1]["before"], "MiB", 1
        ),
        below("memory that each further stream adds", grown, FLAT_MIB, "MiB"),
    ]
    return Row(NAME, TITLE, HOW, marks)


def main() -> None:
    """The inside of the lane."""
    door = RelayDoor()
    asked = event(json.dumps({**DOCUMENTED, "model": "sim-many-chunks"}))

    def once() -> dict[str, float]:
        Path("/proc/self/clear_refs").write_text("5")
        before, worked = memory("VmRSS"), time.process_time()
        door.serve(asked)
        cpu = time.process_time() - worked
        return {"cpu": cpu, "before": before, "peak": memory("VmHWM"), "after": memory("VmRSS")}

    serve(once)


def memory(field: str) -> float:
    """MiB of this process (proc(5), status)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


if __name__ == "__main__":
    main()
