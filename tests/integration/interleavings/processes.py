"""A function's process as a test runs it: every call of a port passes `Process.reach`, where its troubles await it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeVar

from reelay.errors import ReelayError
from tests.fakes import FakeClock

T = TypeVar("T")


class Died(BaseException):
    """The process is gone, as by SIGKILL: nothing of the product's catches it."""


class Trouble(Enum):
    """What befalls one call of a port. After means that the effect is there and the answer never comes."""

    DIES_BEFORE = auto()
    DIES_AFTER = auto()
    FAILS_BEFORE = auto()
    FAILS_AFTER = auto()


class Doing(Enum):
    """What others do while a process is about to make a call."""

    WORK = auto()
    SWEEP = auto()
    DELETE = auto()
    LOOK = auto()
    ASK_AGAIN = auto()
    WAIT = auto()
    WAIT_LONG = auto()
    OUTLIVE = auto()


Troubles = Mapping[int, "Trouble | Meanwhile"]
"""By the number of the call, from 1."""


@dataclass(frozen=True)
class Meanwhile:
    """Another process does this, with troubles of its own, before the call is made."""

    doing: Doing
    troubles: Troubles = field(default_factory=dict)


@dataclass
class Process:
    """One invocation. It is killed at `deadline` (seconds on the clock's monotonic scale), as Lambda does, unless it
    was made to `outlive` that: what Lambda never does, and money must survive all the same."""

    clock: FakeClock
    deadline: float
    troubles: Troubles
    meanwhile: Callable[[Process, Meanwhile], None]
    subject: str | None = None
    outlives: bool = False
    dead: bool = False
    heard_all: bool = False
    calls: int = 0

    def reach(self, act: Callable[[], T], failure: type[ReelayError] | None = None) -> T:
        """Make a call of a port. Raises Died, and `failure` where the port has one."""
        self.calls += 1
        trouble = self.troubles.get(self.calls)
        if isinstance(trouble, Meanwhile):
            self.meanwhile(self, trouble)
        if self.clock.monotonic() > self.deadline and not self.outlives:
            self._die()
        self._befall(trouble, Trouble.DIES_BEFORE, Trouble.FAILS_BEFORE, failure)
        result = act()
        self._befall(trouble, Trouble.DIES_AFTER, Trouble.FAILS_AFTER, failure)
        return result

    def _befall(
        self, trouble: Trouble | Meanwhile | None, dies: Trouble, fails: Trouble, failure: type[ReelayError] | None
    ) -> None:
        if self.dead or trouble is dies:
            self._die()
        if trouble is fails and failure is not None:
            raise failure("down")

    def _die(self) -> None:
        self.dead = True  # whatever its `finally` blocks may try has no effect any more
        raise Died
