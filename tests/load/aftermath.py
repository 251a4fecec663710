"""What is left when the callers have gone: every accepted request completed, kept once, readable, with nothing open."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator

import urllib3

from dev.stack import Stack
from reelay import documents
from reelay.identity import tenant_of
from reelay.ids import completion_id, core_of
from reelay.model import Phase, Record
from tests.load.callers import CHAT, LABEL
from tests.patience import PATIENCE_SECONDS

SETTLE_SECONDS = 60.0
"""How long what was accepted may go on: a job waits for a worker and takes some seconds, its video one more."""

LOOK_SECONDS = 0.5
"""Between two looks at the bucket."""


def settle(stack: Stack, accepted: dict[str, str | None]) -> None:
    """Wait until all that was accepted is done, or SETTLE_SECONDS are over; `faults` tells which."""
    deadline, pause = time.monotonic() + SETTLE_SECONDS, threading.Event()
    while time.monotonic() < deadline:
        if not marks(stack) and completed(records(stack)) >= accepted.keys():
            return
        pause.wait(LOOK_SECONDS)


def faults(stack: Stack, accepted: dict[str, str | None]) -> Iterator[str]:
    """What was lost, made twice or left open."""
    kept = records(stack)
    lost = accepted.keys() - completed(kept)
    if lost:
        yield f"{len(lost)} of {len(accepted)} accepted requests are not completed, as {min(lost)}"
    twice = [label for label, times in Counter(record.metadata.get(LABEL) for record in kept).items() if times > 1]
    if twice:
        yield f"{len(twice)} requests have more than one record"
    if open_marks := marks(stack):
        yield f"{len(open_marks)} marks are left under {documents.WATCH_PREFIX}"
    ids = {core for each in accepted.values() if each and (core := core_of(each))}
    if strange := ids - {record.id for record in kept}:
        yield f"{len(strange)} ids that callers were told have no record"
    if unread := [record for record in kept if not readable(stack, record)]:
        yield f"{len(unread)} records cannot be read by their owner"


def completed(kept: list[Record]) -> set[str]:
    """The labels of those that are."""
    return {record.metadata.get(LABEL, "") for record in kept if record.phase is Phase.COMPLETED}


def records(stack: Stack) -> list[Record]:
    """Every record of the stack's tenant, as it lies in the bucket."""
    prefix = documents.records_prefix(tenant_of(stack.token))
    return [documents.decode(_read(stack, key)).record for key in _keys(stack, prefix)]


def marks(stack: Stack) -> list[str]:
    """What says that something is left to do."""
    return list(_keys(stack, documents.WATCH_PREFIX))


def readable(stack: Stack, record: Record) -> bool:
    """Whether its owner gets the whole answer, with the video."""
    headers = {"Authorization": f"Bearer {stack.token}"}
    url = f"{stack.url}{CHAT}/{completion_id(record.id)}"
    reply = urllib3.request("GET", url, headers=headers, retries=False, timeout=PATIENCE_SECONDS)
    return reply.status == 200 and ".mp4" in (reply.json()["choices"][0]["message"]["content"] or "")


def _keys(stack: Stack, prefix: str) -> Iterator[str]:
    for page in stack.s3.get_paginator("list_objects_v2").paginate(Bucket=stack.bucket, Prefix=prefix):
        yield from (each["Key"] for each in page.get("Contents", ()))


def _read(stack: Stack, key: str) -> bytes:
    return stack.s3.get_object(Bucket=stack.bucket, Key=key)["Body"].read()
