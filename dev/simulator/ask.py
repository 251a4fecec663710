"""What a scene may know: the request as it was received, and names and links to answer it with."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dev.simulator import names

_SID = re.compile(r"\bsid: (s_[0-9a-f]+)", re.ASCII)
_UPRIGHT = ("portrait", "vertical", "9:16")


@dataclass(frozen=True, slots=True)
class Ask:
    """One accepted request.

    `origin` is the simulator's own, which links are made of; `now` is in Unix seconds; `number` counts the
    simulator's requests and `attempt` those with the same bytes, both from 1; `retry_after` and `link_seconds` are the
    simulator's settings.
    """

    body: Mapping[str, Any]
    origin: str
    now: float
    number: int = 1
    attempt: int = 1
    retry_after: int = 1
    link_seconds: float = 3600

    @property
    def model(self) -> str:
        """The model as it was asked for."""
        return str(self.body["model"])

    @property
    def stream(self) -> bool:
        """Whether a stream was asked for."""
        return self.body.get("stream") is True

    @property
    def messages(self) -> Sequence[Mapping[str, Any]]:
        """The messages as they came."""
        messages: Sequence[Mapping[str, Any]] = self.body["messages"]
        return messages

    @property
    def prompt(self) -> str:
        """The text of the last user message."""
        return next((_text(message) for message in reversed(self.messages) if message["role"] == "user"), "")

    @property
    def earlier_sid(self) -> str | None:
        """The last `sid` in the assistant's earlier answers: it makes this request an edit of that video."""
        said = "\n".join(_text(message) for message in self.messages if message["role"] == "assistant")
        found: list[str] = _SID.findall(said)
        return found[-1] if found else None

    @property
    def orientation(self) -> str:
        """What the model reads out of the prompt."""
        return "portrait" if any(word in self.prompt.lower() for word in _UPRIGHT) else "landscape"

    @property
    def seed(self) -> str:
        """What every id of the answer is made from."""
        return names.digest(self.now, self.number, self.model, self.prompt)

    @property
    def task_id(self) -> str:
        """The id of the job."""
        return names.task_id(self.seed)

    @property
    def sid(self) -> str:
        """The id by which a later request may edit the video."""
        return "s_" + names.digest(self.seed, "sid")[:32]

    @property
    def request_id(self) -> str:
        """The id in `X-Oneapi-Request-Id` and at the end of error messages."""
        return names.request_id(self.now, self.seed)

    def link(self, suffix: str = "mp4", age: float = 0) -> str:
        """A link on this server, made `age` seconds ago."""
        return self.origin + names.file_path(self.now - age, self.seed + suffix, suffix)


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(
        str(part.get("text", "")) for part in parts if isinstance(part, dict) and part.get("type") == "text"
    )
