"""Who is let in and who pays, on the whole stack by bare sockets, and at a door that is told lies."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from dev.simulator import Simulator
from dev.stack import LOCAL_KEY, LOCAL_TOKEN, Stack, running
from tests.contract.proxy_events import rest_event
from tests.e2e.event_house import EventHouse
from tests.security.wire import said

CHAT, FILM = "/v1/chat/completions", "/v1/videos"
ASK = {"model": "sim-text", "messages": [{"role": "user", "content": "a dog"}], "stream": True}
PAID: Mapping[tuple[str, str], Any] = {("POST", CHAT): ASK, ("POST", FILM): {"prompt": "a dog", "model": "sim-text"}}
CALLS: Mapping[tuple[str, str], Any] = {**PAID, ("GET", CHAT): None, ("GET", FILM): None}
JSON = b"Content-Type: application/json"
MINE = b"Authorization: Bearer sk-my-very-own"
GOOD = f"Authorization: Bearer {LOCAL_KEY}".encode()
KEY = LOCAL_KEY.encode()

NO_TOKEN: Mapping[str, tuple[bytes, ...]] = {
    "none": (),
    "an empty header": (b"Authorization:",),
    "the scheme alone": (b"Authorization: Bearer",),
    "the key alone": (b"Authorization: " + KEY,),
    "the same twice": (GOOD, GOOD),
    "a good one before another": (GOOD, MINE),
    "a good one behind another": (MINE, GOOD),
    "a good one behind an empty one": (b"Authorization:", GOOD),
    "two in one header": (GOOD + b", Bearer sk-my-very-own",),
    "Basic": (b"Authorization: Basic " + KEY,),
    "Digest": (b'Authorization: Digest username="' + KEY + b'"',),
    "a tab for the space": (b"Authorization: Bearer\t" + KEY,),
    "a space that is none": (b"Authorization: Bearer\xa0" + KEY,),
    "a space at the end": (GOOD + b"   ",),
    "a space in the middle": (GOOD[:-4] + b" " + GOOD[-4:],),
    "NUL at the end": (GOOD + b"\0",),
    "a line that goes on in the next": (b"Authorization: Bearer", b" " + KEY),
    "a space behind the header's name": (b"Authorization : Bearer " + KEY,),
    "letters of another width": ("Authorization: Bearer \N{FULLWIDTH LATIN SMALL LETTER R}k-local".encode(),),
    "letters beyond ASCII": ("Authorization: Bearer schlüssel".encode(),),
    "4,097 characters": (b"Authorization: Bearer " + b"a" * 4097,),
    "in the header of API keys": (b"X-Api-Key: " + KEY,),
    "in a cookie": (b"Cookie: Authorization=Bearer " + KEY,),
    "for a proxy": (b"Proxy-Authorization: Bearer " + KEY,),
}
UNKNOWN = [
    "rk-0123456789abcdefghijklmn",
    "rk-",
    f"{LOCAL_KEY}=",
    LOCAL_KEY[:-1],
    f"rk-{LOCAL_KEY}",
    LOCAL_KEY.replace("local", "Local"),
]
TOLD = (
    b"Payer: service",
    b"X-Payer: service",
    b"X-Amzn-Payer: service",
    b'Authorizer: {"payer": "service"}',
    b'RequestContext: {"authorizer": {"payer": "service"}}',
    b"X-Api-Key: " + KEY,
)
VOUCHED = {"payer": "service", "principalId": "p"}
LIES: Mapping[str, Any] = {
    "a list": {"payer": ["service"]},
    "true": {"payer": True},
    "a line break": {"payer": "service\n"},
    "another spelling": {"Payer": "service"},
    "as an HTTP API nests it": {"lambda": VOUCHED},
    "among claims": {"claims": VOUCHED},
    "text": "service",
    "pairs": [["payer", "service"]],
}


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Callers may bring keys of their own."""
    with Simulator() as simulator, running(simulator=simulator, triggers=False) as up:
        yield up
        assert simulator.complaints == []


@pytest.fixture(scope="module")
def closed() -> Iterator[Stack]:
    """They may not."""
    parameters = {"AllowCallerKeys": "no"}
    with Simulator() as simulator, running(simulator=simulator, triggers=False, parameters=parameters) as up:
        yield up


