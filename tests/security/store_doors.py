"""The doors that S3 can fail, as the walks of test_store_walks.py go through each: once under trouble, and again when
the trouble is over, as a caller, a queue or the schedule comes again. Here those that are asked over HTTP."""

from __future__ import annotations

import json
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from reelay.documents import decode, marker_key, media_prefix, transcript_key
from reelay.ids import completion_id
from reelay.model import Record
from tests.e2e.event_house import EventHouse
from tests.e2e.local_house import PROMPT, Reply
from tests.e2e.test_service_pays import call
from tests.fakes import FakeClock

CHAT, FILMS = "/v1/chat/completions", "/v1/videos"


@dataclass(frozen=True)
class Ground:
    """All doors over one bucket, their clock, and what lies in the bucket, as moto's memory has it."""

    house: EventHouse
    clock: FakeClock
    there: MutableMapping[str, Any]

    def records(self) -> list[Record]:
        return [decode(self.there[key].value).record for key in self.keys("kept/records/")]

    def keys(self, prefix: str) -> list[str]:
        return [key for key in self.there if key.startswith(prefix)]


def ask(model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": PROMPT}], **more}


def whole(reply: Reply) -> bool:
    """Whether it is the answer to its end."""
    if "event-stream" in reply.headers["Content-Type"]:
        return reply.frames[-1] == "[DONE]" and not any("error" in frame for frame in reply.frames[:-1])
    return bool(reply.json["object"] == "video" or reply.json["choices"][0]["finish_reason"] == "stop")


class Door:
    """`done` says whether whoever came under trouble was told that it was done, and `kept` how many completions there
    are in the end for each post."""

    kept = 1

    def __init__(self, ground: Ground) -> None:
        self.ground, self.house = ground, ground.house
        self.done = False
        self._before = ground.house.simulator.posts

    def prepare(self) -> None:
        """What is there before."""

    def go(self) -> None:
        """Through the door, under trouble; what is told is the answer, or a true error."""
        raise NotImplementedError

    def again(self) -> None:
        """Once more, without, for it was not done."""
        raise NotImplementedError

    def too_often(self) -> None:
        """Once more when all is over, as senders and queues may: nothing comes of it."""

    def read(self, record: Record) -> Reply:
        """The record, as its owner sees it."""
        return self.house.call("GET", f"{CHAT}/{completion_id(record.id)}")

    def hold(self) -> None:
        """What is so in the end of this door alone."""

    @property
    def posts(self) -> int:
        return self.house.simulator.posts - self._before

    def heard(self, reply: Reply) -> bool:
        """Whether it was the answer; if not, nothing was charged, and coming again is right."""
        if reply.status == 200:
            assert whole(reply)
            return True
        assert (reply.status, reply.error["code"]) in {(503, "store_unavailable"), (409, "not_ready")}
        assert "x-should-retry" not in reply.headers
        assert reply.status == 503 or {"Retry-After", "Location"} <= set(reply.headers)
        return False

    def assert_all_is_kept(self, record: Record) -> None:
        """The answer of a completed record lies there with its parts, and nothing else of it does."""
        ground, owner = self.ground, (record.tenant, record.id)
        transcript = ground.there[transcript_key(*owner)].value
        assert b"[DONE]" in transcript or b'"stop"' in transcript
        assert marker_key(*owner) in ground.there
        assert all(media.archived for media in record.media)
        assert len(record.media) == (2 if record.model == "sora-2" else 0)
        assert sorted(media.key or "" for media in record.media) == sorted(ground.keys(media_prefix(*owner)))


class Whole(Door):
    """Posts once and hears the answer, or is told that nothing was sent; then it asks again."""

    def go(self) -> None:
        self.done = self.heard(self.ask())
        assert self.done == bool(self.posts)

    def again(self) -> None:
        assert self.heard(self.ask())

    def ask(self) -> Reply:
        return self.house.create("sim-text", stream=False)


class Streamed(Whole):
    def ask(self) -> Reply:
        pieces = self.house.live("sora-2")
        return Reply(pieces.status, pieces.headers, b"".join(pieces.sent))


class Keyed(Whole):
    """With an Idempotency-Key, so that asking again is always right."""

    def again(self) -> None:
        self.heard(self.ask())

    def too_often(self) -> None:
        last = self.ask()
        assert last.headers["x-reelay-replayed"] == "true"
        assert (last.status == 200) == bool(self.posts)

    def ask(self) -> Reply:
        return self.house.post(ask("sim-text", stream=True), Idempotency_Key="order-7")


class Film(Door):
    """A video that the service pays for, asked for by an SDK that repeats itself; a worker posts it."""

    def go(self) -> None:
        self.done = self.heard(self._ask(0))
        assert self.posts == 0

    def again(self) -> None:
        assert self.heard(self._ask(1))

    def hold(self) -> None:
        (tally,) = self.ground.keys("tallies/")
        assert json.loads(self.ground.there[tally].value)["made"] == 1, "counted once"

    def read(self, record: Record) -> Reply:
        return call(self.house, "GET", f"{CHAT}/{completion_id(record.id)}")

    def _ask(self, repeats: int) -> Reply:
        body = {"model": "sim-text", "prompt": PROMPT}
        return call(self.house, "POST", FILMS, body, X_Stainless_Retry_Count=str(repeats))
