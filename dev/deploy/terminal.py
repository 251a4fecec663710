"""Asking a person. Where nobody sits there, nothing is asked and what was given counts."""

from __future__ import annotations

import getpass
import sys

from dev.deploy import NotDone


class Terminal:
    """Standard input and output. `asks` is False with --yes, and then every answer is the empty one."""

    def __init__(self, *, asks: bool) -> None:
        self.asks = asks

    def tell(self, words: str = "") -> None:
        """Say it."""
        print(words, flush=True)

    def ask(self, words: str) -> str:
        """One line; raises NotDone when the input ends."""
        if not self.asks:
            return ""
        print(words, end="", flush=True)
        line = sys.stdin.readline()
        if not line:
            raise NotDone("\nNobody answered. Nothing was done; --yes asks nothing.")
        return line.strip()

    def ask_secret(self, words: str) -> str:
        """The same without an echo where there is a terminal."""
        return getpass.getpass(words).strip() if self.asks and sys.stdin.isatty() else self.ask(words)
