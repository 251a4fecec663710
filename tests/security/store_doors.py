"""Every door that S3 can fail, as the walks of test_store_walks.py go through it: once under trouble, and once more
when the trouble is over, as a caller, a queue or the schedule comes again."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from reelay.documents import decode
from reelay.errors import StoreFailed
from reelay.ids import completion_id
from reelay.jobs import QUEUE_LEASE_SECONDS
from reelay.model import Record
from tests.e2e.event_house import EventHouse
from tests.e2e.local_house import PROMPT, Reply
from tests.e2e.test_event_triggers import created, outcome
from tests.e2e.test_service_pays import call
from tests.fakes import FakeClock

CHAT, FILMS = "/v1/chat/completions", "/v1/videos"
DONE: dict[str, Any] = {"batchItemFailures": []}


def ask(model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": PROMPT}], **more}


def whole(reply: Reply) -> bool:
    """Whether it is the answer to its end."""
    if "event-stream" in reply.headers["Content-Type"]:
        return reply.frames[-1] == "[DONE]" and not any("error" in frame for frame in reply.frames[:-1])
    return reply.json["object"] == "video" or reply.json["choices"][0]["finish_reason"] == "stop"


class Door:
    """`done` says whether whoever came under trouble was told that it was done."""

    def __init__(self, house: EventHouse, clock: FakeClock) -> None:
        self.house, self.clock = house, clock
        self.done = False
        self.before = house.simulator.posts

    def prepare(self) -> None:
        """What is there before."""

    def go(self) -> None:
        raise NotImplementedError

    def again(self) -> None:
        raise NotImplementedError

    @property
    def posts(self) -> int:
        return self.house.simulator.posts - self.before

    def heard(self, reply: Reply, *, rivals: bool = True) -> bool:
        """Whether it was the answer; else it is a true error, and nothing was charged."""
        if reply.status == 200:
            assert whole(reply)
            return True
        busy = (409, "not_ready") if rivals else (503, "store_unavailable")
        assert (reply.status, reply.error["code"]) in {busy, (503, "store_unavailable")}
        assert "x-should-retry" not in reply.headers, "coming again is right"
        assert reply.status != 409 or {"Retry-After", "Location"} <= set(reply.headers)
        return False

    def records(self) -> list[Record]:
        places = [key for key in self.house.objects() if "/records/" in key]
        read = (self.house.s3.get_object(Bucket=self.house.bucket, Key=key)["Body"].read() for key in places)
        return [decode(raw).record for raw in read]

    def read(self, record: Record) -> Reply:
        return self.house.call("GET", f"{CHAT}/{completion_id(record.id)}")

    def hold(self) -> None:
        """What is so in the end beside what is of every door."""


class Streamed(Door):
    def go(self) -> None:
        pieces = self.house.live("sora-2")
        self.done = self.heard(Reply(pieces.status, pieces.headers, b"".join(pieces.sent)))
        assert self.done == bool(self.posts)

    def again(self) -> None:
        if not self.done:  # told that nothing was charged, and to come again
            assert self.heard(self.house.create("sora-2"))


class Whole(Door):
    def go(self) -> None:
        self.done = self.heard(self.house.create("sim-text", stream=False))
        assert self.done == bool(self.posts)

    def again(self) -> None:
        if not self.done:
            assert self.heard(self.house.create("sim-text", stream=False))


class Keyed(Door):
    def go(self) -> None:
        self.done = self.heard(self._ask())
        assert self.done == bool(self.posts)

    def again(self) -> None:
        for _ in range(2):
            self.heard(self._ask())

    def hold(self) -> None:
        last = self._ask()
        assert last.headers["x-reelay-replayed"] == "true"
        if last.status != 200:  # written ahead by somebody who then was gone, as far as anybody can tell
            assert (last.status, last.error["code"], last.headers["x-should-retry"]) == (502, "outcome_unknown", "false")

    def _ask(self) -> Reply:
        return self.house.post(ask("sim-text", stream=True), Idempotency_Key="order-7")


class Film(Door):
    """A video that the service pays for, asked for by an SDK that repeats itself."""

    def go(self) -> None:
        self.done = self.heard(self._ask(0))
        assert self.posts == 0

    def again(self) -> None:
        assert self.heard(self._ask(1))
        self.house.work_off()

    def read(self, record: Record) -> Reply:
        return call(self.house, "GET", f"{CHAT}/{completion_id(record.id)}")

    def _ask(self, repeats: int) -> Reply:
        body = {"model": "sim-text", "prompt": PROMPT}
        return call(self.house, "POST", FILMS, body, X_Stainless_Retry_Count=str(repeats))


class Work(Door):
    def prepare(self) -> None:
        self.house.take_in(self.house.message(ask("sora-2")))
        (self.job,) = self.house.jobs()

    def go(self) -> None:
        self.done = self.house.work(self.job) == DONE
        assert self.done or self.posts == 0, "a message whose job was posted must not come again"

    def again(self) -> None:
        assert self.house.work(self.job) == DONE


class Message(Door):
    def go(self) -> None:
        self.done = self._take_in()
        assert self.posts == 0

    def again(self) -> None:
        assert self._take_in()
        self.house.work_off()

    def _take_in(self) -> bool:
        told: bool = self.house.take_in(self.event()) == DONE
        return told

    def event(self) -> dict[str, Any]:
        return self.house.message({**ask("sim-text"), "idempotency_key": "order-7"})


class File(Message):
    def prepare(self) -> None:
        self.file = self.house.message(created(self.house, "inbox/a.json", json.dumps(ask("sim-text")).encode()))

    def event(self) -> dict[str, Any]:
        return self.file

    def hold(self) -> None:
        assert outcome(self.house, "outbox/a.json")["object"] == "chat.completion"


class Sweep(Door):
    """A job whose message was lost, and behind it one whose record never came."""

    def prepare(self) -> None:
        self.house.take_in(self.house.message(ask("sim-text")))
        self.house.jobs()
        (mark,) = self.house.marks()
        self.house.s3.put_object(Bucket=self.house.bucket, Key=mark.replace("open/0", "open/1"), Body=b"")
        self.clock.advance(QUEUE_LEASE_SECONDS)

    def go(self) -> None:
        with suppress(StoreFailed):  # the markers could not be listed: the schedule comes again
            self.house.sweep()
            self.done = True
        assert self.posts == 0

    def again(self) -> None:
        self.house.sweep()
        self.house.work_off()


class Kept(Door):
    """A completion that is there already, and one call to it."""

    method, body = "GET", None

    def prepare(self) -> None:
        frames = self.house.create("sim-text", metadata={"project": "old"}).frames
        self.path = f"{CHAT}/{frames[0]['id']}"

    def go(self) -> None:
        self.done = self._called()
        assert self.posts == 1

    def again(self) -> None:
        assert self._called()

    def _called(self) -> bool:
        reply = self.house.call(self.method, self.path, body=self.body)
        if reply.status != 200:
            assert (reply.status, reply.error["code"]) == (503, "store_unavailable")
            assert "x-should-retry" not in reply.headers
            return False
        assert self.right(reply)
        return True

    def right(self, reply: Reply) -> bool:
        return whole(reply)


class Retrieve(Kept):
    pass


class Page(Kept):
    def prepare(self) -> None:
        super().prepare()
        self.path, self.id = CHAT, self.path.rpartition("/")[2]

    def right(self, reply: Reply) -> bool:
        return [each["id"] for each in reply.json["data"]] == [self.id]


class Update(Kept):
    method, body = "POST", {"metadata": {"project": "new"}}

    def right(self, reply: Reply) -> bool:
        return whole(reply) and reply.json["metadata"] == {"project": "new"}

    def hold(self) -> None:
        assert [record.metadata for record in self.records()] == [{"project": "new"}]


class Delete(Kept):
    method = "DELETE"

    def again(self) -> None:
        reply = self.house.call(self.method, self.path)
        assert reply.status == 404 if self.done else reply.status in (200, 404)

    def right(self, reply: Reply) -> bool:
        return bool(reply.json["deleted"])

    def hold(self) -> None:
        assert self.house.objects() == []
