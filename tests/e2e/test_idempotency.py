"""Never pay twice: keys, an SDK's own repetitions, and attempts that run at the same moment, through the door."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest

from dev.simulator import Simulator
from dev.stack import running
from reelay.model import Phase
from tests.e2e.local_house import PROMPT, LocalHouse, Reply

ASK: Any = {"model": "sora-2", "messages": [{"role": "user", "content": PROMPT}], "stream": True}


def asked(house: LocalHouse, key: str = "one", **more: Any) -> Reply:
    return house.post({**ASK, **more}, Idempotency_Key=key)


@pytest.mark.case("same-key")
def test_the_same_key_one_after_another_is_one_record_told_again_as_it_is_asked_for(house: LocalHouse) -> None:
    first = asked(house)
    streamed = asked(house)
    assert streamed.content == first.content
    assert streamed.headers["x-reelay-replayed"] == "true"
    assert streamed.headers["Content-Location"] == first.headers["Content-Location"]
    assert streamed.frames[-1] == "[DONE]"
    assert house.simulator.posts == 1
    assert "x-reelay-replayed" not in first.headers


@pytest.mark.case("same-key")
def test_the_same_json_in_another_order_of_keys_is_the_same(house: LocalHouse) -> None:
    asked(house)
    body = json.dumps(dict(reversed(ASK.items())))
    assert house.post(body, Idempotency_Key="one").headers["x-reelay-replayed"] == "true"
    assert house.simulator.posts == 1


@pytest.mark.case("same-key")
def test_the_same_key_twenty_times_at_once_is_one_paid_call(house: LocalHouse) -> None:
    with ThreadPoolExecutor(20) as pool:
        replies = list(pool.map(lambda _: asked(house), range(20)))
    assert house.simulator.posts == 1
    assert {reply.status for reply in replies} <= {200, 409}
    running_still = [reply for reply in replies if reply.status == 409]
    assert all(int(reply.headers["Retry-After"]) > 0 for reply in running_still)
    places = {reply.headers.get("Content-Location") or reply.headers["Location"] for reply in replies}
    assert len(places) == 1


@pytest.mark.case("same-key")
def test_the_same_key_with_another_body_is_422(house: LocalHouse) -> None:
    asked(house)
    reply = asked(house, model="sora-1")
    assert (reply.status, reply.error["code"]) == (422, "idempotency_key_reused")
    assert house.simulator.posts == 1


@pytest.mark.case("guessed-id", "same-key")
def test_another_tenants_same_key_is_its_own(house: LocalHouse) -> None:
    asked(house)
    other = house.post(ASK, key="sk-somebody-else", Idempotency_Key="one")
    assert "x-reelay-replayed" not in other.headers
    assert house.simulator.posts == 2


@pytest.mark.case("same-key")
@pytest.mark.parametrize("model", ["sim-cut", "sim-500-do-request-failed", "sim-stream-error"])
def test_an_unknown_outcome_is_told_again_and_never_tried_again(house: LocalHouse, model: str) -> None:
    asked(house, model=model)
    again = asked(house, model=model)
    assert again.status >= 500
    assert (again.headers["x-should-retry"], again.headers["x-reelay-replayed"]) == ("false", "true")
    assert house.simulator.posts == 1
    assert house.only_record().phase in (Phase.UNKNOWN, Phase.FAILED)


@pytest.mark.parametrize("key", ["", " ", "a" * 256, "umlaut-ü", "line\nbreak"])
def test_a_key_that_is_none_is_a_400_that_names_the_header(house: LocalHouse, key: str) -> None:
    reply = asked(house, key=key)
    assert reply.status == 400
    assert house.simulator.posts == 0


@pytest.mark.case("sdk-repeats")
def test_an_sdk_that_gives_up_early_and_repeats_itself_leaves_one_paid_call() -> None:
    """A client with a time-out of 1 s and two repetitions of its own, against a job that outlasts them all."""
    with Simulator(gate=threading.Semaphore(3)) as simulator, running(simulator=simulator) as stack:
        client = openai.OpenAI(base_url=f"{stack.url}/v1", api_key=stack.token, timeout=1, max_retries=2)
        whole = {**ASK, "stream": False, "model": "sim-sse-for-whole"}
        with client, pytest.raises((openai.APITimeoutError, openai.ConflictError)):
            client.chat.completions.create(**whole)
        assert simulator.posts == 1
        simulator.step(10_000)
        with openai.OpenAI(base_url=f"{stack.url}/v1", api_key=stack.token, max_retries=20) as patient:
            found: list[Any] = []
            while not found:
                found = patient.chat.completions.list().data
        assert ".mp4" in found[0].choices[0].message.content
        assert simulator.posts == 1
