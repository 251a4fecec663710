"""upstream.yaml in use: where an answer of the upstream breaks the rules it is read by, and never what it says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import yaml

from dev.recording import Ending, Recording
from reelay.faults import Checker
from reelay.reply import DONE, Fault, Reply
from reelay.sse import EventParser, EventTooLarge
from reelay.strict_json import MAX_DEPTH, depth

SOURCE = Path(__file__).parents[2] / "upstream.yaml"

_SIGNS_OF_LIFE = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s|:[^\r\n]*[\r\n])*")
"""What may stand before a JSON document: a byte order mark, blanks and comments."""

_HTML = re.compile(rb"\s*<(?:!doctype html|html)\b", re.IGNORECASE)


class Broken(NamedTuple):
    """A rule that is broken: in what (`event 12`, counted from 0, or `the body`), where in it, and which."""

    unit: str
    place: str
    rule: str


def broken(recording: Recording) -> Iterator[Broken]:
    """Everything in an answer that upstream.yaml does not allow for."""
    status = recording.status
    if status is None:
        yield Broken("the answer", "", "expected a status line")
        return
    if recording.header("content-encoding").lower() not in ("", "identity"):
        yield Broken("the head", "Content-Encoding", "expected identity, which was asked for")
        return
    if recording.ending is not Ending.WHOLE:
        yield Broken("the body", "", f"expected to end as its framing says, but the end was: {recording.ending}")
    if status == 200:
        yield from _answer(recording)
    elif status >= 400:
        yield from _refusal(status, recording.body)
    else:
        yield Broken("the head", "status", "expected 200, 4XX or 5XX")


def broken_in(name: str, value: Any, unit: str = "") -> list[Broken]:
    """The same for a value that is to be what the schema `name` says."""
    return [Broken(unit, fault.place, fault.rule) for fault in _checker(name).faults(value)]


def _answer(recording: Recording) -> Iterator[Broken]:
    body = recording.body[_signs(recording.body) :]
    if body.startswith(b"{"):
        yield from _document(body)
    else:
        yield from _events(recording.body)
    reply = Reply()
    items = [item for piece in recording.pieces for item in reply.feed(piece.data)]
    items += reply.finish(broken=recording.ending is not Ending.WHOLE)
    stated = any(isinstance(item, Fault) and not item.in_doubt for item in items)
    if not reply.complete and not stated:
        yield Broken("the body", "", "expected [DONE], or a finish_reason of every choice, or a whole JSON document")


def _document(body: bytes) -> Iterator[Broken]:
    try:
        value = _decoded(body)
    except ValueError:
        yield Broken("the body", "", "expected JSON")
        return
    yield from broken_in("Error" if value.get("error") else "Completion", value, "the body")


def _events(body: bytes) -> Iterator[Broken]:
    parser = EventParser()
    done = False
    try:
        texts = [*parser.feed(body), *parser.finish()]
    except EventTooLarge:
        yield Broken("the body", "", "expected events of at most 8 MiB")
        return
    for number, text in enumerate(texts):
        unit = f"event {number}"
        if done:
            yield Broken(unit, "", "expected nothing behind [DONE]")
        elif text.strip() == DONE:
            done = True
        else:
            yield from _event(text, unit)


def _event(text: str, unit: str) -> list[Broken]:
    try:
        value = _decoded(text.encode())
    except ValueError:
        return [Broken(unit, "", "expected JSON or [DONE]")]
    failed = isinstance(value, dict) and value.get("error")
    return broken_in("Error" if failed else "Chunk", value, unit)


def _refusal(status: int, body: bytes) -> Iterator[Broken]:
    """The envelope; or nothing, for a 429; or the page of a CDN in front, for what it says of the upstream."""
    if (status == 429 and not body) or (status >= 500 and _HTML.match(body)):
        return
    try:
        value = _decoded(body)
    except ValueError:
        yield Broken("the body", "", "expected an error in JSON")
        return
    yield from broken_in("Error", value, "the body")


def _decoded(body: bytes) -> Any:
    """A value as the relay takes it: no NaN, and not too deep. Raises ValueError."""
    text = body.decode()
    if depth(text) > MAX_DEPTH:
        raise ValueError("nests too deep")
    return json.loads(text, parse_constant=_no_constant)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _signs(body: bytes) -> int:
    found = _SIGNS_OF_LIFE.match(body)
    return found.end() if found else 0


@cache
def _components() -> dict[str, Any]:
    components: dict[str, Any] = yaml.safe_load(SOURCE.read_text(encoding="utf-8"))["components"]
    return components


@cache
def _checker(name: str) -> Checker:
    return Checker(_components()["schemas"][name], _components())
