"""The upstream's reply as it is read: bytes in; chunks, a whole completion or a fault out; whole or cut at the end.

No I/O. Whether the bytes are an event stream or one JSON document is read off the bytes: the upstream answers either
to either request, under either content type.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

from reelay.errors import UpstreamBroken, UpstreamError
from reelay.model import Json
from reelay.refusals import in_stream_error
from reelay.shapes import endings
from reelay.sse import EventParser, EventTooLarge
from reelay.strict_json import MAX_DEPTH, depth

DONE = "[DONE]"
DOCUMENT_BYTES = 8 * 1024 * 1024
"""Of one JSON document: as of one event. Parsing takes many times as much, and a function has 512 MB."""

MAX_CONTAINERS = 1_000_000
"""Objects and lists in one reply, told by their brackets: read, each costs 90 to 230 bytes, and two bytes make one.
A stream of REPLY_BYTES in the usual chunks has half of it."""

# One at a time: a repeated group would hold memory for each of them, and millions fit into one reply.
_SIGN_OF_LIFE = re.compile(rb"[ \t\r\n]+|:[^\r\n]*[\r\n]")
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

    `complete` tells whether the answer is whole: `[DONE]` after something was said, a finish_reason of every choice, or
    a whole JSON document. The end of the body alone proves nothing. `over` is True when nothing that may follow
    matters. `malformed` counts events that were not JSON objects and were passed over.
    """

    def __init__(self) -> None:
        self.complete = False
        self.over = False
        self.malformed = 0
        self._events: EventParser | None = None
        self._document: bytearray | None = None
        self._start = b""
        self._begun = False
        self._containers = 0
        self._said = False
        self._ended: dict[int, bool] = {}

    def feed(self, data: bytes) -> Iterator[Item]:
        """Yield what `data` completes."""
        if self.over:
            return
        if self._events is None and self._document is None:
            data = self._sniff(self._start + data)
            if not data:
                return
        if self._document is not None:
            self._document += data
            if len(self._document) > DOCUMENT_BYTES:
                yield from self._too_large("one JSON document")
        elif self._events is not None:
            try:
                texts = self._events.feed(data)
            except EventTooLarge:
                yield from self._too_large("one event")
                return
            yield from self._items(texts)

    def finish(self, *, broken: bool = False) -> Iterator[Item]:
        """The body is at its end: yield what was still open, and a fault when there was nothing to read at all.

        `broken` says that its framing failed: then a document counts only with a finish_reason.
        """
        if self.over:
            return
        if self._document is not None:
            yield self._whole(bytes(self._document), broken=broken)
        elif self._events is not None:
            try:
                texts = self._events.finish()
            except EventTooLarge:  # the events before it were given out first
                yield from self._too_large("one event")
                return
            yield from self._items(texts)
        if not self._said and not self.complete and self._document is None:
            yield _unreadable("no body" if self._events is None else "text that holds no completion")
        self.over = True

    def _too_many(self, text: str) -> bool:
        self._containers += text.count("{") + text.count("[")
        return self._containers > MAX_CONTAINERS

    def _too_large(self, what: str) -> Iterator[Item]:
        """Too much to read, unless all that matters had come."""
        self.over = True
        if not self.complete:
            yield _unreadable(f"{what} larger than Reelay reads")

    def _sniff(self, start: bytes) -> bytes:
        """Tell the kind; returns what is to be read, without the signs of life (comments, blanks) that may come before
        either kind, or nothing while it cannot be told.

        What has been passed over is not held, so that a stream of nothing else costs neither memory nor time anew.
        """
        if not self._begun and _BOM.startswith(start):
            self._start = start
            return b""
        text = _past_signs_of_life(start if self._begun else start.removeprefix(_BOM))
        self._begun = True
        self._start = text[:1] if text.startswith(b":") else b""  # of a comment that goes on its colon says all
        if not text or self._start:
            return b""
        if text.startswith(b"{"):
            self._document = bytearray()
        else:
            self._events = EventParser()
        return text

    def _items(self, texts: list[str]) -> Iterator[Item]:
        for text in texts:
            if text.strip() == DONE:
                self.complete = self.over = self._said
                if self.over:
                    return
                continue  # before anything was said it ends nothing
            if self._too_many(text):
                yield from self._too_large("a number of objects and lists")
                return
            item = self._item(text)
            self.over = isinstance(item, Fault)
            if self.over and self.complete:  # an error after the end of the answer takes nothing from it
                return
            if item is not None:
                self._said = True
                yield item
            if self.over:
                return

    def _item(self, text: str) -> Item | None:
        payload = _decoded(text)
        if not isinstance(payload, dict):
            self.malformed += 1
            return None
        if payload.get("error"):
            return Fault(in_stream_error(payload))
        for index, ended in endings(payload).items():
            self._ended[index] = ended or self._ended.get(index, False)
        self.complete = bool(self._ended) and False not in self._ended.values()
        return Chunk(payload)

    def _whole(self, document: bytes, *, broken: bool) -> Item:
        text = document.removeprefix(_BOM).decode("utf-8", "replace")
        if self._too_many(text):
            return _unreadable("a number of objects and lists larger than Reelay reads")
        payload = _decoded(text)
        if not isinstance(payload, dict):
            return _unreadable(f"{len(document)} bytes that are not a whole JSON document")
        if payload.get("error"):
            return Fault(in_stream_error(payload))
        if not isinstance(payload.get("choices"), list):
            return _unreadable("a JSON document without choices")
        self.complete = not broken or any(endings(payload).values())
        return Whole(payload) if self.complete else _unreadable("a JSON document that was not framed to its end")


def _past_signs_of_life(text: bytes) -> bytes:
    at = 0
    while sign := _SIGN_OF_LIFE.match(text, at):
        at = sign.end()
    return text[at:]


def _unreadable(what: str) -> Fault:
    words = f"v98store answered 200 with {what} where a completion was due; it may have been charged."
    return Fault(UpstreamBroken(words, charged=True), in_doubt=True)


def _decoded(text: str) -> Any:
    """The JSON value, or None for whatever is not JSON (RFC 8259: NaN and Infinity are not) or nests too deep."""
    if depth(text) > MAX_DEPTH:
        return None
    try:
        return _DECODER.decode(text)
    except ValueError:
        return None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_constant=_no_constant)
"""`json.loads` would make one for each event."""
