"""The player: steps onto a socket."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus

from dev.simulator.pace import Pace
from dev.simulator.steps import Abort, Bytes, Frame, Framing, Head, Pause, Raw, Reached, Silence, Step, Steps

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER on with no time: closing sends RST instead of FIN (socket(7))."""


def _ignored(_: object) -> None:
    return None


@dataclass
class Player:
    """Plays one answer. `noted` hears of each frame just before it is sent, `reached` of each mark.

    `keep` asks for the connection to stay open; `head_only` leaves the body out, for HEAD.
    """

    connection: socket.socket
    pace: Pace
    keep: bool
    head_only: bool = False
    noted: Callable[[bytes], None] = _ignored
    reached: Callable[[Reached], None] = _ignored
    _framing: Framing = field(default=Framing.LENGTH, init=False)
    _aborted: bool = field(default=False, init=False)

    def play(self, steps: Steps) -> bool:
        """Send it all; returns whether the connection may serve another request. Raises OSError and Closing."""
        for step in steps:
            self._take(step)
            if self._aborted or self.head_only:
                break
        if self._aborted:
            return False
        if self._framing is Framing.CHUNKED and not self.head_only:
            self.connection.sendall(b"0\r\n\r\n")
        return self.keep and self._framing is not Framing.UNTIL_CLOSE

    def _take(self, step: Step) -> None:
        match step:
            case Head():
                self._head(step)
            case Frame(data, echo, write):
                self.pace.turn(echo=echo)
                self.noted(data)
                self._body(data, write)
            case Bytes(data):
                self._body(data)
            case Raw(data):
                self.connection.sendall(data)
            case Abort(reset):
                self._abort(reset=reset)
            case Reached():
                self.reached(step)
            case _:
                self._wait(step)

    def _wait(self, step: Pause | Silence) -> None:
        if isinstance(step, Pause):
            self.pace.pause(step.seconds)
        else:
            self.pace.silence()

    def _head(self, head: Head) -> None:
        self._framing = head.framing
        fields = list(head.headers)
        if head.framing is Framing.CHUNKED:
            fields.append(("Transfer-Encoding", "chunked"))
        if head.framing is Framing.UNTIL_CLOSE or not self.keep:
            fields.append(("Connection", "close"))
        try:
            phrase = HTTPStatus(head.status).phrase
        except ValueError:
            phrase = ""
        lines = [f"HTTP/1.1 {head.status} {phrase}", *(f"{name}: {value}" for name, value in fields), "", ""]
        self.connection.sendall("\r\n".join(lines).encode("latin-1"))

    def _body(self, data: bytes, write: int = 0) -> None:
        width = write or len(data) or 1
        for at in range(0, len(data), width):
            piece = data[at : at + width]
            chunked = self._framing is Framing.CHUNKED
            self.connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)

    def _abort(self, *, reset: bool) -> None:
        self._aborted = True
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
