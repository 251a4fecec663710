"""A program under a terminal of its own, read and typed at from outside."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from typing import Self

PATIENCE_SECONDS = 30.0
"""A program that says nothing for so long hangs."""

SHOWN = 500
ROWS, COLUMNS = 24, 100
INTERRUPT = "\x03"
"""Ctrl-C: the terminal makes it a SIGINT for the program in front."""

# Takes the terminal over before the program starts, so that keys become signals and passwords are asked for there.
_INSIDE = "import os, sys; os.login_tty(os.open(sys.argv[1], os.O_RDWR)); os.execv(sys.argv[2], sys.argv[2:])"
_ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])")


class Terminal:
    """`seen` is everything that was shown, escape sequences and all; `text` the same without them."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], columns: int = COLUMNS) -> None:
        self._main, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
        inside = [sys.executable, "-S", "-E", "-c", _INSIDE, os.ttyname(side), *command]
        environment = {**environment, "TERM": "xterm-256color"}
        self._program = subprocess.Popen(inside, env=environment, start_new_session=True)  # noqa: S603 - the test's own
        self._side = side
        self.seen = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._program.kill()
        self._program.wait()
        for end in (self._main, self._side):
            os.close(end)

    @property
    def text(self) -> str:
        """What a person reads."""
        return _ESCAPES.sub("", self.seen).replace("\r\n", "\n")

    def until(self, words: str) -> None:
        """Wait for a text that matches the pattern."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not re.search(words, self.text):
            assert time.monotonic() < deadline, f"{words!r} did not come: {self.text[-SHOWN:]!r}"
            assert self._program.poll() is None or self._more(0), f"ended without {words!r}: {self.text[-SHOWN:]!r}"
            self._more(0.1)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._main, keys.encode())

    def ended(self) -> int:
        """The exit status, once the program has ended; what it showed last has been read by then."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._program.poll() is None:
            assert time.monotonic() < deadline, f"it does not end: {self.text[-SHOWN:]!r}"
            self._more(0.1)
        while self._more(0):
            pass
        return self._program.returncode

    def _more(self, seconds: float) -> bool:
        """Read what is there, or comes within so many seconds."""
        if not select.select([self._main], [], [], seconds)[0]:
            return False
        self.seen += os.read(self._main, 65_536).decode(errors="replace")
        return True
