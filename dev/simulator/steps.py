"""What a scene is made of. A scene decides what is said; the player (play.py) says it, and knows nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto


class Framing(Enum):
    """How the end of a body is marked (RFC 9112 section 6.3)."""

    LENGTH = auto()
    CHUNKED = auto()
    UNTIL_CLOSE = auto()


@dataclass(frozen=True, slots=True)
class Head:
    """Status line and headers. With `LENGTH` the headers name a Content-Length, true or not."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    framing: Framing = Framing.CHUNKED


@dataclass(frozen=True, slots=True)
class Frame:
    """A piece of the answer that waits for its turn (gate and delay) and is noted in `Simulator.sent`.

    It leaves in writes of `write` bytes, each its own chunk where the body is chunked; 0 means in one.
    """

    data: bytes
    echo: bool = False
    write: int = 0


@dataclass(frozen=True, slots=True)
class Bytes:
    """A piece of the body that waits for nothing."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes on the wire, past the framing."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing until `Simulator.release()`, or until the simulator's `silence_seconds` have passed."""


@dataclass(frozen=True, slots=True)
class Reached:
    """The job behind the answer is this far; whoever asks by its task id is told so."""

    status: str
    progress: int = 0


@dataclass(frozen=True, slots=True)
class Abort:
    """The connection ends here, whatever the framing promised: closed, or with `reset` torn down by a TCP RST."""

    reset: bool = False


Step = Head | Frame | Bytes | Raw | Pause | Silence | Reached | Abort
Steps = Iterator[Step]
