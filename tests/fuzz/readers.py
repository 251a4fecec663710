"""Properties of what reads the upstream's bytes: each takes any bytes, and raises where a promise is broken."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Iterable
from itertools import accumulate, pairwise

from reelay.links import MAX_LINK_CHARACTERS, ProgressReader, media_links
from reelay.reply import Reply
from reelay.sse import EventParser, EventTooLarge
from tests.fuzz.samples import pieces

EVENT_BYTES = 512
"""A limit of the parser's that short inputs reach."""

PARSER_BYTES = 512
"""What a pickled parser takes beside what it holds of the stream."""

FEW, MANY = 2_000, 16_000
"""Characters, one eight times the other."""

TIMES = 24
"""Eight times the text may take so many times as long: linear is 8 times, quadratic 64."""

GRAIN_SECONDS = 0.01
"""What a busy machine may add to a measurement. Quadratic work over MANY takes more than ten times that."""

TRIES = 3
"""Measurements before a slow one is believed."""


def sse(data: bytes) -> None:
    """The same events whole and in any pieces, little memory, and nothing raised but EventTooLarge."""
    whole, cut = pieces(data)
    assert _events([whole]) == _events(cut)


def reply(data: bytes) -> None:
    """Nothing raised, over at the end, and either a whole answer or something to tell."""
    _, cut = pieces(data)
    for broken in (False, True):
        reading = Reply()
        items = [item for part in cut for item in reading.feed(part)] + list(reading.finish(broken=broken))
        assert reading.over
        assert reading.complete or items


def links(data: bytes) -> None:
    """At most a video and a poster, http(s) and of bounded length; progress only goes forward, in any pieces."""
    whole, cut = _texts(data)
    found = media_links(whole)
    assert len(found) <= 2
    for link in found:
        assert link.url.startswith(("http://", "https://"))
        assert len(link.url) <= MAX_LINK_CHARACTERS
    assert _progress([whole]) == _progress(cut)


def slow_text(data: bytes) -> None:
    """Whatever is repeated, eight times as much of it takes about eight times as long."""
    unit = data.decode("utf-8", "replace")[:FEW] or " "
    few, many = (unit * (size // len(unit) + 1) for size in (FEW, MANY))
    for work in (media_links, lambda text: ProgressReader().feed(text, text)):
        _in_proportion(work, few, many)


def _events(parts: Iterable[bytes]) -> tuple[list[str], bool]:
    """The events, and whether there was one that is too large."""
    parser, events = EventParser(max_event_bytes=EVENT_BYTES), []
    try:
        for part in parts:
            events += parser.feed(part)
            assert len(pickle.dumps(parser)) < EVENT_BYTES + PARSER_BYTES
        events += parser.finish()
    except EventTooLarge:
        return events, True
    return events, False


def _texts(data: bytes) -> tuple[str, list[str]]:
    """The input as text, and the same in pieces."""
    body, cut = pieces(data)
    whole = body.decode("utf-8", "replace")
    edges = [*accumulate((len(part) for part in cut[:-1]), initial=0), len(whole)]
    return whole, [whole[begin:end] for begin, end in pairwise(edges)]


def _progress(parts: Iterable[str]) -> tuple[object, str | None]:
    """Where it ended, and the task's id."""
    reader, last = ProgressReader(), None
    for part in parts:
        now = reader.feed(part)
        assert now is None or (0 <= now.percent <= 100 and (last is None or last.percent <= now.percent))
        last = now or last
    return last, reader.task_id


def _in_proportion(work: Callable[[str], object], few: str, many: str) -> None:
    for _ in range(TRIES):
        short, long = _seconds(work, few), _seconds(work, many)
        if long <= TIMES * short + GRAIN_SECONDS:
            return
    raise AssertionError("eight times the text takes more than in proportion")


def _seconds(work: Callable[[str], object], text: str) -> float:
    begun = time.process_time()
    work(text)
    return time.process_time() - begun
