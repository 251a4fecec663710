"""Keys, prompts and bodies, looked for wherever they do not belong."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator

import pytest

from reelay.settings import SERVICE
from tests.e2e.event_house import SERVICE_KEY, EventHouse
from tests.e2e.local_house import Reply
from tests.e2e.test_event_triggers import created
from tests.integration.fault_server import FaultServer, Script, http, replies
from tests.security.callers import CHAT, FILM, call

OURS, CALLERS = "rk-caller-0123456789abc", "sk-caller-0123456789"
KEYS = (OURS, CALLERS, SERVICE_KEY)
PROMPT = "the-callers-own-words"
ASK = {"messages": [{"role": "user", "content": PROMPT}], "user": PROMPT, "metadata": {"label": PROMPT}, "stream": True}
SCENES = ("sora-2", "sim-text", "sim-cut", "sim-401", "sim-400-invalid-request", "sim-stream-error", "sim-html-200")
STREAM = "text/event-stream"
ECHOES = [(f"{status} x", "application/json") for status in (400, 401, 403, 404, 429, 500, 503, 200)] + [
    ("200 OK", STREAM)
]
BAD = [f'{{"model": "{PROMPT}", ', f'{{"model": "m", "{PROMPT}": NaN}}', f'{{"model": "m", "messages": ["{PROMPT}"]}}']


@pytest.fixture
def log(events: EventHouse) -> Iterator[Callable[[], str]]:  # noqa: ARG001 - which makes the logger
    """All that is logged from here on, as Powertools writes it."""
    logger, written = logging.getLogger(SERVICE), io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logger.handlers[0].formatter)
    logger.addHandler(handler)
    yield written.getvalue
    logger.removeHandler(handler)


def in_the_bucket(house: EventHouse) -> dict[str, bytes]:
    listed = house.s3.list_objects_v2(Bucket=house.bucket)["Contents"]
    return {each["Key"]: house.s3.get_object(Bucket=house.bucket, Key=each["Key"])["Body"].read() for each in listed}


def shown(reply: Reply) -> str:
    return reply.body.decode() + json.dumps(dict(reply.headers))


@pytest.mark.case("secrets-shown")
def test_no_key_is_in_an_answer_the_bucket_an_event_or_a_log(events: EventHouse, log: Callable[[], str]) -> None:
    seen = []
    for key in (OURS, CALLERS):
        seen += [shown(call(events, "POST", CHAT, key, {**ASK, "model": scene})) for scene in SCENES]
        seen += [shown(call(events, "POST", FILM, key, {"prompt": PROMPT, "model": "sora-2"}))]
        seen += [shown(call(events, "GET", path, key)) for path in (CHAT, FILM, f"{FILM}/x", f"{CHAT}?limit=x")]
    events.take_in(events.message({**ASK, "model": "sora-2"}))
    events.work_off()
    kept = in_the_bucket(events)
    told, logged = json.dumps(events.notices()), log()
    assert f"Bearer {SERVICE_KEY}" in {each.headers["authorization"] for each in events.simulator.requests}
    assert '"message":"relayed"' in logged
    assert "Completion Failed" in told
    for key in KEYS:
        assert not [each for each in (*seen, *kept, told, logged) if key in each]
        assert not [place for place, content in kept.items() if key.encode() in content]


@pytest.mark.case("secrets-shown")
def test_no_prompt_is_in_an_event_a_log_or_the_name_of_an_object(events: EventHouse, log: Callable[[], str]) -> None:
    for scene in SCENES:
        call(events, "POST", CHAT, CALLERS, {**ASK, "model": scene, "metadata": {}}, **{"Idempotency-Key": PROMPT})
    events.take_in(events.message({**ASK, "model": "sora-2", "metadata": {}}, Idempotency_Key=PROMPT))
    events.take_in(events.message(created(events, "inbox/a.json", json.dumps({**ASK, "model": "sim-cut"}).encode())))
    events.work_off()
    told, logged = events.notices(), log()
    assert {each["detail-type"] for each in told} >= {"Completion Completed", "Completion Failed", "Media Archived"}
    for notice in told:
        notice["detail"].pop("metadata", None)  # which senders put there to have it back
        assert PROMPT not in json.dumps(notice)
    assert '"message":"relayed"' in logged
    assert PROMPT not in logged + json.dumps(list(in_the_bucket(events)))
    assert ".mp4" not in logged


@pytest.mark.case("secrets-shown")
@pytest.mark.parametrize("body", BAD)
def test_a_body_that_is_refused_is_repeated_nowhere(events: EventHouse, log: Callable[[], str], body: str) -> None:
    seen = []
    for key in (OURS, CALLERS):
        refused = call(events, "POST", CHAT, key, body)
        assert refused.status == 400
        seen.append(shown(refused))
    events.take_in(events.message(body))
    events.take_in(events.message(created(events, "inbox/a.json", body.encode())))
    kept = in_the_bucket(events)
    assert kept.pop("inbox/a.json") == body.encode(), "what its sender put there"
    assert b"error" in kept["outbox/a.json"]
    assert not [place for place, content in kept.items() if PROMPT.encode() in content]
    assert PROMPT not in "".join([*seen, json.dumps(events.notices()), log()])


def echo(status: str, kind: str, key: str) -> Script:
    """An upstream that repeats the key wherever an error has room for it."""
    said = json.dumps({"error": {"message": f"Bad key {key}.", "code": f"bad {key}", "param": key}})
    body = f"data: {said}\n\ndata: [DONE]\n\n" if kind == STREAM else said
    return replies(http(status, body.encode(), Content_Type=kind, Retry_After="60"))


@pytest.mark.case("secrets-shown")
@pytest.mark.parametrize("key", [OURS, CALLERS])
def test_a_key_that_the_upstream_repeats_goes_no_further(events: EventHouse, log: Callable[[], str], key: str) -> None:
    paid_with = SERVICE_KEY if key == OURS else CALLERS
    scripts = [echo(status, kind, paid_with) for status, kind in ECHOES]
    with FaultServer(*scripts) as server:
        house = EventHouse(events.simulator, events.s3, events.bucket, upstream_base_url=server.url)
        for _ in scripts:
            assert paid_with not in shown(call(house, "POST", CHAT, key, {**ASK, "model": "sora-2"}))
        if key == OURS:  # which pays for events too
            house.take_in(house.message({**ASK, "model": "sora-2"}))
            house.work_off()
        assert len(server.posts) == len(scripts) + (key == OURS)
    kept = in_the_bucket(house)
    assert len([place for place in kept if "/records/" in place]) == len(server.posts)
    assert not [place for place, content in kept.items() if paid_with.encode() in content]
    assert paid_with not in json.dumps(house.notices()) + log()
