"""The work of each door, typical and faulty: what its function has to be allowed, all of it once at least."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from reelay import documents
from reelay.identity import tenant_of
from reelay.ids import derived_core, new_core
from reelay.jobs import QUEUE_LEASE_SECONDS
from reelay.store import INLINE_REQUEST_BYTES
from reelay.sweep import ORPHAN_SECONDS
from reelay.switch import KEY as SWITCH
from reelay.switch import PAUSE_SECONDS
from tests.e2e.local_house import KEY, PROMPT
from tests.e2e.test_event_triggers import bus_event, created
from tests.security.witnessed import CHAT, Leaving, WitnessedHouse, named

FILM = "/v1/videos"
TENANT = tenant_of(KEY)
LARGE = {"padding": "x" * INLINE_REQUEST_BYTES}
"""A field that the contract does not know, for the simulator repeats what it does know."""
SENT = 1795510800.0
"""Unix time of every message of EventHouse's."""
RECORDS, TRANSCRIPTS = "Bucket/kept/records/*", "Bucket/kept/transcripts/*"


def ask(model: str = "sora-2", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": PROMPT}], "stream": True, **more}


def relay(house: WitnessedHouse) -> None:
    """Streamed and whole, named and repeated, paid by callers and by the service, deleted on the way."""
    for _ in range(2):
        house.stream(ask(**LARGE), Idempotency_Key="large")
        house.stream(ask("sim-text"), X_Stainless_Retry_Count="1")
        house.paid("POST", FILM, {"model": "sim-text", "prompt": PROMPT}, Idempotency_Key="film")
    _claimed_in_vain(house, "vain")
    house.stream(ask("sim-text"), Idempotency_Key="vain")
    house.paid("POST", CHAT, ask("sim-text", stream=False))
    house.stream(ask("sim-cut"))  # in doubt, which is a worker's to clear up
    house.stream(ask(), Leaving(lambda made: _delete(house, made)))
    with _upload_breaking(house):
        house.stream(ask("sim-huge-video"))


def results(house: WitnessedHouse) -> None:
    """Every operation on one completion and one video, a large request among them."""
    made = _made(house, ask(**LARGE, metadata={"a": "b"}))
    for order in ("asc", "desc"):
        house.call("GET", CHAT, query={"order": order})
        house.call("GET", FILM, query={"order": order})
    for path in (f"{CHAT}/{made}", f"{CHAT}/{made}/messages", f"{FILM}/{made}", f"{CHAT}/{made[:-1]}0"):
        house.call("GET", path)
    assert house.call("GET", f"{FILM}/{made}/content").status == 302
    assert house.call("POST", f"{CHAT}/{made}", body={"metadata": {"a": "c"}}).status == 200
    assert house.call("DELETE", f"{CHAT}/{made}").status == 200
    assert house.call("GET", "/openapi.json", key=None).status == 200
    assert house.call("DELETE", f"{FILM}/{_made(house, ask('sim-text'))}").status in (200, 404)


def intake(house: WitnessedHouse) -> None:
    """Every trigger, good and bad, once and again, and what its owner deletes at the same moment."""
    film = {"prompt": PROMPT, "model": "sim-text"}
    for _ in range(2):
        house.take_in(house.batch(("m-1", ask(**LARGE)), ("m-2", bus_event(film)), ("m-3", "{")))
        house.take_in(house.message(ask("sim-text"), "m-4", Idempotency_Key="named"))
        house.take_in(ask("sim-text"), "r-1")
    good, gone = (created(house, f"inbox/{name}.json", json.dumps(ask("sim-text")).encode()) for name in "ab")
    house.s3.delete_object(Bucket=house.bucket, Key="inbox/b.json")
    house.take_in(house.batch(("m-5", good), ("m-6", gone), ("m-7", created(house, "inbox/c", b"{"))))
    house.witness.interfere("s3:PutObject", RECORDS, lambda: _deleted_before(house, "m-8"))
    house.take_in(house.message(ask("sim-text"), "m-8"))


def worker(house: WitnessedHouse) -> None:
    """What the others left, a busy upstream, doubt, a copy that breaks, and what its owner deletes on the way."""
    house.work_off()
    for model in ("sim-429", "sim-cut"):
        body = _job(house, ask(model), model)
        for _ in range(3):
            house.work(body)
            house.clock.advance(40)
    body = _job(house, ask(), "deleted")
    record = json.loads(body)
    house.witness.interfere("s3:PutObject", TRANSCRIPTS, lambda: _delete(house, f"chatcmpl-{record['id']}"))
    house.work(body)
    house.work(body)  # there is no such record any more
    with _upload_breaking(house):
        house.work(_job(house, ask("sim-huge-video"), "huge"))


def sweep(house: WitnessedHouse) -> None:
    """A job whose message was lost, one whose function died, and a mark without a record."""
    _job(house, ask(**LARGE), "lost")
    house.s3.put_object(Bucket=house.bucket, Key=documents.watch_key(TENANT, new_core(house.clock.now())), Body=b"")
    house.clock.advance(max(QUEUE_LEASE_SECONDS, ORPHAN_SECONDS) + 1)
    assert house.sweep() > 0


def _made(house: WitnessedHouse, body: dict[str, Any]) -> str:
    made = named(house.stream(body))
    assert made
    return made


def _job(house: WitnessedHouse, body: dict[str, Any], name: str) -> str:
    """A job on its way to the worker: its message, which nobody else gets."""
    house.take_in(house.message(body, name))
    (message,) = house.jobs()
    return message


def _delete(house: WitnessedHouse, made: str) -> None:
    assert house.call("DELETE", f"{CHAT}/{made}").status == 200


def _deleted_before(house: WitnessedHouse, message: str) -> None:
    """The traces of a record that its owner deleted, and of a run that wrote once more after that."""
    core = derived_core(SENT, f"sqs {message}")
    for key in (documents.deleted_key(TENANT, core), documents.media_prefix(TENANT, core) + "late.mp4"):
        house.s3.put_object(Bucket=house.bucket, Key=key, Body=b"")


def _claimed_in_vain(house: WitnessedHouse, key: str) -> None:
    """A name is claimed, and no record follows, because all paid calls are stopped."""
    house.s3.put_object(Bucket=house.bucket, Key=SWITCH, Body=b"")
    house.clock.advance(PAUSE_SECONDS)
    assert house.stream(ask("sim-text"), Idempotency_Key=key).status == 503
    house.s3.delete_object(Bucket=house.bucket, Key=SWITCH)
    house.clock.advance(PAUSE_SECONDS)


@contextmanager
def _upload_breaking(house: WitnessedHouse) -> Iterator[None]:
    """Every part of a file is refused, as by an S3 whose client has tried often enough."""

    client = house.house.upload.client

    def refuse(**_: Any) -> Any:
        error = {"Error": {"Code": "SlowDown", "Message": "x"}, "ResponseMetadata": {"HTTPStatusCode": 503}}
        return type("Response", (), {"status_code": 503, "headers": {}})(), error

    client.meta.events.register("before-call.s3.UploadPart", refuse)
    yield
    client.meta.events.unregister("before-call.s3.UploadPart", refuse)
