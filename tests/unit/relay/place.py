"""What the tests of the relay share: a relay over fakes, and what its one request meets."""

from __future__ import annotations

import json
from typing import Any

from reelay.admission import Admission
from reelay.aftercare import Aftercare, Means
from reelay.errors import ReelayError
from reelay.model import Answer, Call, Data, Head, Invocation, Record
from reelay.relay import Relay
from reelay.spending import Spending
from tests.fakes import (
    FakeArchive,
    FakeClaims,
    FakeClock,
    FakeExchange,
    FakeStore,
    FakeSwitch,
    FakeTelemetry,
    FakeUpstream,
)

CORE = "01k9zzzzzzzzzzzzzzzzzzzzzz"
TENANT = "a" * 32
HEAD = Head(200, {"content-type": "text/event-stream"})
DONE = Data(b"data: [DONE]\n\n")
VIDEO = "https://files.example/a.mp4"
TASK = "task_01k7e5w9z5f2d91pekrqy59rwc"
TASK_LINE = f"> ID: `{TASK}`\n"


def chunk(content: str | None = None, finish: str | None = None) -> Data:
    delta = {} if content is None else {"content": content}
    payload = {"id": "up-1", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return Data(b"data: " + json.dumps(payload).encode() + b"\n\n")


class House:
    """A relay over fakes, and what its one request is about to meet."""

    def __init__(self, *script: Any, **body: Any) -> None:
        self.clock = FakeClock()
        self.store = FakeStore()
        self.archive = FakeArchive()
        self.telemetry = FakeTelemetry()
        self.switch = FakeSwitch()
        self.exchange = FakeExchange(self.clock, *script)
        self.upstream = FakeUpstream(self.exchange)
        self.relay = Relay(
            upstream=self.upstream,
            store=self.store,
            admission=Admission(FakeClaims(), self.store, self.clock, lambda _now: CORE),
            aftercare=Aftercare(Means(self.store, self.archive, self.clock, self.telemetry)),
            spending=Spending(self.switch),
            clock=self.clock,
            telemetry=self.telemetry,
        )
        request = {"model": "sora-2", "messages": [{"role": "user", "content": "a dog"}], "stream": True, **body}
        self.call = Call(
            "createChatCompletion", "/live/v1/chat/completions", "r-1", TENANT, "sk-1", body=request,
            raw=json.dumps(request).encode(),
        )  # fmt: skip

    def create(self, *, live: bool = True, then: bool = True) -> Answer:
        """The answer; or the error it is refused with, after the work that comes then."""
        try:
            return self.relay.create(self.call, Invocation(self.clock.monotonic() + 900, live=live))
        except ReelayError as error:
            if then:
                error.then()
            raise

    def said(self, *, live: bool = True) -> list[bytes]:
        """Every piece, and the work after the answer."""
        answer = self.create(live=live)
        pieces = list(answer.pieces)
        answer.then()
        return pieces

    @property
    def record(self) -> Record:
        return self.store.load(TENANT, CORE)
