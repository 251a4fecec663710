"""For what and for how long an answer of the authorizer counts."""

from __future__ import annotations

from typing import Any

from dev.gateway.events import Request
from dev.gateway.guard import Guard
from dev.template import Authorizer, Route
from tests.fakes import FakeClock
from tests.integration.local_gateway.place import EVERYTHING, LOCKED, Caller, knock, says


def test_an_answer_is_remembered_by_token_and_for_every_method(locked: Caller) -> None:
    token = says(EVERYTHING | {"Resource": "{arn}"}, context={"nonce": "{nonce}"})
    seen = [knock(locked, token).json()["event"]["requestContext"]["authorizer"]["nonce"] for _ in range(2)]
    other = says(EVERYTHING | {"Resource": "{arn}"}, context={"nonce": "{nonce}"}, principalId="other")

    assert seen[0] == seen[1]
    assert (
        knock(locked, token, "/v1/locked/part", "POST").status == 403
    )  # the policy of the first method counts here too
    assert knock(locked, other, "/v1/locked/part", "POST").status == 200


def test_an_authorizer_that_is_to_forget_is_asked_each_time_with_the_header_of_its_own(locked: Caller) -> None:
    token = f"X-Token: {says(EVERYTHING, context={'nonce': '{nonce}'})}"
    events = [locked.ask("GET", "/v1/forgetful", None, token).json()["event"] for _ in range(2)]

    assert len({event["requestContext"]["authorizer"]["nonce"] for event in events}) == 2


def test_an_answer_counts_for_its_seconds_and_no_longer() -> None:
    clock, asked = FakeClock(), []

    def invoke(_function: str, event: Any) -> Any:
        asked.append(event["authorizationToken"])
        return {"principalId": "somebody", "policyDocument": {"Statement": EVERYTHING}}

    guard = Guard(invoke, frozenset(), clock.monotonic)
    route = Route("GET", "/", "Door", False, 29.0, Authorizer("Keeper", "Authorization", None, 300.0))
    request = Request("GET", "/", "/", "", [("Authorization", "a")], b"", "127.0.0.1", 80)
    for wait in (0, 299.9, 0.1, 299.9):
        clock.advance(wait)
        guard.admit(route, request, LOCKED)

    assert asked == ["a", "a"]
