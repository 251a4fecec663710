"""The caller leaves: at every piece of the answer in turn, and from a real connection."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import Any

import pytest
import urllib3

from dev.simulator import Simulator
from dev.stack import Stack, running
from reelay.contract import Contract
from reelay.gateway import Door, json_answer
from reelay.model import Data, End, Phase
from reelay.results import Results
from tests.contract.proxy_events import rest_event
from tests.e2e.local_house import KEY, PROMPT, Context, Pieces
from tests.patience import PATIENCE_SECONDS
from tests.security.test_cuts import BRIEF, HEAD, AtTheDoor
from tests.unit.captured import as_events, content_of

ASK: Any = {"model": "sora-2", "messages": [{"role": "user", "content": PROMPT}], "stream": True}
FRAMES = [Data(f"data: {event}\n\n".encode()) for event in as_events(BRIEF)]
CONTRACT = Contract.load()


@dataclass
class Leaving(Pieces):
    """A reader who takes so many pieces and is gone then."""

    takes: int = 0

    def write(self, piece: bytes) -> bool:
        return super().write(piece) and len(self.sent) <= self.takes


def retrieved(door: AtTheDoor) -> Any:
    """The completion as the results' door tells it."""
    results = Results(door.fakes.store, door.fakes.clock, json_answer)
    event = rest_event(
        "GET", f"/v1/chat/completions/chatcmpl-{door.record.id}", headers={"Authorization": f"Bearer {KEY}"}
    )
    operations = {"getChatCompletion": results.retrieve}
    reply = Door(CONTRACT, operations, door.fakes.clock, door.fakes.telemetry).serve(event, Context())
    assert reply is not None
    assert reply["statusCode"] == 200
    return json.loads(reply["body"])


@pytest.mark.case("caller-leaves")
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_a_caller_who_leaves_at_any_piece_has_a_completion_to_come_back_for(stream: bool) -> None:
    staying = Pieces()
    AtTheDoor(HEAD, *FRAMES, End(), stream=stream).serve(staying)
    assert len(staying.sent) == (len(FRAMES) if stream else 1)
    for takes in range(len(staying.sent) + 1):
        door = AtTheDoor(HEAD, *FRAMES, End(), stream=stream)
        door.serve(Leaving(takes=takes))
        assert (door.record.phase, door.posts) == (Phase.COMPLETED, 1), takes
        assert door.fakes.store.transcripts[door.record.id] == b"".join(frame.data for frame in FRAMES), takes
        assert retrieved(door)["choices"][0]["message"]["content"] == content_of(BRIEF), takes
        assert (len(door.fakes.archive.asked), door.fakes.store.open) == (2, {}), f"{takes}: its media are kept too"


def leave(stack: Stack, simulator: Simulator, after: int) -> str:
    """Go away after so many frames; returns where the completion will be."""
    simulator.step(after + 1)
    reply = urllib3.request(
        "POST",
        f"{stack.url}/v1/chat/completions",
        json=ASK,
        headers={"Authorization": f"Bearer {stack.token}"},
        preload_content=False,
        retries=False,
        timeout=PATIENCE_SECONDS,
    )
    seen = b""
    while seen.count(b"\n\n") < after:
        seen += reply.read1()
    reply.close()
    simulator.step(10_000)
    return str(reply.headers["Content-Location"])


@pytest.mark.case("caller-leaves")
def test_a_caller_whose_connection_ends_finds_the_completion_later() -> None:
    gate = threading.Semaphore(0)
    patient = urllib3.Retry(
        total=20, backoff_factor=0.01, status_forcelist=[202], raise_on_status=False, respect_retry_after_header=False
    )
    with Simulator(gate=gate) as simulator, running(simulator=simulator) as stack:
        for posts, after in enumerate((0, 1, 40), 1):
            location = leave(stack, simulator, after)
            headers = {"Authorization": f"Bearer {stack.token}"}
            kept = urllib3.request(
                "GET", stack.url + location, headers=headers, retries=patient, timeout=PATIENCE_SECONDS
            )
            assert (kept.status, simulator.posts) == (200, posts), after
            assert ".mp4" in kept.json()["choices"][0]["message"]["content"]
            while gate.acquire(blocking=False):
                pass  # the next one is held again
