"""Which API keys let pass, and from where the gateway takes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.local_gateway.place import EVERYTHING, TEMPLATES_KEY, Caller, knock, says


@pytest.mark.parametrize("key", ["given", TEMPLATES_KEY])
def test_a_key_on_a_plan_lets_pass(locked: Caller, key: str) -> None:
    assert knock(locked, says(EVERYTHING, usageIdentifierKey=key)).status == 200


@pytest.mark.parametrize("key", [None, "", "unknown", "disabled", "spare", "without-plan", "of-nothing"])
def test_any_other_key_is_a_403(locked: Caller, locked_log: Path, key: str | None) -> None:
    answer = knock(locked, says(EVERYTHING, usageIdentifierKey=key))

    assert (answer.status, answer.json()) == (403, {"message": "Forbidden"})
    assert "GET /v1/locked 403 INVALID_API_KEY" in locked_log.read_text()


def test_the_header_of_keys_does_not_count_where_the_authorizer_names_them(locked: Caller) -> None:
    token = f"Authorization: {says(EVERYTHING, usageIdentifierKey='unknown')}"
    assert locked.ask("GET", "/v1/locked", None, token, "X-Api-Key: given").status == 403


def test_the_header_of_keys_counts_where_the_api_names_no_other_source(locked: Caller) -> None:
    assert locked.ask("GET", "/v1/with-key-header").status == 403
    assert locked.ask("GET", "/v1/with-key-header", None, "X-Api-Key: unknown").status == 403
    event = locked.ask("GET", "/v1/with-key-header", None, "X-Api-Key: given").json()["event"]
    assert event["requestContext"]["identity"]["apiKey"] == "given"
    assert "authorizer" not in event["requestContext"]


def test_a_route_without_a_key_still_asks_the_authorizer(locked: Caller) -> None:
    assert locked.ask("GET", "/v1/keyless").status == 401
    event = knock(locked, says(EVERYTHING, usageIdentifierKey=None), "/v1/keyless").json()["event"]
    assert event["requestContext"]["authorizer"] == {"principalId": "somebody"}
    assert "apiKey" not in event["requestContext"]["identity"]
