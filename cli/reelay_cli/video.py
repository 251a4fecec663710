"""A video as the relay tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from reelay_cli.failures import DOCTOR, Exit, Failure
from reelay_cli.screen import plain

RUNNING = ("queued", "in_progress")
TITLE_CHARACTERS = 60
STATES = (*RUNNING, "completed", "failed")


@dataclass(frozen=True, slots=True)
class Video:
    """`progress` is in percent; `data` is the whole of it, as it came."""

    id: str
    status: str
    progress: int
    data: dict[str, Any]

    @classmethod
    def of(cls, data: Any) -> Self:
        """Raises Failure for what is no video."""
        match data:
            case {"id": str(id), "status": str(status), "progress": int(progress)} if status in STATES:
                return cls(id, status, progress, data)
        raise no_relay()

    @property
    def running(self) -> bool:
        """Whether it may still change."""
        return self.status in RUNNING

    @property
    def title(self) -> str:
        """The beginning of its prompt, on one line."""
        words = " ".join(plain(str(self.data.get("prompt") or "")).split())
        return words if len(words) <= TITLE_CHARACTERS else words[: TITLE_CHARACTERS - 1] + "\N{HORIZONTAL ELLIPSIS}"

    def why(self) -> tuple[str | None, str]:
        """Code and words of what it failed with."""
        match self.data.get("error"):
            case {"code": str(code), "message": str(message)}:
                return code, message
        return None, "no reason is given"


def no_relay() -> Failure:
    """Something answered that does not speak as a relay does."""
    words = "What answers at this address is not a Reelay relay, or one of another version."
    return Failure(words, Exit.UNREACHED, next=DOCTOR)
