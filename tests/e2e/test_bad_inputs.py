"""Every bad input of the contract's table, through the door: a clear 4xx, nothing sent, nothing kept."""

from __future__ import annotations

import pytest

from dev.simulator import Simulator
from tests.contract.bad_inputs import BAD_INPUTS, PROMPT, BadInput
from tests.e2e.local_house import LocalHouse


@pytest.mark.case(
    "no-token",
    "header-smuggling",
    "cursor-trick",
    "body-too-large",
    "body-many-messages",
    "body-deep",
    "body-not-json",
    "schema-broken",
    "secrets-shown",
)
@pytest.mark.parametrize("bad", BAD_INPUTS, ids=lambda bad: bad.id)
def test_a_bad_input_is_refused_in_clear_words_before_anything_is_paid_or_kept(
    house: LocalHouse, bad: BadInput
) -> None:
    reply = house.serve(bad.event())
    assert (reply.status, reply.error["code"], reply.error["param"]) == (bad.status, bad.code, bad.param)
    assert set(reply.error) == {"message", "type", "param", "code"}
    assert PROMPT not in reply.error["message"]
    assert len(reply.error["message"]) < 2000
    assert (house.simulator.posts, house.objects()) == (0, [])


@pytest.mark.case("no-token")
def test_a_token_is_asked_for_unless_a_development_setting_says_otherwise(
    house: LocalHouse, simulator: Simulator
) -> None:
    body = {"model": "sim-text", "messages": [{"role": "user", "content": "hi"}]}
    refused = house.post(body, key=None)
    assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert simulator.posts == 0
    lenient = LocalHouse(simulator, house.s3, house.bucket, allow_anonymous=True)
    assert lenient.post(body, key=None).status == 200
    assert "authorization" not in simulator.requests[0].headers
