"""All doors before a witness, who knows at each moment which of them is at work."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from dev.simulator import Simulator
from reelay.s3 import s3_client
from tests.contract.proxy_events import rest_event
from tests.e2e.event_house import EventHouse
from tests.e2e.local_house import KEY, RELAYED, Context, Pieces, Reply
from tests.fakes import FakeClock
from tests.s3_tap import tap
from tests.security.witness import Witness

OWN = "rk-0123456789abcdefghij"
CHAT = "/v1/chat/completions"
_ID = re.compile(rb"chatcmpl-[0-9a-z]{26}")


class Leaving(Pieces):
    """A caller who does something with a completion as soon as its first chunk has come."""

    def __init__(self, act: Callable[[str], None]) -> None:
        super().__init__()
        self._act = act

    def write(self, piece: bytes) -> bool:
        before = named(self)
        taken = super().write(piece)
        if not before and (made := named(self)):
            self._act(made)
        return taken


def named(pieces: Pieces) -> str | None:
    """The id of the completion that comes in these pieces, if one has come already."""
    found = _ID.search(b"".join(pieces.sent))
    return found[0].decode() if found else None


class WitnessedHouse(EventHouse):
    """Each call of AWS counts for the role of the function whose door makes it."""

    def __init__(self, witness: Witness, simulator: Simulator, bucket: str, clock: FakeClock) -> None:
        self.witness, self.clock = witness, clock
        super().__init__(
            simulator, s3_client(), bucket, clock,
            status_url=simulator.origin + "/api/share/{task_id}", max_jobs_in_flight=20, max_jobs_per_day=200,
        )  # fmt: skip
        tap(self.house.bucket, witness.around)
        link = self.house.bucket.link

        def noted(key: str, query: Mapping[str, str], seconds: int) -> str:
            witness.link(key)
            return link(key, query, seconds)

        vars(self.house.bucket)["link"] = noted

    def serve(self, event: dict[str, Any], seconds: float = 900) -> Reply:
        relays = RELAYED.fullmatch(f"{event['httpMethod']} {event['path']}")
        with self.witness.at("RelayRole" if relays else "ResultsRole"):
            return super().serve(event, seconds)

    def take_in(self, event: Mapping[str, Any], request_id: str = "r-1") -> Any:
        with self.witness.at("IntakeRole"):
            return super().take_in(event, request_id)

    def work(self, body: str, seconds: float = 900) -> Any:
        with self.witness.at("WorkerRole"):
            return super().work(body, seconds)

    def sweep(self) -> int:
        with self.witness.at("SweepRole"):
            return super().sweep()

    def paid(self, method: str, path: str, body: Mapping[str, Any] | None = None, **headers: str) -> Reply:
        """A call with one of Reelay's own keys."""
        return self.serve(_event(method, path, OWN, body, headers))

    def stream(self, body: Mapping[str, Any], pieces: Pieces | None = None, **headers: str) -> Pieces:
        """POST of a chat completion with a caller's own key, answered live."""
        taken = pieces or Pieces()
        with self.witness.at("RelayRole"):
            replace(self._relay, open_stream=lambda: taken).serve(_event("POST", CHAT, KEY, body, headers), Context())
        return taken


def _event(
    method: str, path: str, key: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]
) -> dict[str, Any]:
    sent = {"Authorization": f"Bearer {key}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    if body is not None:
        sent["Content-Type"] = "application/json"
    event = rest_event(method, path, headers=sent, body=None if body is None else json.dumps(body))
    if key == OWN:
        event["requestContext"]["authorizer"] = {"payer": "service", "principalId": "p"}
    return event
