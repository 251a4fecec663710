"""What the local stack keeps of one completion, read from the bucket and saved beside the video."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from dev.stack import Stack
from reelay.documents import record_key, transcript_key
from reelay.identity import tenant_of
from reelay.ids import core_of


class RunFailed(Exception):
    """What went wrong, in words for the person at the terminal."""


def place(stack: Stack, completion_id: str) -> str:
    """The key of the completion's record."""
    return record_key(tenant_of(stack.token), _core(completion_id))


def record(stack: Stack, completion_id: str) -> dict[str, Any]:
    """The record's document as it lies in the bucket; raises RunFailed unless it is completed."""
    document: dict[str, Any] = json.loads(_read(stack, place(stack, completion_id)))
    if document["phase"] != "completed":
        raise RunFailed(f"the record in the bucket says {document['phase']}")
    return document


def save(stack: Stack, completion_id: str, out: Path) -> list[Path]:
    """Copy record and transcript, whatever became of them, to `out`; returns the files that were written."""
    transcript = transcript_key(tenant_of(stack.token), _core(completion_id))
    saved = []
    for key, suffix in ((place(stack, completion_id), "json"), (transcript, "transcript")):
        try:
            data = _read(stack, key)
        except ClientError:
            continue
        path = out / f"{completion_id}.{suffix}"
        path.write_bytes(data)
        saved.append(path)
    return saved


def _read(stack: Stack, key: str) -> bytes:
    return stack.s3.get_object(Bucket=stack.bucket, Key=key)["Body"].read()


def _core(completion_id: str) -> str:
    core = core_of(completion_id)
    if core is None:
        raise RunFailed(f"the completion's id is not one of ours: {completion_id!r}")
    return core
