"""Reelay's own keys: the service pays, and neither its key nor a caller's is ever where it does not belong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dev.simulator import Simulator
from reelay.s3 import s3_client
from tests.contract.proxy_events import rest_event
from tests.e2e.event_house import SERVICE_KEY, EventHouse
from tests.e2e.local_house import PROMPT, Reply

OWN = "rk-0123456789abcdefghij"
CHAT, FILM = "/v1/chat/completions", "/v1/videos"


def ask(model: str = "sora-2", **more: Any) -> Any:
    return {"model": model, "messages": [{"role": "user", "content": PROMPT}], "stream": True, **more}


def call(
    events: EventHouse, method: str, path: str, body: Any = None, *, payer: str | None = "service", **headers: str
) -> Reply:
    """As API Gateway hands a request on after the authorizer let it in."""
    sent = {"Authorization": f"Bearer {OWN}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    if body is not None:
        sent["Content-Type"] = "application/json"
    event = rest_event(method, path, headers=sent, body=None if body is None else json.dumps(body))
    if payer is not None:
        event["requestContext"]["authorizer"] = {"payer": payer, "principalId": "p"}
    return events.serve(event)


def sent_keys(events: EventHouse) -> list[str]:
    return [request.headers.get("authorization", "") for request in events.simulator.requests]


def test_a_completion_is_paid_with_the_services_key_and_belongs_to_the_callers(events: EventHouse) -> None:
    one = call(events, "POST", CHAT, ask()).frames[0]["id"]
    assert sent_keys(events) == [f"Bearer {SERVICE_KEY}"]
    assert call(events, "GET", f"{CHAT}/{one}").json["media"][0]["status"] == "archived"
    assert events.call("GET", f"{CHAT}/{one}").status == 404, "another caller's"


@pytest.mark.case("service-key-without-ours")
@pytest.mark.parametrize("payer", [None, "caller", "SERVICE", ""])
def test_a_key_of_ours_that_nobody_vouched_for_opens_nothing_and_goes_nowhere(
    events: EventHouse, payer: str | None
) -> None:
    for method, path, body in (("POST", CHAT, ask()), ("POST", FILM, {"prompt": "x"}), ("GET", CHAT, None)):
        assert call(events, method, path, body, payer=payer).status == 401
    assert (events.simulator.posts, events.objects()) == (0, [])


@pytest.mark.case("service-key-without-ours")
def test_a_callers_own_key_is_never_paid_for_by_the_service(events: EventHouse) -> None:
    event = rest_event("POST", CHAT, headers={"Authorization": "Bearer sk-1", "Content-Type": "application/json"},
                       body=json.dumps(ask()))  # fmt: skip
    event["requestContext"]["authorizer"] = {"payer": "service"}
    assert events.serve(event).status == 401
    events.create("sim-text")
    assert SERVICE_KEY not in str(sent_keys(events))


def test_a_video_is_a_job_for_the_worker(events: EventHouse) -> None:
    made = call(events, "POST", FILM, {"prompt": PROMPT, "model": "sora-2"}, Idempotency_Key="k")
    assert (made.status, made.json["status"], events.simulator.posts) == (200, "queued", 0)
    again = call(events, "POST", FILM, {"prompt": PROMPT, "model": "sora-2"}, Idempotency_Key="k")
    assert (again.json["id"], again.headers["x-reelay-replayed"]) == (made.json["id"], "true")
    assert [each["id"] for each in call(events, "GET", FILM).json["data"]] == [made.json["id"]]
    events.work_off()
    done = call(events, "GET", f"{FILM}/{made.json['id']}").json
    assert (done["status"], events.simulator.posts, events.marks()) == ("completed", 1, [])
    assert sent_keys(events) == [f"Bearer {SERVICE_KEY}"]


@pytest.mark.case("upstream-401")
def test_a_service_key_that_is_not_taken_is_told_as_ours_and_read_anew(events: EventHouse) -> None:
    refused = call(events, "POST", CHAT, ask("sim-401"))
    assert (refused.status, refused.error["code"]) == (502, "upstream_auth")
    assert "x-should-retry" not in refused.headers, "nothing was charged"
    assert SERVICE_KEY not in refused.body.decode()


@pytest.mark.case("secret-down")
def test_without_the_services_key_nothing_is_sent_or_written(
    simulator: Simulator,
    bucket: str,
    aws_environment: None,  # noqa: ARG001 - sets where AWS is
) -> None:
    house = EventHouse(simulator, s3_client(), bucket, service_key_secret="nowhere")
    refused = call(house, "POST", CHAT, ask())
    assert (refused.status, refused.error["code"]) == (503, "service_key_unavailable")
    assert (simulator.posts, house.objects()) == (0, [])


@pytest.mark.case("secrets-shown")
def test_neither_key_is_in_an_answer_a_record_or_an_event(events: EventHouse) -> None:
    for model in ("sora-2", "sim-cut", "sim-401", "sim-400-invalid-request"):
        reply = call(events, "POST", CHAT, ask(model))
        assert SERVICE_KEY not in reply.body.decode()
        assert OWN not in reply.body.decode() + str(reply.headers)
    kept = [
        events.s3.get_object(Bucket=events.bucket, Key=item["Key"])["Body"].read() + item["Key"].encode()
        for item in events.s3.list_objects_v2(Bucket=events.bucket)["Contents"]
    ]
    told = json.dumps(events.notices())
    for secret in (SERVICE_KEY, OWN):
        assert not [each for each in kept if secret.encode() in each]
        assert secret not in told


@pytest.mark.case("pause")
def test_the_pause_switch_stops_every_paid_call_and_no_read(events: EventHouse) -> None:
    one = events.create("sim-text").frames[0]["id"]
    events.s3.put_object(Bucket=events.bucket, Key="guard/paused", Body=b"the budget is spent")
    later = EventHouse(events.simulator, events.s3, events.bucket)
    for refused in (call(later, "POST", CHAT, ask()), later.create("sim-text")):
        assert (refused.status, refused.error["code"], refused.headers["Retry-After"]) == (503, "paused", "60")
    later.take_in(later.message(ask()))
    later.work_off()
    assert later.simulator.posts == 1
    assert later.call("GET", f"{CHAT}/{one}").status == 200
    events.s3.delete_object(Bucket=events.bucket, Key="guard/paused")
    again = EventHouse(events.simulator, events.s3, events.bucket)
    again.sweep()
    again.work_off()
    assert again.simulator.posts == 2


def test_the_service_pays_for_allowed_models_only(
    simulator: Simulator,
    bucket: str,
    aws_environment: None,  # noqa: ARG001 - sets where AWS is
) -> None:
    house = EventHouse(simulator, s3_client(), bucket, allowed_models=frozenset({"sora-2"}))
    for path, body in ((CHAT, ask("sim-text")), (FILM, {"prompt": "x", "model": "sim-text"})):
        refused = call(house, "POST", path, body)
        assert (refused.status, refused.error["code"], refused.error["param"]) == (403, "model_not_allowed", "model")
    assert call(house, "POST", CHAT, ask(n=2)).error["code"] == "too_many_choices"
    assert house.take_in(ask("sim-text"), request_id="r")["error"]["code"] == "model_not_allowed"
    assert simulator.posts == 0
    house.create("sim-text")
    assert simulator.posts == 1, "what a caller pays for is the caller's to choose"
