"""`Prefer: respond-async` behind the real runtime: told at once, run after the answer, found where it was said."""

from __future__ import annotations

import threading
from typing import Any

import urllib3

from dev.simulator import Simulator
from dev.stack import Stack, running
from reelay.contract import Contract
from tests.patience import PATIENCE_SECONDS

ASK: Any = {"model": "sora-2", "messages": [{"role": "user", "content": "a dog"}], "stream": True}


def call(stack: Stack, method: str, path: str, **more: Any) -> urllib3.BaseHTTPResponse:
    headers = {"Authorization": f"Bearer {stack.token}", **more.pop("headers", {})}
    return urllib3.request(method, stack.url + path, headers=headers, retries=False, **more, timeout=PATIENCE_SECONDS)


def conforms(operation: str, reply: urllib3.BaseHTTPResponse) -> bool:
    return Contract.load().answer_faults(operation, reply.status, dict(reply.headers), reply.data) == []


def test_a_job_is_told_at_once_shows_its_progress_and_becomes_its_completion() -> None:
    with Simulator(gate=threading.Semaphore(0)) as simulator, running(simulator=simulator) as stack:
        prefers = {"Prefer": "respond-async", "Idempotency-Key": "told-at-once"}
        told = call(stack, "POST", "/v1/chat/completions", json=ASK, headers=prefers)
        assert (told.status, told.headers["Preference-Applied"]) == (202, "respond-async")
        assert conforms("createChatCompletion", told)
        location = told.headers["Location"]
        running_still = call(stack, "GET", location)
        assert (running_still.status, running_still.json()["id"]) == (202, told.json()["id"])
        assert conforms("getChatCompletion", running_still)
        same = call(stack, "POST", "/v1/chat/completions", json=ASK, headers=prefers)
        assert (same.status, same.headers["Location"]) == (409, location)

        simulator.step(10_000)
        done = call(stack, "GET", location)
        while done.status == 202:
            done = call(stack, "GET", location)
        assert done.status == 200
        assert ".mp4" in done.json()["choices"][0]["message"]["content"]
        again = call(stack, "POST", "/v1/chat/completions", json=ASK, headers=prefers)
        assert again.headers["x-reelay-replayed"] == "true"
        assert simulator.posts == 1
