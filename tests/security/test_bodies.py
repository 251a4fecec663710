"""Bodies that are too large, no JSON, or not what the contract asks for: refused by every door, and nothing is sent."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from dev.simulator import Simulator
from dev.stack import Stack, running
from reelay.contract import Contract
from tests.contract.proxy_events import BOUNDARY, form_body, form_part, rest_event
from tests.e2e.event_house import EventHouse
from tests.e2e.local_house import LocalHouse
from tests.security.callers import ASK, CHAT, FILM, call, everything
from tests.security.test_heavy_bodies import GOOD, KEY, LABELS, MESSAGE, beside, told
from tests.security.wire import Heard, said

WHO, JSON = f"Authorization: Bearer {KEY}".encode(), b"Content-Type: application/json"
FORM = f"Content-Type: multipart/form-data; boundary={BOUNDARY}".encode()
MIB = 1024 * 1024
MB = 1000 * 1000


GOOD_64 = b64encode(GOOD.encode()).decode()
NOT_JSON: Mapping[str, bytes] = {
    "nothing": b"",
    "spaces": b" \n",
    "NaN": beside('"temperature": NaN').encode(),
    "Infinity": beside('"temperature": Infinity').encode(),
    "-Infinity": beside('"x": [-Infinity]').encode(),
    "overflow": beside('"temperature": 1e999').encode(),
    "a number of 5,000 digits": beside(f'"seed": {"9" * 5000}').encode(),
    "a fraction of 5,000 digits": beside(f'"temperature": 0.{"1" * 5000}').encode(),
    "a key twice": beside('"model": "sora-2"').encode(),
    "a key twice, once escaped": beside('"mode\\u006c": "sora-2"').encode(),
    "a key twice deep inside": beside('"x": [{"a": {"b": 1, "b": 2}}]').encode(),
    "half a surrogate pair": beside('"user": "\\ud83d"').encode(),
    "the other half": beside('"user": "\\ude00\\ud83d"').encode(),
    "half a pair as a key": beside('"\\udc00": 1').encode(),
    "invalid UTF-8": GOOD.encode().replace(b"a dog", b"\xff\xfe"),
    "a surrogate in UTF-8": GOOD.encode().replace(b"a dog", b"\xed\xa0\xbd"),
    "an overlong form": GOOD.encode().replace(b"a dog", b"\xc0\xaf"),
    "Latin-1": GOOD.encode().replace(b"a dog", b"\xe4\xf6\xfc"),
    "UTF-16": GOOD.encode("utf-16"),
    "UTF-16 without a mark": GOOD.encode("utf-16-be"),
    "UTF-32": GOOD.encode("utf-32"),
    "a byte order mark": b"\xef\xbb\xbf" + GOOD.encode(),
    "a comment": beside('"x": 1 /* */').encode(),
    "a comma too many": beside('"x": [1,]').encode(),
    "single quotes": GOOD.replace('"', "'").encode(),
    "a line break in a string": GOOD.encode().replace(b"a dog", b"a\ndog"),
    "NUL behind it": GOOD.encode() + b"\0",
    "two documents": GOOD.encode() * 2,
}


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Simulator() as simulator, running(simulator=simulator, triggers=False) as up:
        yield up
        assert simulator.posts == 0


def assert_nothing_of(house: LocalHouse, before: Mapping[str, str]) -> None:
    assert (house.simulator.posts, everything(house)) == (0, before)


@pytest.mark.case("body-too-large")
@pytest.mark.parametrize("size", [7 * MB, 10 * MB, 10 * MIB, 10 * MIB + 1], ids=lambda size: f"{size:,}")
def test_a_body_that_is_too_large_is_a_413_on_every_route(stack: Stack, size: int) -> None:
    text = GOOD.encode().replace(b"a dog", b"x" * (size - len(GOOD) + len(b"a dog")))
    assert len(text) == size
    film = form_body(form_part("prompt", "a dog"), form_part("input_reference", b"\xff\xd8\xff" + b"x" * size, "a.jpg"))
    heard: list[Heard] = [said(stack.url, "POST", path, WHO, JSON, body=text) for path in (CHAT, FILM, LABELS)]
    heard.append(said(stack.url, "POST", FILM, WHO, FORM, body=film))  # in base64 behind the gateway
    assert [(each.status, each.error["code"]) for each in heard] == [(413, "request_too_large")] * 4


@pytest.mark.case("body-too-large")
@pytest.mark.parametrize("size", [6 * MIB + 1, 7 * MB, 10 * MB], ids=lambda size: f"{size:,}")
@pytest.mark.parametrize("base64", [False, True])
def test_a_door_that_is_given_more_than_a_gateway_would_refuses_it_too(
    house: LocalHouse, size: int, base64: bool
) -> None:
    for path in (CHAT, FILM, f"{FILM}/video_x/remix", LABELS):
        reply = house.serve(rest_event("POST", path, body="x" * size, base64=base64))
        assert (reply.status, reply.error["code"]) == (413, "request_too_large")
    assert_nothing_of(house, {})


@pytest.mark.case("body-not-json")
def test_what_is_not_json_is_refused_by_every_door(events: EventHouse) -> None:
    for name, body in NOT_JSON.items():
        code = "invalid_json" if body else "invalid_request"
        errors = [call(events, "POST", path, KEY, body).error for path in (CHAT, FILM, LABELS)]
        assert {each["code"] for each in errors} == {code}, name
        assert told(events, body, name) == errors[0], "the same words"
    assert (events.work_off(), events.simulator.posts, events.marks()) == (0, 0, [])


@pytest.mark.case("body-not-json")
@pytest.mark.parametrize(
    "body", ["e", "eyJ", "e30=\n", "e30", GOOD, "e30=e30==", "\ud83d", f"{GOOD_64}\n", f"*{GOOD_64}"]
)
def test_a_body_that_is_not_the_base64_it_is_said_to_be_is_refused(house: LocalHouse, body: str) -> None:
    for path in (CHAT, FILM, LABELS):
        reply = house.serve(rest_event("POST", path, body=GOOD) | {"body": body, "isBase64Encoded": True})
        assert (reply.status, reply.error["code"]) == (400, "invalid_body")
    assert_nothing_of(house, {})


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"messages": None}, "messages"),
    ({"messages": "a dog"}, "messages"),
    ({"messages": {}}, "messages"),
    ({"messages": [None]}, "messages[0]"),
    ({"messages": [{**MESSAGE, "content": None}]}, "messages[0].content"),
    ({"messages": [MESSAGE, {"role": "robot", "content": "x"}]}, "messages[1].role"),
    ({"messages": [{"role": ["user"], "content": "x"}]}, "messages[0].role"),
    ({"messages": [{"content": "x"}]}, "messages[0].role"),
    ({"stream": "true"}, "stream"),
    ({"stream": 1}, "stream"),
    ({"store": "false"}, "store"),
    ({"model": ["sora-2"]}, "model"),
    ({"n": True}, "n"),
    ({"metadata": {"__proto__": {}}}, "metadata.__proto__"),
]


@pytest.mark.case("schema-broken")
def test_what_breaks_the_schema_is_refused_by_every_door_with_its_place(events: EventHouse) -> None:
    without = {name: value for name, value in ASK.items() if name != "messages"}
    for number, (body, place) in enumerate([(without, "messages"), *(({**ASK, **each}, at) for each, at in WRONG)]):
        reply = call(events, "POST", CHAT, KEY, body)
        assert (reply.status, reply.error["param"]) == (400, place)
        assert told(events, json.dumps(body).encode(), str(number))["param"] == place
        assert events.take_in(body, request_id=f"r-{number}")["error"]["param"] == place
    assert (events.work_off(), events.simulator.posts) == (0, 0)
    for notice in events.notices():
        assert Contract.load().event_faults(notice["detail-type"], notice["detail"]) == []
