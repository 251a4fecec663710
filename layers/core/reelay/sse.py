"""Server-sent events both ways: bytes to the data of events, and payloads to frames. No I/O.

The rules are WHATWG's: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final

MAX_EVENT_BYTES: Final = 8 * 1024 * 1024
"""Bytes of one event that are held. The longest event seen is a whole completion of a few KiB; 8 MiB leaves room for
inline media and still bounds what a broken upstream can make us keep."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LINE_END = re.compile(r"\r\n|\r|\n")
_as_utf8 = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_as_ascii = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode


class EventTooLarge(ValueError):
    """An event, or a line that has not ended, is longer than the parser may hold."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"an event of the stream is longer than {limit} bytes")


class EventParser:
    """An event stream read piece by piece; the same events come out wherever the bytes are cut.

    Lines end in CRLF, LF or CR, and a CR ends its line at once. Comments and all fields but `data` are ignored, bytes
    that are not UTF-8 become U+FFFD. Work is linear in the bytes fed, whatever the size of the pieces.
    """

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._limit = max_event_bytes
        self._line = bytearray()
        self._data = bytearray()
        self._after_cr = False
        self._at_start = True
        self._overflown = False

    def feed(self, data: bytes) -> list[str]:
        """The data of the events that end in these bytes.

        Raises EventTooLarge once more than `max_event_bytes` would have to be held; events that ended before it in
        the same bytes are returned first, and then the next call raises.
        """
        self._refuse_after_overflow()
        lines, rest = self._cut(data)
        events: list[str] = []
        for line in lines:
            self._line += line
            if self._too_large():
                return self._overflow(events)
            self._end_line(events)
        self._line += rest
        return self._overflow(events) if self._too_large() else events

    def finish(self) -> list[str]:
        """The data of the event that the end of the stream leaves unfinished, if it has any.

        WHATWG drops it. Some relays end on `data: [DONE]` without the blank line, so here the end of the stream ends
        the line and the event. A JSON object or `[DONE]` that was cut is not one, so a cut event is never mistaken for
        a whole one.
        """
        self._refuse_after_overflow()
        events: list[str] = []
        if self._line:
            self._end_line(events)
        self._end_event(events)
        return [event for event in events if event]

    def _cut(self, data: bytes) -> tuple[list[bytes], bytes]:
        """The lines that end in `data`, without their ends, and the beginning of the line that does not."""
        if not data:
            return [], b""
        fresh = data[1:] if self._after_cr and data.startswith(b"\n") else data
        self._after_cr = data.endswith(b"\r")
        lines = fresh.splitlines()
        rest = b"" if not fresh or fresh.endswith((b"\r", b"\n")) else lines.pop()
        return lines, rest

    def _end_line(self, events: list[str]) -> None:
        line = bytes(self._line)
        self._line.clear()
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if not line:
            self._end_event(events)
            return
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data += value.removeprefix(b" ")
            self._data += b"\n"

    def _end_event(self, events: list[str]) -> None:
        if self._data:
            events.append(self._data[:-1].decode("utf-8", "replace"))
            self._data.clear()

    def _too_large(self) -> bool:
        return len(self._line) + len(self._data) > self._limit

    def _overflow(self, events: list[str]) -> list[str]:
        self._overflown = True
        self._line.clear()
        self._data.clear()
        if not events:
            raise EventTooLarge(self._limit)
        return events

    def _refuse_after_overflow(self) -> None:
        if self._overflown:
            raise EventTooLarge(self._limit)


def encoded(payload: Any) -> bytes:
    """Compact JSON in UTF-8 of a value that `json.loads` can make, always valid.

    Half a surrogate pair, which UTF-8 cannot hold, makes the whole value be written with `\\u` escapes; a number that
    JSON cannot hold (`1e999` reads as infinity) becomes null.
    """
    try:
        return _as_utf8(payload).encode()
    except UnicodeEncodeError:
        return _as_ascii(payload).encode()
    except ValueError:
        return encoded(_finite(payload))


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return value


def frame(payload: Mapping[str, Any] | str) -> bytes:
    """One event with the payload as its data: a mapping as JSON on one line, text as it is, a `data:` for each line."""
    if not isinstance(payload, str):
        return b"data: " + encoded(payload) + b"\n\n"
    lines = _LINE_END.split(payload)
    return "".join([*(f"data: {line}\n" for line in lines), "\n"]).encode("utf-8", "replace")


def comment(words: str) -> bytes:
    """A comment on one line: keeps the connection alive, and every reader ignores it."""
    return f": {_LINE_END.sub(' ', words)}\n\n".encode("utf-8", "replace")


DONE: Final = frame("[DONE]")
"""How an OpenAI stream says that it is whole."""
