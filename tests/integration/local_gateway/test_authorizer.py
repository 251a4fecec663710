"""Whom the authorizer lets in: tokens, policies, and answers that are none."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from tests.integration.local_gateway.place import EVERYTHING, LOCKED, TEMPLATES_KEY, Caller, knock, says


@pytest.mark.parametrize(
    "headers",
    [
        [],
        ["Authorization:"],
        ["Authorization: Basic Zm9v"],
        ["Authorization: Bearer"],
        [f"Authorization: {says(EVERYTHING)} more"],
        [f"Authorization: x{says(EVERYTHING)}"],
        [f"X-Api-Key: {TEMPLATES_KEY}"],
        ["Authorization: Bearer unauthorized"],
    ],
)
def test_a_token_that_is_missing_malformed_or_refused_is_a_401(locked: Caller, headers: list[str]) -> None:
    answer = locked.ask("GET", "/v1/locked", None, *headers)

    assert (answer.status, answer.json()) == (401, {"who": "are you"})
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_malformed_token_never_reaches_the_authorizer(locked: Caller, locked_log: Path) -> None:
    assert knock(locked, "Bearer fails!").status == 401
    assert "does not match the ValidationExpression" in locked_log.read_text()


def test_who_is_let_in_is_known_to_the_door(locked: Caller) -> None:
    context = {"payer": "them", "count": 3, "share": 0.5, "paid": True, "was": "{event}", "asked": "{arn}"}
    shown = knock(locked, says(EVERYTHING, context=context)).json()["event"]

    assert shown["requestContext"]["authorizer"] == {
        "principalId": "somebody",
        "payer": "them",
        "count": "3",
        "share": "0.5",
        "paid": "true",
        "was": "TOKEN authorizationToken methodArn type",
        "asked": LOCKED,
    }
    assert shown["requestContext"]["identity"]["apiKey"] == "given"


@pytest.mark.parametrize(
    "statements",
    [
        [EVERYTHING | {"Resource": LOCKED}],
        [EVERYTHING | {"Resource": LOCKED.replace("GET/v1/locked", "*")}],
        [EVERYTHING | {"Resource": LOCKED.replace("GET", "G?T")}],
        [EVERYTHING | {"Resource": [LOCKED + "/not", "arn:*:local/*/GET/*"]}],
        [EVERYTHING | {"Action": ["s3:*", "Execute-API:*"]}],
        [EVERYTHING | {"Action": "*"}],
        [EVERYTHING, EVERYTHING | {"Effect": "Deny", "Resource": LOCKED + "/*"}],
    ],
)
def test_a_policy_that_allows_the_method_lets_it_pass(locked: Caller, statements: list[Any]) -> None:
    assert knock(locked, says(*statements)).status == 200


@pytest.mark.parametrize(
    "statements",
    [
        [],
        [EVERYTHING | {"Effect": "Deny"}],
        [EVERYTHING, EVERYTHING | {"Effect": "Deny", "Resource": "*/GET/v1/*"}],
        [EVERYTHING | {"Resource": LOCKED + "/*"}],
        [EVERYTHING | {"Resource": LOCKED.removesuffix("ed")}],
        [EVERYTHING | {"Resource": LOCKED.upper()}],
        [EVERYTHING | {"Resource": LOCKED.replace(".", "*").replace("GET", "[A-Z]*")}],
        [EVERYTHING | {"Resource": LOCKED.replace("GET", "POST")}],
        [EVERYTHING | {"Action": "execute-api:ManageConnections"}],
    ],
)
def test_a_policy_that_does_not_allow_the_method_is_a_403(
    locked: Caller, locked_log: Path, statements: list[Any]
) -> None:
    answer = knock(locked, says(*statements))

    assert (answer.status, answer.json()) == (403, {"message": "User is not authorized to access this resource"})
    assert "GET /v1/locked 403 ACCESS_DENIED" in locked_log.read_text()


@pytest.mark.parametrize(
    "token",
    [
        "Bearer fails",
        "Bearer AAAA",
        says(EVERYTHING, principalId=None),
        says(EVERYTHING, policyDocument={}),
        says(EVERYTHING, context={"nested": {}}),
        says(EVERYTHING, context=["a list"]),
        says(EVERYTHING, usageIdentifierKey=1),
        says("a word"),
        says(EVERYTHING | {"Effect": "Perhaps"}),
        says(EVERYTHING | {"Resource": [1]}),
        says(EVERYTHING | {"Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.1"}}}),
        "Bearer " + base64.urlsafe_b64encode(b"null").decode(),
    ],
)
def test_an_authorizer_that_fails_or_gives_no_answer_is_a_500_and_lets_nobody_in(locked: Caller, token: str) -> None:
    answer = knock(locked, token)

    assert (answer.status, answer.json()) == (500, {"failed": "AUTHORIZER_CONFIGURATION_ERROR"})


def test_an_authorizer_that_cannot_be_started_is_a_500(locked: Caller, locked_log: Path) -> None:
    assert knock(locked, says(EVERYTHING), "/v1/unguarded").status == 500
    assert "MissingFunction cannot be asked" in locked_log.read_text()


def test_an_open_route_asks_nobody(locked: Caller) -> None:
    event = locked.ask("GET", "/v1/open", None, "Authorization: Bearer fails").json()["event"]

    assert "authorizer" not in event["requestContext"]


def test_an_unknown_path_asks_nobody(locked: Caller) -> None:
    assert knock(locked, "Bearer fails", "/v1/nowhere").json() == {"message": "Missing Authentication Token"}


def test_of_two_tokens_the_authorizer_gets_the_last_and_the_door_both(locked: Caller) -> None:
    first, last = says(EVERYTHING, principalId="first"), says(EVERYTHING, principalId="last")
    answer = locked.ask("GET", "/v1/locked", None, f"Authorization: {first}", f"authorization: {last}")
    event = answer.json()["event"]

    assert event["requestContext"]["authorizer"]["principalId"] == "last"
    assert event["multiValueHeaders"]["Authorization"] == [first, last]
    swapped = locked.ask("GET", "/v1/locked", None, f"Authorization: {first}", "Authorization: Bearer unauthorized")
    assert swapped.status == 401


def test_no_token_and_no_key_is_on_the_log(locked: Caller, locked_log: Path) -> None:
    refused = says(EVERYTHING, usageIdentifierKey="a-secret-of-somebodys")
    for token in (refused, says(EVERYTHING, context={"nested": {}}), f"{refused} more"):
        assert knock(locked, token).status in (401, 403, 500)
        assert token.removeprefix("Bearer ") not in locked_log.read_text()
    assert "a-secret-of-somebodys" not in locked_log.read_text()