def assert_refused(stack: Stack, lines: tuple[bytes, ...], status: int, code: str, query: str = "") -> None:
    """Every call is, and nothing is sent or written."""
    assert stack.simulator
    before = (stack.simulator.posts, stack.s3.list_objects_v2(Bucket=stack.bucket)["KeyCount"])
    for (method, path), body in CALLS.items():
        raw = json.dumps(body).encode() if body else b""
        reply = said(stack.url, method, path + query, JSON, *lines, body=raw)
        assert (reply.status, reply.error["code"]) == (status, code)
        assert status != 401 or reply.headers["WWW-Authenticate"] == "Bearer"
    assert (stack.simulator.posts, stack.s3.list_objects_v2(Bucket=stack.bucket)["KeyCount"]) == before


@pytest.mark.case("no-token")
@pytest.mark.parametrize("lines", NO_TOKEN.values(), ids=NO_TOKEN)
def test_what_is_not_one_bearer_token_opens_nothing(stack: Stack, lines: tuple[bytes, ...]) -> None:
    assert_refused(stack, lines, 401, "invalid_api_key")


@pytest.mark.case("no-token")
def test_a_key_in_the_query_opens_nothing(stack: Stack) -> None:
    query = "&".join(f"{name}={LOCAL_KEY}" for name in ("key", "api_key", "access_token", "Authorization"))
    assert_refused(stack, (), 401, "invalid_api_key", f"?{query}")


@pytest.mark.case("service-key-without-ours")
@pytest.mark.parametrize("key", UNKNOWN)
def test_a_key_that_only_looks_like_one_of_ours_opens_nothing(stack: Stack, key: str) -> None:
    assert_refused(stack, (f"Authorization: Bearer {key}".encode(),), 403, "invalid_api_key")


@pytest.mark.case("service-key-without-ours")
def test_a_caller_who_says_that_the_service_pays_pays_all_the_same(stack: Stack) -> None:
    assert stack.simulator
    told = {"payer": "service", "authorizer": VOUCHED, "requestContext": {"authorizer": VOUCHED}}
    body = json.dumps({**ASK, **told}).encode()
    reply = said(stack.url, "POST", f"{CHAT}?payer=service&authorizer[payer]=service", JSON, MINE, *TOLD, body=body)
    assert reply.status == 200
    assert stack.simulator.requests[-1].headers["authorization"] == "Bearer sk-my-very-own"


@pytest.mark.case("caller-key-closed")
def test_where_callers_keys_are_not_let_in_none_of_any_kind_is(stack: Stack, closed: Stack) -> None:
    shared = stack.deployment.gateway.template.functions["AuthorizerFunction"].environment["CALLERS_KEY"]
    assert shared, "the key that callers share elsewhere"
    for key in ("sk-my-very-own", LOCAL_TOKEN, shared):
        assert_refused(closed, (f"Authorization: Bearer {key}".encode(), *TOLD), 403, "access_denied")


@pytest.mark.case("service-key-without-ours")
def test_a_key_of_ours_that_was_mistyped_is_not_taken_for_a_callers_and_shown_to_v98store(stack: Stack) -> None:
    assert stack.simulator
    asked = len(stack.simulator.requests)
    for key in (LOCAL_KEY.upper(), LOCAL_KEY.replace("rk-", "Rk-")):
        assert_refused(stack, (f"Authorization: Bearer {key}".encode(), *TOLD), 403, "invalid_api_key")
    assert len(stack.simulator.requests) == asked


@pytest.mark.case("service-key-without-ours")
@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_key_of_ours_counts_only_with_the_authorizers_very_word(events: EventHouse, lie: Any) -> None:
    for (method, path), body in CALLS.items():
        event = at_the_door(method, path, body)
        event["requestContext"]["authorizer"] = lie
        assert events.serve(event).status == 401
    assert (events.simulator.posts, events.objects()) == (0, [])


@pytest.mark.case("service-key-without-ours")
def test_a_word_that_stands_where_a_caller_can_write_is_not_the_authorizers(events: EventHouse) -> None:
    for (method, path), body in PAID.items():
        event = at_the_door(method, path, {**body, "requestContext": {"authorizer": VOUCHED}})
        event["queryStringParameters"] = {"authorizer[payer]": "service"}
        event["multiValueQueryStringParameters"] = {"authorizer[payer]": ["service"]}
        event["stageVariables"] = event["pathParameters"] = event["authorizer"] = VOUCHED
        event["requestContext"]["identity"]["apiKey"] = LOCAL_KEY
        assert events.serve(event).status == 401
    assert (events.simulator.posts, events.objects()) == (0, [])


def at_the_door(method: str, path: str, body: Any) -> dict[str, Any]:
    """A request with a key of ours, as it would come without an authorizer before it."""
    headers = {"Authorization": f"Bearer {LOCAL_KEY}", "Content-Type": "application/json", "Payer": "service"}
    return rest_event(method, path, headers=headers, body=body)
