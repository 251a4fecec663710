"""Events of Lambda's as requests: a message, a file, an EventBridge event or a direct invocation. No I/O.

A message on the queue may itself hold an EventBridge event or a notification of S3's, because the stack's rules put
theirs there. Whatever is none of these is taken for the request itself, and the contract judges it.
Shapes: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html, .../with-s3.html, and
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html (where S3 spells the tag `etag`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote_plus

_DIGITS = re.compile(r"[0-9]{1,16}", re.ASCII)
KEY_ATTRIBUTE = "Idempotency-Key"
"""The message attribute by which a sender names a request, as the HTTP header of that name does."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: its bytes, the source's own `name` for it, the Unix time `at` it was made (None where the source tells
    none), and the sender's `key` for it if there is one. The same delivery always has the same name and time."""

    name: str
    at: float | None
    body: bytes = field(repr=False)
    key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Dropped:
    """A file that holds a request: the version of the object `key` that had `tag` when it was written. `content` is the
    same for the same bytes under the same key, however often they were put there."""

    name: str = field(repr=False)
    at: float | None
    key: str = field(repr=False)
    tag: str

    @property
    def content(self) -> str:
        """What its bytes are known by."""
        return f"s3 {self.key} {self.tag}"


def of_message(record: Mapping[str, Any]) -> tuple[Asked | Dropped, ...]:
    """The requests in one record of an SQS batch; none in S3's own test message."""
    body = _text(record.get("body"))
    attributes = _mapping(record.get("attributes"))
    at = _milliseconds(attributes.get("SentTimestamp"))
    asked = Asked(f"sqs {_text(record.get('messageId'))}", at, body.encode("utf-8", "replace"), _key(record))
    return _unwrapped(_decoded(body), asked)


def of_event(event: object, request_id: str) -> tuple[Asked | Dropped, ...]:
    """The requests in an event that came to the function itself; `request_id` names a direct invocation, whose tries
    all have the same one."""
    return _unwrapped(event, Asked(f"invoke {request_id}", None, json.dumps(event).encode()))


def _unwrapped(event: Any, asked: Asked) -> tuple[Asked | Dropped, ...]:
    match event:
        case {"Records": [{"s3": _}, *_]}:
            return tuple(_notified(_mapping(record)) for record in event["Records"])
        case {"Service": "Amazon S3", "Event": "s3:TestEvent"}:
            return ()
        case {"source": "aws.s3", "detail": {"bucket": _, "object": {"key": str()}}}:
            return (_created(event),)
        case {"source": str(), "detail-type": str(), "id": str(name), "detail": detail}:
            return (Asked(f"eventbridge {name}", _time(event.get("time")), json.dumps(detail).encode()),)
    return (asked,)


def _created(event: Mapping[str, Any]) -> Dropped:
    file = event["detail"]["object"]
    return _file(file["key"], file.get("etag") or file.get("eTag"), file.get("sequencer"), event.get("time"))


def _notified(record: Mapping[str, Any]) -> Dropped:
    file = _mapping(_mapping(record.get("s3")).get("object"))
    key = unquote_plus(_text(file.get("key")))  # notifications encode the key, events do not
    return _file(key, file.get("eTag"), file.get("sequencer"), record.get("eventTime"))


def _file(key: str, tag: object, sequencer: object, time: object) -> Dropped:
    return Dropped(f"s3 {key} {_text(tag)} {_text(sequencer)}", _time(time), key, _text(tag).strip('"'))


def _key(record: Mapping[str, Any]) -> str | None:
    attribute = _mapping(_mapping(record.get("messageAttributes")).get(KEY_ATTRIBUTE))
    return _text(attribute.get("stringValue")) or None


def _time(text: object) -> float | None:
    """Unix seconds of an ISO 8601 time; None for what is none."""
    try:
        return datetime.fromisoformat(_text(text)).timestamp()
    except (ValueError, OverflowError):
        return None


def _milliseconds(text: object) -> float | None:
    """Unix seconds of a time in milliseconds; None for what is none."""
    found = _DIGITS.fullmatch(_text(text))
    return int(found[0]) / 1000 if found else None


def _decoded(body: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
