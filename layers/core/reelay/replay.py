"""A record told again: the answer that was kept, the failure it ended with, or how far it is. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

from reelay import sse
from reelay.errors import Conflict, ReelayError
from reelay.ids import completion_id
from reelay.jobs import OPEN
from reelay.model import Json, Problem, Record
from reelay.shapes import as_chunks

NOT_READY_RETRY_SECONDS = 5
"""Told with "not ready": a video takes minutes, and a read costs one S3 call."""


_OF_THAT_MOMENT = frozenset({401, 403, 429})


class KeptFailure(ReelayError):
    """The failure that a record ended with, told again as it was told first; asking again changes nothing.

    But for its status where that is about the key or the moment of the first asking: then it is 502.
    """

    def __init__(self, problem: Problem, headers: dict[str, str] | None = None) -> None:
        super().__init__(problem.message, param=problem.param, charged=True, headers=headers)
        self.status = 502 if problem.status in _OF_THAT_MOMENT else problem.status
        self.type, self.code = problem.type, problem.code


def pieces(completion: Json, *, stream: bool) -> Iterator[bytes]:
    """A completion in contract shape as a stream or as one JSON object."""
    if not stream:
        yield sse.encoded(completion)
        return
    for chunk in as_chunks(completion):
        yield sse.frame(chunk)
    yield sse.DONE


def state(record: Record) -> dict[str, Any]:
    """How far a record is, for whoever comes back for it."""
    return {
        "id": completion_id(record.id),
        "object": "chat.completion.state",
        "created": record.created,
        "model": record.model,
        "status": record.status or "queued",
        "progress": record.progress,
    }


def unfinished(record: Record, headers: dict[str, str] | None = None) -> NoReturn:
    """Raises KeptFailure for a record that failed, and Conflict with `headers` for one that is not finished."""
    if record.problem is not None and record.phase not in OPEN:
        raise KeptFailure(record.problem, headers)
    raise Conflict(
        f"{completion_id(record.id)} is not finished: {record.status or 'waiting'}, {record.progress} %.",
        code="not_ready",
        retry_after=NOT_READY_RETRY_SECONDS,
        headers=headers,
    )
