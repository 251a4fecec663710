"""The stack as `make dev` starts it under a bounded mix of calls, and what is wrong with it afterwards."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dev.simulator import Simulator
from dev.stack import ECHO_SECONDS, Stack, running
from tests.load import aftermath
from tests.load.callers import Caller
from tests.load.processes import Sizes
from tests.load.tally import Tally

FRAME_SECONDS = 0.02
"""Between the frames of an answer, of which there are some twenty beside the echo's: an answer takes about a second."""

FUNCTION_MIB = 20.0
"""What a function's process may take more after the warm-up; two minutes were seen to add 4, a short warm-up 8."""

FUNCTION_FILES = 16
"""Descriptors that such a process may have more: its pools of connections fill up."""

STACK_MIB = 32.0
"""What the stack's process, moto in it, may take more beside what it keeps."""

STACK_MIB_A_RECORD = 0.25
"""Kept by moto and the simulator of each completion: video, poster, transcript, record, and what they know of it. Half
as much was seen."""

STACK_FILES = 64
"""Descriptors that the stack's process may have more: connections of callers and functions, kept alive."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was seen. `seconds` are those of `tally`, `grown` is between the end of the warm-up and the end."""

    tally: Tally
    seconds: float
    accepted: int
    paid: int
    grown: Sizes
    faults: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """For whoever waits."""
        yield from self.tally.lines(self.seconds)
        yield f"accepted {self.accepted}, paid {self.paid}, errors {sum(self.tally.errors.values())}"
        stack, function = self.grown.stack, self.grown.largest
        yield f"the stack's process grew by {stack.mib:.1f} MiB and {stack.files} descriptors"
        yield (
            f"of {len(self.grown.functions)} function processes none grew by more than {function.mib:.1f} MiB and "
            f"{function.files} descriptors"
        )
        yield from (f"FAULT: {fault}" for fault in self.faults)


def soak(seconds: float, warm_up: float, callers: int) -> Report:
    """Start the stack, call it for `warm_up` and for `seconds`, let it settle, look. Raises StackError."""
    with tempfile.TemporaryDirectory() as place, _stack(Path(place, "stack.log")) as (stack, simulator):
        first, tally = Tally("warm-up"), Tally("ask")
        _run(stack, first, warm_up, callers)
        aftermath.settle(stack, first.accepted)
        before = Sizes.now()
        _run(stack, tally, seconds, callers)
        accepted = {**first.accepted, **tally.accepted}
        aftermath.settle(stack, accepted)
        grown = Sizes.now().since(before)
        found = (*_told(first, tally), *outgrown(grown, len(tally.accepted)), *aftermath.faults(stack, accepted))
        if simulator.posts != len(accepted):
            found += (f"{simulator.posts} paid calls for {len(accepted)} accepted requests",)
        return Report(tally, seconds, len(accepted), simulator.posts, grown, found)


def _run(stack: Stack, tally: Tally, seconds: float, callers: int) -> None:
    """So many callers for so long; returns when the last has left."""
    stop = threading.Event()
    # Three apart in the mix, so that they do not all do the same.
    every = [threading.Thread(target=Caller(stack, tally, stop, 3 * number).run) for number in range(callers)]
    for each in every:
        each.start()
    stop.wait(seconds)
    stop.set()
    for each in every:
        each.join()


def _told(*tallies: Tally) -> Iterator[str]:
    """The errors that callers saw: none is expected, of ours or of theirs."""
    for tally in tallies:
        for (kind, what), times in sorted(tally.errors.items()):
            yield f"{kind}: {what}, {times} times"


def outgrown(grown: Sizes, records: int) -> Iterator[str]:
    """What grew beyond its limit while so many records were made."""
    function, stack = grown.largest, grown.stack
    limits = (
        ("a function's process, MiB", function.mib, FUNCTION_MIB),
        ("a function's process, descriptors", function.files, FUNCTION_FILES),
        ("the stack's process, MiB", stack.mib, STACK_MIB + STACK_MIB_A_RECORD * records),
        ("the stack's process, descriptors", stack.files, STACK_FILES),
    )
    for what, size, limit in limits:
        if size > limit:
            yield f"{what}: grew by {size:.0f}, the limit is {limit:.0f}"


@contextmanager
def _stack(log: Path) -> Iterator[tuple[Stack, Simulator]]:
    """Upstream is always the simulator: whatever the environment says, nothing is paid."""
    with (
        Simulator(delay=FRAME_SECONDS, echo_delay=ECHO_SECONDS) as simulator,
        running(simulator=simulator, log=log) as stack,
    ):
        yield stack, simulator
