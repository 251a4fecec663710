"""What can go wrong, in words for people, and the exit status that scripts go by. docs/CLI.md has the table."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

DOCTOR = "`reelay doctor` tells more."


class Exit(IntEnum):
    """How a command ends. A number keeps its meaning for ever; scripts are built on them."""

    DONE = 0
    FAILED = 1
    USAGE = 2  # click's own
    KEY = 3
    REFUSED = 4
    UNREACHED = 5
    UNKNOWN = 6
    FILE = 7
    LATER = 8
    LEFT = 130  # 128 + SIGINT, as shells have it


class Failure(Exception):
    """A command that did not do what it was asked.

    `message` says what happened, `next` what to do; both are for people, and hold no key. `code` is the relay's code
    where it gave one. `spent` is True when money may have been spent, False when none was, None where the command
    spends none. `id` is the video's, once there is one.
    """

    def __init__(
        self, message: str, exit: Exit, *, next: str = "", code: str | None = None, spent: bool | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.exit = exit
        self.next = next
        self.code = code
        self.spent = spent
        self.id: str | None = None

    @property
    def money(self) -> str | None:
        """`spent` as JSON tells it: `maybe`, `none`, or nothing to say."""
        return None if self.spent is None else "maybe" if self.spent else "none"

    def lines(self) -> list[str]:
        """For a person."""
        money = {True: "Money may have been spent.", False: "Nothing was spent.", None: ""}[self.spent]
        label = "" if self.exit is Exit.LEFT else "Error: "
        return [line for line in (f"{label}{self.message}", money, self.next) if line]

    def document(self) -> dict[str, Any]:
        """For a program."""
        error = {
            "message": self.message,
            "code": self.code,
            "exit_code": int(self.exit),
            "money": self.money,
            "next": self.next or None,
        }
        return {"error": error, "id": self.id}
