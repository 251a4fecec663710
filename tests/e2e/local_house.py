"""Both doors in this process over the simulator and a local S3: events go in, answers and the bucket come out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dev.simulator import Simulator
from reelay.documents import KEPT_PREFIX, decode, record_key, transcript_key
from reelay.gateway import REPLY_RESERVE_SECONDS
from reelay.identity import tenant_of
from reelay.ids import core_of
from reelay.model import Record
from reelay.ports import Clock
from reelay.relay import KEEP_RESERVE_SECONDS
from reelay.settings import Settings
from reelay.sse import EventParser
from reelay.wiring import House
from tests.contract.proxy_events import rest_event

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = "sk-test-0123456789"
RELAYED = re.compile(r"POST /v1/(chat/completions|videos|videos/[^/]+/remix)")
"""The routes behind the relay's door; all others are behind that of the results."""

PROMPT = "a golden retriever in orbit"


class Context:
    """Lambda's context, as far as a door looks."""

    aws_request_id = "6f1c6a52-0000-4000-8000-000000000001"

    def __init__(self, seconds: float = 900) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self._seconds * 1000)


@dataclass
class Pieces:
    """A live response that remembers what was sent."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    sent: list[bytes] = field(default_factory=list)
    ended: bool = False

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        self.status, self.headers = status, headers

    def write(self, piece: bytes) -> bool:
        self.sent.append(piece)
        return True

    def end(self) -> None:
        self.ended = True


@dataclass(frozen=True)
class Reply:
    """What a caller gets."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        return self.json["error"]

    @property
    def frames(self) -> list[Any]:
        """The data of every event: objects, and the text [DONE]."""
        texts = EventParser().feed(self.body)
        return [text if text == "[DONE]" else json.loads(text) for text in texts]

    @property
    def content(self) -> str:
        """The text of the first choice, streamed or whole."""
        if "event-stream" not in self.headers["Content-Type"]:
            return self.json["choices"][0]["message"]["content"] or ""
        choices = [choice for frame in self.frames[:-1] for choice in frame["choices"][:1]]
        return "".join(choice["delta"].get("content") or "" for choice in choices)


class LocalHouse:
    """The doors as they are wired for a deployment, with the simulator's origin trusted for media."""

    def __init__(
        self, simulator: Simulator, s3: S3Client, bucket: str, clock: Clock | None = None, **changes: Any
    ) -> None:
        settings: dict[str, Any] = {
            "bucket": bucket,
            "upstream_base_url": simulator.url,
            "upstream_plain_http": True,
            "media_trusted_origins": frozenset({simulator.origin}),
            "strict_contract": True,
        }
        self.house = House(Settings(**(settings | changes)), clock)
        self.simulator = simulator
        self.s3 = s3
        self.bucket = bucket
        self._relay = self.house.relay()
        self._results = self.house.results()

    def post(self, body: Mapping[str, Any] | bytes | str, *, key: str | None = KEY, **headers: str) -> Reply:
        """POST /v1/chat/completions through the buffered relay door."""
        raw = json.dumps(body) if isinstance(body, Mapping) else body
        sent = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.serve(rest_event("POST", "/v1/chat/completions", headers=_with(key, sent), body=raw))

    def create(self, model: str, *, stream: bool = True, **more: Any) -> Reply:
        """Ask for a completion of a scene of the simulator."""
        return self.post({"model": model, "messages": [{"role": "user", "content": PROMPT}], "stream": stream, **more})

    def hurried(self, model: str, *, stream: bool, seconds: float) -> Reply:
        """The same in an invocation that has only so many seconds left beside what is kept back for keeping."""
        body = {"model": model, "messages": [{"role": "user", "content": PROMPT}], "stream": stream}
        sent = _with(KEY, {"Content-Type": "application/json"})
        event = rest_event("POST", "/v1/chat/completions", headers=sent, body=json.dumps(body))
        return self.serve(event, KEEP_RESERVE_SECONDS + REPLY_RESERVE_SECONDS + seconds)

    def live(self, model: str, *, stream: bool = True, **more: Any) -> Pieces:
        """The same through a door that can stream."""
        body = {"model": model, "messages": [{"role": "user", "content": PROMPT}], "stream": stream, **more}
        return self.streamed("/v1/chat/completions", body)

    def streamed(self, path: str, body: Mapping[str, Any], **headers: str) -> Pieces:
        """POST through a relay door that can stream; what goes on after the answer is done when this returns."""
        sent = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
        event = rest_event("POST", path, headers=_with(KEY, sent), body=json.dumps(body))
        pieces = Pieces()
        replace(self._relay, open_stream=lambda: pieces).serve(event, Context())
        return pieces

    def call(self, method: str, path: str, *, key: str | None = KEY, **more: Any) -> Reply:
        """Any other operation, through the results door."""
        body = more.pop("body", None)
        headers = {} if body is None else {"Content-Type": "application/json"}
        raw = json.dumps(body) if isinstance(body, Mapping) else body
        return self.serve(rest_event(method, path, headers=_with(key, headers), body=raw, **more))

    def serve(self, event: dict[str, Any], seconds: float = 900) -> Reply:
        """One event through the door that API Gateway would choose."""
        relays = RELAYED.fullmatch(f"{event.get('httpMethod')} {event.get('path')}")
        reply = (self._relay if relays else self._results).serve(event, Context(seconds))
        self.house.telemetry.metrics.clear_metrics()  # what a function's decorator does after each event
        assert reply is not None
        assert not reply["isBase64Encoded"]
        return Reply(reply["statusCode"], reply["headers"], reply["body"].encode())

    def record(self, public_id: str, key: str = KEY) -> Record:
        """The record as it lies in the bucket."""
        place = record_key(tenant_of(key), str(core_of(public_id)))
        return decode(self.s3.get_object(Bucket=self.bucket, Key=place)["Body"].read()).record

    def transcript(self, public_id: str, key: str = KEY) -> bytes:
        """The upstream's bytes as they lie in the bucket."""
        place = transcript_key(tenant_of(key), str(core_of(public_id)))
        return self.s3.get_object(Bucket=self.bucket, Key=place)["Body"].read()

    def only_record(self) -> Record:
        """The one record in the bucket."""
        (key,) = [key for key in self.objects() if "/records/" in key]
        return decode(self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()).record

    def objects(self) -> list[str]:
        """Everything that is kept of records in the bucket."""
        return [
            item["Key"] for item in self.s3.list_objects_v2(Bucket=self.bucket, Prefix=KEPT_PREFIX).get("Contents", ())
        ]


def _with(key: str | None, headers: Mapping[str, str]) -> dict[str, str]:
    return {**headers, **({"Authorization": f"Bearer {key}"} if key else {})}
