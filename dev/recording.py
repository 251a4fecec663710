"""One answer of the upstream, piece by piece with its times, in a file of JSON lines.

    {"probe": 1, "asked": "2026-11-26T21:26:54Z", "upstream": "v98store.com", "model": "sora-2", "stream": true}
    {"after": 0.41, "status": 200, "headers": [["Content-Type", "text/event-stream"]]}
    {"after": 0.42, "text": "data: {...}\\n\\n"}          "base64" where the bytes of the piece are no UTF-8
    {"after": 194.2, "end": "whole"}

`make probe` writes it and the simulator plays it. It holds nothing of the request but what the upstream repeats.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, TextIO

VERSION = 1
"""Of the format."""


class Ending(StrEnum):
    """How an answer ended: as its framing said, before that, in silence, at the probe's own limits of time and size, or
    because the person at the terminal left."""

    WHOLE = "whole"
    CUT = "cut"
    SILENT = "silent"
    LATE = "late"
    LARGE = "too large"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of the body as they came, and when, in seconds after the request was begun."""

    after: float
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Recording:
    """An answer. Without a status line `status` is None; times are in seconds after the request was begun."""

    status: int | None
    headers: tuple[tuple[str, str], ...]
    head_after: float
    pieces: tuple[Piece, ...] = field(repr=False)
    ending: Ending
    ended_after: float

    @property
    def body(self) -> bytes:
        """The whole of it."""
        return b"".join(piece.data for piece in self.pieces)

    def header(self, name: str) -> str:
        """The first value of a header, "" without one."""
        return next((value for known, value in self.headers if known.lower() == name), "")


class NotARecording(ValueError):
    """A file that `make probe` did not write, in words that name the line."""


class Writer:
    """Writes an answer line by line as it comes, so that one that was paid for is kept whatever happens then.

    Wherever the answer repeats `secret`, as many asterisks stand; what might be the beginning of it waits for what
    follows, and keeps its own time.
    """

    def __init__(self, file: TextIO, secret: str) -> None:
        self._file = file
        self._secret = secret
        self._waiting: list[Piece] = []

    def asked(self, when: str, upstream: str, model: str, *, stream: bool) -> None:
        """The first line; `when` is in UTC."""
        self._line({"probe": VERSION, "asked": when, "upstream": upstream, "model": model, "stream": stream})

    def head(self, after: float, status: int, headers: list[tuple[str, str]]) -> None:
        """Status line and headers, without cookies."""
        kept = [[name, self.masked(value)] for name, value in headers if name.lower() != "set-cookie"]
        self._line({"after": after, "status": status, "headers": kept})

    def piece(self, after: float, data: bytes) -> None:
        """Bytes of the body."""
        self._waiting.append(Piece(after, data))
        joined = b"".join(piece.data for piece in self._waiting)
        secret = self._secret.encode()
        if not any(joined.endswith(secret[:length]) for length in range(1, len(secret))):
            self._flush()

    def end(self, after: float, ending: Ending) -> None:
        """The last line."""
        self._flush()
        self._line({"after": after, "end": ending})

    def masked(self, text: str) -> str:
        """The text without the secret."""
        return text.replace(self._secret, "*" * len(self._secret))

    def _flush(self) -> None:
        joined = b"".join(piece.data for piece in self._waiting)
        masked = joined.replace(self._secret.encode(), b"*" * len(self._secret))
        at = 0
        for piece in self._waiting:
            data = masked[at : at + len(piece.data)]
            at += len(data)
            self._line({"after": piece.after, **_spelled(data)})
        self._waiting.clear()

    def _line(self, value: Mapping[str, Any]) -> None:
        rounded = {name: round(item, 6) if name == "after" else item for name, item in value.items()}
        print(json.dumps(rounded, ensure_ascii=False), file=self._file, flush=True)


def read(path: Path) -> Recording:
    """The answer in a file; one that breaks off counts as left. Raises NotARecording and OSError."""
    first, *lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    if _parsed(first, 1).get("probe") != VERSION:
        raise NotARecording("line 1: not the beginning of a recording of make probe")
    found = Recording(None, (), 0.0, (), Ending.LEFT, 0.0)
    pieces: list[Piece] = []
    for number, text in enumerate(lines, start=2):
        try:
            found = _with(found, pieces, _parsed(text, number)) if text else found
        except (KeyError, TypeError, ValueError):
            raise NotARecording(f"line {number}: not a line of a recording") from None
    return replace(found, pieces=tuple(pieces))


def _with(found: Recording, pieces: list[Piece], line: Mapping[str, Any]) -> Recording:
    """The recording with one more line; pieces are put into a list, for there are thousands."""
    after = float(line["after"])
    if "status" in line:
        headers = tuple((str(name), str(value)) for name, value in line["headers"])
        return replace(found, status=int(line["status"]), headers=headers, head_after=after, ended_after=after)
    if "end" in line:
        return replace(found, ending=Ending(line["end"]), ended_after=after)
    pieces.append(Piece(after, _bytes(line)))
    return replace(found, ended_after=after)


def _parsed(text: str, number: int) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        raise NotARecording(f"line {number}: not JSON") from None
    if not isinstance(value, dict):
        raise NotARecording(f"line {number}: not a line of a recording")
    return value


def _spelled(data: bytes) -> dict[str, str]:
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _bytes(line: Mapping[str, Any]) -> bytes:
    if "text" in line:
        return str(line["text"]).encode()
    return base64.b64decode(line["base64"], validate=True)
