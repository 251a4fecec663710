"""Bodies that are well made to cost time and memory: nested, crowded, repetitive. Each is refused in a moment."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.e2e.event_house import EventHouse
from tests.e2e.local_house import LocalHouse
from tests.e2e.test_event_triggers import created, outcome
from tests.security.callers import ASK, CHAT, FILM, call, everything, made

KEY = "sk-caller-0123456789"
MANY = 1_000_000
LARGE = 6 * 1024**2 - 200
"""Characters: nearly as many as a body may have."""

MOST_SECONDS = 5.0
"""Of processor time for one body: each takes well under one, and what is not linear would take minutes."""


GOOD = json.dumps({**ASK, "model": "sim-text"})
LABELS = f"{CHAT}/chatcmpl-01k9zzzzzzzzzzzzzzzzzzzzzz"
MESSAGE = {"role": "user", "content": "a dog"}


def beside(more: str) -> str:
    """A good request with something more in it."""
    return f"{GOOD[:-1]}, {more}}}"


def deep(levels: int) -> list[str]:
    """Arrays, objects and both by turns, closed and left open, alone and in a good request."""
    arrays, objects = "[" * levels, '{"a":' * levels
    shut = [arrays + "]" * levels, objects + "1" + "}" * levels, '[{"a":' * (levels // 2) + "1" + "}]" * (levels // 2)]
    return [*shut, *(beside(f'"x": {each}') for each in shut), arrays, objects, beside(f'"x": {arrays}')]


HEAVY: Mapping[str, Callable[[], str]] = {
    "quotes that open": lambda: "[" * 65 + '"' * (LARGE - 65),
    "a string that never ends": lambda: "[" * 65 + '"' + "\\" * (LARGE - 66),
    "quotes that are escaped outside": lambda: "[" * 65 + '\\"' * (LARGE // 2 - 65),
    "brackets side by side": lambda: "[]" * (LARGE // 2),
    "spaces": lambda: " " * LARGE,
    "digits": lambda: "9" * LARGE,
    "a million tools": lambda: beside('"tools": [' + "{}," * MANY + "{}]"),
    "a million stops": lambda: beside('"stop": [' + '"",' * MANY + '""]'),
    "a label of escapes": lambda: beside('"metadata": {"a": "' + "\\u0000" * MANY + '"}'),
    "many fields and one wrong": lambda: beside(",".join(f'"k{n}":0' for n in range(300_000)) + ', "n": 0'),
}


def told(events: EventHouse, body: bytes, name: str = "a") -> Any:
    """What is laid beside a file with this body, which S3 told of."""
    assert events.take_in(created(events, f"inbox/{name}.json", body))
    return outcome(events, f"outbox/{name}.json")["error"]


@pytest.mark.case("body-deep")
@pytest.mark.parametrize("levels", [66, 2_000, 100_000])
def test_a_body_that_nests_too_deep_is_refused_by_every_door(events: EventHouse, levels: int) -> None:
    for body in deep(levels):
        for path in (CHAT, FILM, f"{FILM}/video_x/remix", LABELS):
            reply = call(events, "POST", path, KEY, body)
            assert (reply.status, reply.error["code"]) == (400, "invalid_json")
    assert everything(events) == {}
    for number, body in enumerate(deep(levels)):
        assert events.take_in(events.message(body, id=f"m-{number}")) == {"batchItemFailures": []}
        assert told(events, body.encode(), str(number))["code"] == "invalid_json"
    assert (events.work_off(), events.simulator.posts, events.marks()) == (0, 0, [])
    failed = [each["detail"]["error"]["status"] for each in events.notices()]
    assert failed == [400] * 2 * len(deep(levels))


@pytest.mark.case("body-many-messages")
def test_many_messages_are_counted_and_as_many_as_are_allowed_are_answered(events: EventHouse) -> None:
    for count in (0, 2_049, 10_000, 90_000):
        body = json.dumps({**ASK, "messages": [MESSAGE] * count})
        reply = call(events, "POST", CHAT, KEY, body)
        assert (reply.status, reply.error["param"]) == (400, "messages")
        assert told(events, body.encode(), str(count))["param"] == "messages"
    assert (events.work_off(), events.simulator.posts) == (0, 0)
    assert made(events, KEY, model="sim-text", messages=[MESSAGE] * 2_048)
    assert len(json.loads(events.simulator.requests[0].body)["messages"]) == 2_048


@pytest.mark.case("body-deep", "body-not-json", "body-many-messages")
@pytest.mark.parametrize("heavy", HEAVY.values(), ids=HEAVY)
def test_a_heavy_body_is_refused_in_a_moment(house: LocalHouse, heavy: Callable[[], str]) -> None:
    body, began = heavy(), time.process_time()
    reply = call(house, "POST", CHAT, KEY, body)
    assert time.process_time() - began < MOST_SECONDS
    assert reply.status == 400
    assert len(reply.body) < 2 * 1024
    assert house.house.contract.answer_faults("createChatCompletion", 400, reply.headers, reply.body) == []
    assert (house.simulator.posts, everything(house)) == (0, {})
