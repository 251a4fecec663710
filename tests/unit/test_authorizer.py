"""Who is let in, and who pays: the authorizer's answers, and what a door makes of them."""

from __future__ import annotations

from typing import Any

import pytest

from reelay.authorizer import NotLetIn, answer
from reelay.errors import Unauthorized
from reelay.identity import OWN_PREFIX, tenant_of
from reelay.payer import Payer
from reelay.vouched import payer_of

OWN, OTHER = "rk-0123456789abcdefghij", "sk-0123456789"
CALLERS = "callers-00000000-0000-4000-8000-000000000000"
ARN = "arn:aws:execute-api:eu-central-1:123456789012:abcdef1234/live/POST/v1/chat/completions"


def asked(token: str, callers_key: str | None = CALLERS) -> dict[str, Any]:
    event = {"type": "TOKEN", "authorizationToken": f"Bearer {token}", "methodArn": ARN}
    return answer(event, callers_key)


def effect(told: dict[str, Any]) -> str:
    (statement,) = told["policyDocument"]["Statement"]
    assert statement["Action"] == "execute-api:Invoke"
    assert statement["Resource"] == "arn:aws:execute-api:eu-central-1:123456789012:abcdef1234/live/*"
    return str(statement["Effect"])


def test_one_of_our_keys_is_the_api_key_itself_and_the_service_pays() -> None:
    for callers_key in (CALLERS, None):
        told = asked(OWN, callers_key)
        assert (effect(told), told["context"], told["usageIdentifierKey"]) == ("Allow", {"payer": "service"}, OWN)


def test_any_other_key_is_the_callers_own_under_the_shared_plan_if_that_is_allowed() -> None:
    told = asked(OTHER)
    assert (effect(told), told["context"], told["usageIdentifierKey"]) == ("Allow", {"payer": "caller"}, CALLERS)
    assert effect(asked(OTHER, None)) == "Deny"


def test_the_shared_plans_key_is_no_key_of_ours() -> None:
    assert asked(CALLERS)["context"] == {"payer": "caller"}
    assert not CALLERS.startswith(OWN_PREFIX)


def test_the_principal_does_not_give_the_token_away() -> None:
    assert OWN not in asked(OWN)["principalId"]


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic cms=", f"Bearer {OWN}, Bearer {OTHER}", f"Bearer {OWN}\n", None, 7, []]
)
def test_what_is_no_bearer_token_is_not_let_in(header: Any) -> None:
    with pytest.raises(NotLetIn, match=r"^Unauthorized$"):
        answer({"type": "TOKEN", "authorizationToken": header, "methodArn": ARN}, CALLERS)


def context(payer: object) -> dict[str, Any]:
    return {"requestContext": {"authorizer": {"payer": payer}}}


def test_the_service_pays_only_for_a_key_of_ours_that_the_authorizer_vouched_for() -> None:
    assert payer_of(OWN, context("service")) is Payer.SERVICE
    assert payer_of(OTHER, context("caller")) is Payer.CALLER
    assert payer_of(None, {}) is Payer.CALLER


@pytest.mark.parametrize(
    ("token", "event"),
    [
        (OWN, {}),
        (OWN, {"requestContext": None}),
        (OWN, {"requestContext": {"authorizer": "service"}}),
        (OWN, context("caller")),
        (OWN, context(["service"])),
        (OTHER, context("service")),
        (None, context("service")),
    ],
)
def test_a_key_and_a_word_that_do_not_belong_together_are_refused(token: str | None, event: dict[str, Any]) -> None:
    """The service's key is not spent for a token alone, and a key of ours never goes on to v98store."""
    with pytest.raises(Unauthorized):
        payer_of(token, event)


def test_a_tenant_is_a_keyed_digest() -> None:
    assert tenant_of(OWN, "a") != tenant_of(OWN, "b") != tenant_of(OWN)
    assert tenant_of(OWN, "a") == tenant_of(OWN, "a")
    assert tenant_of(OWN, "x" * 64) == tenant_of(OWN, "x" * 64 + "y"), "BLAKE2b takes 64 bytes"
