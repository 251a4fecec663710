"""Callers of the stack: each kind of call, and the mix of them."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import urllib3
from botocore.exceptions import BotoCoreError, ClientError

from dev.stack import Stack
from tests.load.tally import Tally

CHAT, VIDEOS = "/v1/chat/completions", "/v1/videos"
PROMPT = "a golden retriever in orbit"
POLL_SECONDS = 0.25
"""Between two looks at a job: what OpenAI's SDK takes (1 s), faster."""

PATIENCE_SECONDS = 60.0
"""How long a call, or a job, may take before it counts as lost; the stack's answers take some seconds."""

LABEL = "load"
"""The key of the metadata by which a request is found again."""

PAGE = 20
"""OpenAI's own `limit`."""


class CallFailed(Exception):
    """Another answer than was due."""


class Caller:
    """One who calls until told to stop: a kind after the other, in the order of MIX from `first` on."""

    def __init__(self, stack: Stack, tally: Tally, stop: threading.Event, first: int = 0) -> None:
        self._stack, self._tally, self._stop, self._first = stack, tally, stop, first
        self._http = urllib3.PoolManager(retries=False, timeout=PATIENCE_SECONDS)
        self._known: list[str] = []

    def run(self) -> None:
        """Until `stop`; a call that has begun is brought to its end."""
        kinds = itertools.cycle([*MIX[self._first % len(MIX) :], *MIX[: self._first % len(MIX)]])
        with self._http:
            for kind in kinds:
                if self._stop.is_set():
                    return
                self._timed(kind)

    def whole(self) -> None:
        """An answer in one piece."""
        label, reply = self._ask()
        self._accepted(label, self._due(reply, 200).json()["id"])

    def streamed(self) -> None:
        """An answer as it is made, read to its end."""
        label, reply = self._ask(stream=True)
        done = self._due(reply, 200)
        if not done.data.rstrip().endswith(b"data: [DONE]"):
            raise CallFailed("no [DONE]")
        self._accepted(label, done.headers["Content-Location"].rpartition("/")[2])

    def later(self) -> None:
        """An answer that is told later, and asked after until it is there."""
        label, reply = self._ask({"Prefer": "respond-async"})
        told = self._due(reply, 202)
        self._tally.accept(label, told.json()["id"])
        self._until(told.headers["Location"], lambda got: got.status == 200)
        self._known.append(told.json()["id"])

    def video(self) -> None:
        """A job, asked after until it is done."""
        label = self._tally.label()
        asked = {"model": "sora-2", "prompt": PROMPT, "metadata": {LABEL: label}}
        told = self._due(self._call("POST", VIDEOS, json=asked), 200).json()
        self._tally.accept(label, told["id"])
        self._until(f"{VIDEOS}/{told['id']}", lambda got: got.json()["status"] == "completed")

    def message(self) -> None:
        """A request on the queue; what became of it is seen at the end."""
        label = self._tally.label()
        self._stack.sqs.send_message(
            QueueUrl=self._stack.queues["RequestsQueue"], MessageBody=json.dumps(request(label))
        )
        self._tally.accept(label, None)

    def read(self) -> None:
        """An answer that is kept, and what was asked."""
        if self._known:
            place = f"{CHAT}/{self._known[-1]}"
            self._due(self._call("GET", place), 200)
            self._due(self._call("GET", f"{place}/messages"), 200)

    def list(self) -> None:
        """The newest answers, and the newest jobs."""
        for place in (CHAT, VIDEOS):
            self._due(self._call("GET", f"{place}?order=desc&limit={PAGE}"), 200)

    def _timed(self, kind: str) -> None:
        begun = time.monotonic()
        try:
            KINDS[kind](self)
        except CallFailed as failure:
            self._tally.failed(kind, str(failure))
        except (urllib3.exceptions.HTTPError, BotoCoreError, ClientError, KeyError, ValueError) as error:
            self._tally.failed(kind, type(error).__name__)
        else:
            self._tally.took(kind, time.monotonic() - begun)

    def _ask(
        self, headers: Mapping[str, str] | None = None, *, stream: bool = False
    ) -> tuple[str, urllib3.BaseHTTPResponse]:
        label = self._tally.label()
        return label, self._call("POST", CHAT, json=request(label, stream=stream), headers=headers)

    def _accepted(self, label: str, id: str) -> None:
        self._tally.accept(label, id)
        self._known.append(id)

    def _until(self, place: str, done: Callable[[urllib3.BaseHTTPResponse], bool]) -> None:
        """Look until it is done. A caller who is told to stop brings this to its end, so it waits by itself."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        pause = threading.Event()
        while time.monotonic() < deadline:
            got = self._call("GET", place)
            if got.status not in (200, 202):
                raise CallFailed(str(got.status))
            if done(got):
                return
            pause.wait(POLL_SECONDS)
        raise CallFailed("never done")

    def _call(
        self, method: str, place: str, *, json: Any = None, headers: Mapping[str, str] | None = None
    ) -> urllib3.BaseHTTPResponse:
        sent = {"Authorization": f"Bearer {self._stack.token}", **(headers or {})}
        return self._http.request(method, self._stack.url + place, json=json, headers=sent)

    @staticmethod
    def _due(reply: urllib3.BaseHTTPResponse, status: int) -> urllib3.BaseHTTPResponse:
        if reply.status != status:
            raise CallFailed(str(reply.status))
        return reply


def request(label: str, *, stream: bool = False) -> dict[str, Any]:
    """The documented request under a label; two are never the same bytes, so that none is taken for a repetition."""
    messages = [{"role": "user", "content": f"{PROMPT}, {label}"}]
    return {"model": "sora-2", "messages": messages, "stream": stream, "metadata": {LABEL: label}}


KINDS: Mapping[str, Callable[[Caller], None]] = {
    "whole": Caller.whole,
    "streamed": Caller.streamed,
    "async": Caller.later,
    "video": Caller.video,
    "message": Caller.message,
    "read": Caller.read,
    "list": Caller.list,
}
MIX = ("streamed", "read", "list", "async", "read", "message", "whole", "read", "list", "video", "read")
"""Reads are cheap and many, as they are in the world."""
