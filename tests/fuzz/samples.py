"""What fuzzing begins with: the samples of events/, what they hold, and the streams that were captured."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.unit.captured import STREAMS, as_stream, content_of

EVENTS = Path(__file__).parents[2] / "events"
MAX_CUTS = 7
"""Cuts that the head of an input names; more of them find nothing else and take bytes from the input."""


@cache
def events() -> tuple[Any, ...]:
    """Every sample, in the order of their names."""
    return tuple(json.loads(path.read_bytes()) for path in sorted(EVENTS.glob("*.json")))


@cache
def leaves() -> tuple[tuple[int, tuple[str | int, ...]], ...]:
    """Every place in every sample: the number of the sample, and the way to the place."""
    return tuple((number, way) for number, event in enumerate(events()) for way in _ways(event))


def mangled(data: bytes) -> Any:
    """A sample of which one place, named by the first two bytes, holds the rest: JSON where it is some, else text."""
    number, way = leaves()[int.from_bytes(data[:2], "big") % len(leaves())]
    event = json.loads(json.dumps(events()[number]))
    place = event
    for step in way[:-1]:
        place = place[step]
    place[way[-1]] = _value(data[2:])
    return event


def mangled_seeds() -> list[bytes]:
    """Each place with what the sample has there."""
    seeds = []
    for at, (number, way) in enumerate(leaves()):
        value = events()[number]
        for step in way:
            value = value[step]
        seeds.append(at.to_bytes(2, "big") + (value.encode() if isinstance(value, str) else json.dumps(value).encode()))
    return seeds


def bodies() -> list[bytes]:
    """The bodies in the samples: of HTTP requests, of messages, and the samples themselves, which may be invoked."""
    found = []
    for event in events():
        found.append(json.dumps(event).encode())
        for holder in (event, *event.get("Records", ())):
            if isinstance(holder.get("body"), str):
                body = holder["body"]
                found.append(base64.b64decode(body) if holder.get("isBase64Encoded") else body.encode())
    return found


def streams() -> list[bytes]:
    """The captured stream and its variants, as bytes."""
    return [as_stream(payloads) for payloads in STREAMS.values()]


def texts() -> list[bytes]:
    """The texts of those streams, put together."""
    return [content_of(payloads).encode() for payloads in STREAMS.values()]


def pieces(data: bytes) -> tuple[bytes, list[bytes]]:
    """An input as bytes, and the same in pieces: it begins with the number of cuts and two bytes for each."""
    cuts = data[0] % (MAX_CUTS + 1) if data else 0
    head, body = data[1 : 1 + 2 * cuts], data[1 + 2 * cuts :]
    offsets = [int.from_bytes(head[at : at + 2], "big") for at in range(0, len(head), 2)]
    edges = [0, *sorted(offset % (len(body) + 1) for offset in offsets), len(body)]
    return body, [body[begin:end] for begin, end in pairwise(edges)]


def uncut(data: bytes) -> bytes:
    """The input that `pieces` reads as these bytes with three cuts in them."""
    return b"\x03\x00\x11\x01\x07\x04\x05" + data


def _ways(value: Any, way: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if way:
        yield way
    if isinstance(value, dict | list):
        for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _ways(inner, (*way, step))


def _value(data: bytes) -> Any:
    text = data.decode("utf-8", "replace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
