"""A recorded answer as a scene: what `make probe` saw, said again."""

from __future__ import annotations

from dev.recording import Ending, Recording
from dev.simulator.ask import Ask
from dev.simulator.scenes.scene import Scene
from dev.simulator.steps import Abort, Frame, Framing, Head, Pause, Silence, Step, Steps

_OF_THE_HOP = frozenset({"connection", "keep-alive", "transfer-encoding"})
"""Headers that the player says for itself."""

_LAST: dict[Ending, tuple[Step, ...]] = {Ending.WHOLE: (), Ending.SILENT: (Silence(), Abort())}
"""What ends an answer; any other ending closes the connection."""


def scene(recording: Recording, *, fast: bool = False) -> Scene:
    """The same status, headers, pieces and end, whatever is asked; at its own speed, or `fast`, without the pauses.

    Links in it lead where they led.
    """

    def play(_: Ask) -> Steps:
        at = 0.0
        for after, steps in _timed(recording):
            if after > at and not fast:
                yield Pause(after - at)
            at = max(at, after)
            yield from steps

    return Scene("the recorded answer", play)


def _timed(recording: Recording) -> list[tuple[float, tuple[Step, ...]]]:
    """Steps, and when they are due, in seconds after the request."""
    timed: list[tuple[float, tuple[Step, ...]]] = []
    if recording.status is not None:
        timed.append((recording.head_after, (_head(recording, recording.status),)))
    timed += [(piece.after, (Frame(piece.data),)) for piece in recording.pieces]
    ended = 0.0 if recording.ending is Ending.SILENT else recording.ended_after  # the silence is not the upstream's end
    return [*timed, (ended, _LAST.get(recording.ending, (Abort(),)))]


def _head(recording: Recording, status: int) -> Head:
    fields = tuple((name, value) for name, value in recording.headers if name.lower() not in _OF_THE_HOP)
    return Head(status, fields, _framing(recording))


def _framing(recording: Recording) -> Framing:
    if recording.header("transfer-encoding").lower() == "chunked":
        return Framing.CHUNKED
    return Framing.LENGTH if recording.header("content-length") else Framing.UNTIL_CLOSE
