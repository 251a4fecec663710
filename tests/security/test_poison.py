"""Messages and files that make no sense: told or done with, and never again and again; the others go on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reelay.drops import KEY_BYTES, outcome_key
from reelay.model import Phase
from tests.e2e.event_house import EventHouse
from tests.e2e.local_house import Context
from tests.e2e.test_event_triggers import created, outcome
from tests.security.store_doors import ask

DONE: dict[str, Any] = {"batchItemFailures": []}
MIB = 1024 * 1024

ODD_NAMES = {
    "signs of URLs": "a b+c&d=e?f#g.json",
    "scripts": "köln/犬 🐕.json",
    "escapes": "%2e%2e%2Fx.json",
    "a way out": "../../kept/records/x.json",
    "control characters": "\t\x07.json",
    "quotes": "'\"<b>.json",
    "no name": ".json",
    "no folder": "a//b",
    "the outbox": "outbox/a.json",
    "the inbox": "inbox/a.json",
    "the longest": "x" * (KEY_BYTES - len("inbox/")),
}


@pytest.mark.case("poison-message")
def test_one_poisonous_message_in_a_batch_of_jobs_leaves_the_others_alone(events: EventHouse) -> None:
    for name in ("m-1", "m-2"):
        events.take_in(events.message(ask("sim-text"), name))
    good, deleted = events.jobs()
    events.call("DELETE", f"/v1/chat/completions/chatcmpl-{json.loads(deleted)['id']}")
    unknown = json.dumps({**json.loads(good), "tenant": "f" * 32})
    bad = ["", "{", "null", "[]", '{"tenant": "../x", "id": "y"}', "\ud800", unknown, deleted]
    batch = events.batch(*((f"j-{number}", body) for number, body in enumerate([*bad, good])))
    assert events.house.worker().serve(batch, Context()) == DONE, "none of them comes again"
    (record,) = [events.only_record()]
    assert (record.phase, record.id) == (Phase.COMPLETED, json.loads(good)["id"])
    assert (events.simulator.posts, events.jobs(), events.marks()) == (1, [], [])


@pytest.mark.case("poison-message")
@pytest.mark.parametrize("name", list(ODD_NAMES.values()), ids=list(ODD_NAMES))
def test_a_file_with_an_odd_name_is_answered_beside_it_and_nowhere_else(events: EventHouse, name: str) -> None:
    key = f"inbox/{name}"
    dropped = events.message(created(events, key, b"not json"))
    assert [events.take_in(dropped) for _ in range(2)] == [DONE, DONE]
    assert outcome(events, outcome_key(key))["error"]["code"] == "invalid_json"
    lying = [item["Key"] for item in events.s3.list_objects_v2(Bucket=events.bucket)["Contents"]]
    assert sorted(each for each in lying if not each.startswith(("kept/", "claims/"))) == sorted(
        [key, outcome_key(key)]
    )
    assert (len(events.objects()), events.simulator.posts, events.jobs(), events.marks()) == (1, 0, [], [])


@pytest.mark.case("poison-message")
@pytest.mark.parametrize(("size", "code"), [(0, "invalid_request"), (50 * MIB, "request_too_large")])
def test_a_file_of_nothing_or_of_50_mb_is_told_once_and_sends_nothing(events: EventHouse, size: int, code: str) -> None:
    dropped = events.message(created(events, "inbox/a.json", bytes(size)))
    again = events.message({"detail-type": "Object Created", "source": "aws.s3", "detail": {}}, "m-2")
    assert [events.take_in(each) for each in (dropped, dropped, again)] == [DONE] * 3
    assert outcome(events, "outbox/a.json")["error"]["code"] == code
    assert (events.simulator.posts, events.jobs(), events.marks()) == (0, [], [])
