"""The upstream's reply as it is read: bytes in; chunks, a whole completion or a fault out; whole or cut at the end.

No I/O. Whether the bytes are an event stream or one JSON document is read off the bytes: the upstream answers either
to either request, under either content type.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

from reelay.errors import UpstreamBroken, UpstreamError
from reelay.model import Json
from reelay.refusals import in_stream_error
from reelay.shapes import has_finish
from reelay.sse import EventParser, EventTooLarge
from reelay.strict_json import MAX_DEPTH, depth

DONE = "[DONE]"
_BLANK = b" \t\r\n"
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Chunk:
    """One event's object, as the upstream sent it."""

    payload: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class Whole:
    """One JSON document that holds the whole completion."""

    payload: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class Fault:
    """The upstream said, within a 200, that it failed; or, with `in_doubt`, what it said cannot be read."""

    error: UpstreamError
    in_doubt: bool = False


Item = Chunk | Whole | Fault


class Reply:
    """Reads one reply. `feed` what comes and `finish` at the end of the body; both yield what became known.

    `complete` tells whether the answer is whole: `[DONE]`, a finish_reason, or a whole JSON document was seen. The end
    of the body alone proves nothing. `over` is True when nothing that may follow matters. `malformed` counts events
    that were not JSON objects and were passed over.
    """

    def __init__(self) -> None:
        self.complete = False
        self.over = False
        self.malformed = 0
        self._events: EventParser | None = None
        self._document: bytearray | None = None
        self._start = b""
        self._said = False

    def feed(self, data: bytes) -> Iterator[Item]:
        """Yield what `data` completes."""
        if self.over:
            return
        if self._events is None and self._document is None:
            self._start += data
            data = self._start
            if not self._sniff(data):
                return
            self._start = b""
        if self._document is not None:
            self._document += data
        elif self._events is not None:
            try:
                texts = self._events.feed(data)
            except EventTooLarge:
                self.over = True
                yield _unreadable("one event larger than Reelay reads")
                return
            yield from self._items(texts)

    def finish(self) -> Iterator[Item]:
        """The body is at its end: yield what was still open, and a fault when there was nothing to read at all."""
        if self.over:
            return
        if self._document is not None:
            yield self._whole(bytes(self._document))
        elif self._events is not None:
            yield from self._items(self._events.finish())
        if not self._said and not self.complete and self._document is None:
            yield _unreadable("no body" if self._events is None else "text that holds no completion")
        self.over = True

    def _sniff(self, start: bytes) -> bool:
        text = start.removeprefix(_BOM).lstrip(_BLANK)
        if not text:
            return False
        if text.startswith(b"{"):
            self._document = bytearray()
        else:
            self._events = EventParser()
        return True

    def _items(self, texts: list[str]) -> Iterator[Item]:
        for text in texts:
            if text.strip() == DONE:
                self.complete = self.over = True
                return
            item = self._item(text)
            if item is not None:
                self._said = True
                yield item
                if isinstance(item, Fault):
                    self.over = True
                    return

    def _item(self, text: str) -> Item | None:
        payload = _decoded(text)
        if not isinstance(payload, dict):
            self.malformed += 1
            return None
        if payload.get("error"):
            return Fault(in_stream_error(payload))
        self.complete = self.complete or has_finish(payload)
        return Chunk(payload)

    def _whole(self, document: bytes) -> Item:
        payload = _decoded(document.removeprefix(_BOM).decode("utf-8", "replace"))
        if not isinstance(payload, dict):
            return _unreadable(f"{len(document)} bytes that are not a whole JSON document")
        if payload.get("error"):
            return Fault(in_stream_error(payload))
        if not isinstance(payload.get("choices"), list):
            return _unreadable("a JSON document without choices")
        self.complete = True
        return Whole(payload)


def _unreadable(what: str) -> Fault:
    words = f"v98store answered 200 with {what} where a completion was due; it may have been charged."
    return Fault(UpstreamBroken(words, charged=True), in_doubt=True)


def _decoded(text: str) -> Any:
    """The JSON value, or None for whatever is not JSON (RFC 8259: NaN and Infinity are not) or nests too deep."""
    if depth(text) > MAX_DEPTH:
        return None
    try:
        return json.loads(text, parse_constant=_no_constant)
    except ValueError:
        return None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)
