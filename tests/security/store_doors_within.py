"""The doors of events, and those of what is kept already, for the walks of test_store_walks.py."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any, ClassVar

from reelay.errors import StoreFailed
from reelay.jobs import QUEUE_LEASE_SECONDS
from tests.e2e.event_house import EventHouse
from tests.e2e.local_house import Reply
from tests.e2e.test_event_triggers import created, outcome
from tests.security.store_doors import CHAT, Door, ask, whole

DONE: dict[str, Any] = {"batchItemFailures": []}


class Work(Door):
    """A worker."""

    def prepare(self) -> None:
        self.house.take_in(self.house.message(ask("sora-2")))
        (self.job,) = self.house.jobs()

    def go(self) -> None:
        self.done = self.house.work(self.job) == DONE
        assert self.done or self.posts == 0, "nothing was sent, or the message is done with"

    def again(self) -> None:
        assert self.house.work(self.job) == DONE

    def too_often(self) -> None:
        self.again()


class Message(Door):
    """The intake."""

    def prepare(self) -> None:
        self.event = self.house.message({**ask("sim-text"), "idempotency_key": "order-7"})

    def go(self) -> None:
        self.done = self.house.take_in(self.event) == DONE
        assert self.posts == 0

    def again(self) -> None:
        assert self.house.take_in(self.event) == DONE

    def too_often(self) -> None:
        self.again()
        assert self.house.jobs() == []


class File(Message):
    def prepare(self) -> None:
        self.event = self.house.message(created(self.house, "inbox/a.json", json.dumps(ask("sim-text")).encode()))

    def hold(self) -> None:
        assert outcome(self.house, "outbox/a.json")["object"] == "chat.completion"


def lost(house: EventHouse) -> None:
    """A job whose message was lost, and the mark of one whose record never came."""
    house.take_in(house.message(ask("sim-text")))
    house.jobs()
    (mark,) = house.marks()
    house.s3.put_object(Bucket=house.bucket, Key=mark.replace("open/0", "open/1"), Body=b"")


class Sweep(Door):
    def prepare(self) -> None:
        lost(self.house)
        self.ground.clock.advance(QUEUE_LEASE_SECONDS)

    def go(self) -> None:
        with suppress(StoreFailed):  # the marks could not be listed: the schedule comes again
            self.house.sweep()
            self.done = True
        assert self.posts == 0

    def again(self) -> None:
        self.house.sweep()


class Retrieve(Door):
    """A completion that is there already, and one call about it."""

    method: ClassVar[str] = "GET"
    body: ClassVar[Any] = None

    def prepare(self) -> None:
        self.id = self.house.create("sim-text", metadata={"project": "old"}).frames[0]["id"]

    def go(self) -> None:
        reply = self.call()
        self.done = reply.status == 200 and self.right(reply)
        assert self.done or (reply.status, reply.error["code"]) == (503, "store_unavailable")
        assert self.posts == 1

    def again(self) -> None:
        assert self.right(self.call())

    def call(self) -> Reply:
        return self.house.call(self.method, self.path, body=self.body)

    @property
    def path(self) -> str:
        return f"{CHAT}/{self.id}"

    def right(self, reply: Reply) -> bool:
        return whole(reply)


class Page(Retrieve):
    path = CHAT

    def right(self, reply: Reply) -> bool:
        return [each["id"] for each in reply.json["data"]] == [self.id]


class Update(Retrieve):
    method, body = "POST", {"metadata": {"project": "new"}}

    def right(self, reply: Reply) -> bool:
        return whole(reply) and reply.json["metadata"] == {"project": "new"}

    def hold(self) -> None:
        assert [record.metadata for record in self.ground.records()] == [{"project": "new"}]


class Delete(Retrieve):
    method, kept = "DELETE", 0

    def again(self) -> None:
        assert self.call().status in (200, 404)

    def too_often(self) -> None:
        assert self.call().status == 404

    def right(self, reply: Reply) -> bool:
        return bool(reply.json["deleted"])

    def hold(self) -> None:
        assert self.house.objects() == []
