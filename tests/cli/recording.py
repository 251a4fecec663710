"""What a terminal showed, second by second: the frames of a recording."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.ansi import AnsiDecoder
from rich.text import Text

from tests.cli.terminal import Terminal

FRAME_SECONDS = 0.2
"""Between two frames: a spinner still turns, and the picture stays small."""

_KNOWN = re.compile(r"\x1b\[[0-9;]*m|\r?\x1b\[2K|\x1b\[\?25[lh]")
"""Colours, a line that is written anew, the cursor. Whatever else moved the cursor would be drawn in a wrong place."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What stood there from `second` on, line by line."""

    second: float
    lines: tuple[Text, ...]


class Recording(Terminal):
    """A terminal that remembers when it showed what."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        super().__init__(command, environment)
        self._reads: list[tuple[float, int]] = []

    def hold(self, seconds: float) -> None:
        """Go on recording for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._more(left)

    def frames(self) -> Iterator[Frame]:
        """Those that differ from the one before, at most one for each FRAME_SECONDS; the last reads are always in."""
        before: tuple[Text, ...] = ()
        started = self._reads[0][0] if self._reads else 0.0
        for place, (moment, length) in enumerate(self._reads):
            following = self._reads[place + 1][0] if place + 1 < len(self._reads) else float("inf")
            if following // FRAME_SECONDS == moment // FRAME_SECONDS:
                continue
            lines = screen(self.seen[:length])
            if lines != before:
                before = lines
                yield Frame(moment - started, lines)

    def _more(self, seconds: float) -> bool:
        found = super()._more(seconds)
        if found:
            self._reads.append((time.monotonic(), len(self.seen)))
        return found


def screen(shown: str) -> tuple[Text, ...]:
    """The lines that stand on a terminal after these bytes. Raises ValueError for what this cannot draw."""
    unknown = re.search(r"\x1b.{0,8}|[\x00-\x08\x0b\x0c\x0e-\x1f]", _KNOWN.sub("", shown))
    if unknown:
        raise ValueError(f"the recording has no words for {unknown[0]!r}")
    lines = re.sub(r"\r+\n", "\n", shown).rstrip("\n")
    return tuple(AnsiDecoder().decode(lines))
