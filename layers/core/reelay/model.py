"""The values that pass between the steps of a request: frozen, without behaviour that reaches outside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from reelay.payer import Payer

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A request that conforms to the contract.

    `operation` is the operationId. `path` is the path as the caller sees it, stage included. `parameters` holds path
    and query parameters by name (a deepObject such as `metadata[k]` as one mapping), `headers` the documented headers
    by lower-case name. `body` is the decoded JSON and `raw` the same bytes as they came. Secrets and content are left
    out of `repr`.
    """

    operation: str
    path: str
    request_id: str
    tenant: str = "anonymous"
    token: str | None = field(default=None, repr=False)
    payer: Payer = Payer.CALLER
    parameters: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Json = field(default_factory=dict, repr=False)
    raw: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Invocation:
    """What one invocation of a door may use: time until `deadline` (seconds on `Clock.monotonic`), and whether the
    door can send pieces while they come (`live`) or answers with one buffered reply."""

    deadline: float
    live: bool


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply: `pieces` go out as they come; `then` is work that goes on after the reply has ended."""

    status: int
    headers: Mapping[str, str]
    pieces: Iterable[bytes]
    then: Callable[[], None] = _nothing


class Phase(StrEnum):
    """Where a record stands. From `SENDING` on no request is ever posted for it again, unless the upstream said that it
    took nothing. `RECONCILING` is doubt that may still be cleared up by asking."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    SENDING = "sending"
    ACCEPTED = "accepted"
    RECONCILING = "reconciling"
    COMPLETED = "completed"
    FAILED = "failed"
    UNKNOWN = "unknown"


class MediaKind(StrEnum):
    """The variants of GET /v1/videos/{id}/content that Reelay keeps."""

    VIDEO = "video"
    THUMBNAIL = "thumbnail"


@dataclass(frozen=True, slots=True)
class Link:
    """A media link found in a completion's text; not trusted."""

    kind: MediaKind
    url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Media:
    """What became of a link: archived under `key` with its measured `size` in bytes, hex `sha256` and `content_type`
    read from its bytes, or unavailable with a `reason` in words, which may pass (`again`). `source` is the link as it
    was found."""

    kind: MediaKind
    source: str = field(repr=False)
    key: str | None = None
    size: int | None = None
    sha256: str | None = None
    content_type: str | None = None
    reason: str | None = None
    at: int = 0
    again: bool = False

    @property
    def archived(self) -> bool:
        """Whether the bucket holds a copy."""
        return self.key is not None


@dataclass(frozen=True, slots=True)
class Problem:
    """A failure as it is kept: the envelope's four keys, the HTTP status, and whether money may have been taken."""

    message: str
    type: str
    param: str | None
    code: str | None
    status: int
    charged: bool


@dataclass(frozen=True, slots=True)
class VideoRequest:
    """What a caller of the Videos API asked for, in that API's words; None where nothing was said. `remix_of` is the
    core of the record that this one changes."""

    prompt: str = field(repr=False)
    seconds: str | None = None
    size: str | None = None
    remix_of: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One request and all that became of it.

    `id` is the 26-character core that the public ids are made of; `rev` goes up by one with each write; `version` is
    the store's own tag of the revision that was read or written ("" = not stored yet). Times are Unix seconds;
    `finished` is when it came to an end (0 = not yet), `lease` when whoever has the record in hand must be done with
    it, `ask_until` how long the upstream may be asked after the job (0 = never). `fingerprint` is the digest of its
    request's meaning. `by_worker` says that the service pays, so that any worker may run it; `tries` counts how often
    one began, `not_before` is when the next may. `video` is there for what came by the Videos API, `drop` is the key of
    the file that asked for it.
    `keeps` is False for `store: false`: then `request`, `completion` and `metadata` stay empty and neither transcript
    nor media are kept. `completion` is in contract shape and holds the public id.
    """

    id: str
    tenant: str
    created: int
    model: str
    stream: bool
    phase: Phase = Phase.SENDING
    rev: int = 0
    version: str = field(default="", compare=False)
    updated: int = 0
    keeps: bool = True
    request: Json | None = field(default=None, repr=False)
    metadata: Mapping[str, str] = field(default_factory=dict, repr=False)
    completion: Json | None = field(default=None, repr=False)
    problem: Problem | None = field(default=None, repr=False)
    task_id: str | None = None
    status: str | None = None
    progress: int = 0
    lease: int = 0
    fingerprint: str = ""
    upstream_id: str | None = None
    transcript_bytes: int = 0
    media: tuple[Media, ...] = ()
    finished: int = 0
    ask_until: int = 0
    by_worker: bool = False
    tries: int = 0
    not_before: int = 0
    video: VideoRequest | None = field(default=None, repr=False)
    drop: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Claim:
    """Who was first to use a name (an Idempotency-Key, the fingerprint of a body): the record `core` it stands for,
    the hex `fingerprint` of the body it came with, and when, in Unix seconds. `retry` says that a client's own
    repetition made it before the first attempt arrived. `version` is the store's tag; "" = never stored."""

    name: str = field(repr=False)
    core: str
    fingerprint: str
    at: int
    retry: bool = False
    version: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Tally:
    """What a tenant made the service pay for: how many jobs it `made` on `day` (days since 1970, UTC), and those that
    were begun and not yet seen to have ended, by core, with the Unix second of their beginning. `version` is the
    store's tag; "" = never stored."""

    day: int = 0
    made: int = 0
    running: Mapping[str, int] = field(default_factory=dict)
    version: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Job:
    """What a queue holds: the name of a record. What there is to do is the record's to tell."""

    tenant: str
    id: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Says that there is something left to do for a record, and when it was put, in Unix seconds."""

    job: Job
    at: float


class Notice(StrEnum):
    """What Reelay tells the world of a record; the values are EventBridge detail types."""

    COMPLETED = "Completion Completed"
    FAILED = "Completion Failed"
    ARCHIVED = "Media Archived"


@dataclass(frozen=True, slots=True)
class Event:
    """A notice and its detail: facts and labels, never a prompt, a text or a link."""

    notice: Notice
    detail: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class Told:
    """What the upstream answers when it is asked after a job: `status` in the words of the Videos API, `percent` 0-100,
    and the link to the finished video, not trusted."""

    status: str
    percent: int = 0
    link: str | None = field(default=None, repr=False)


class Order(StrEnum):
    """Listing orders, by time of creation."""

    ASC = "asc"
    DESC = "desc"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is posted to the upstream: the caller's own bytes, and the headers that go with them."""

    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Head:
    """The upstream answered 2xx; header names are lower-case."""

    status: int
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Data:
    """Bytes of the upstream's body as they came."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class End:
    """The body's framing ended without an error. That does not prove that the answer is whole."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The exchange is over with `error`; `raw` is what could be read of the upstream's words, 8 KiB at most."""

    error: Exception
    raw: bytes = field(default=b"", repr=False)


Seen = Head | Data | End | Failed
"""What an exchange with the upstream shows, one at a time."""
