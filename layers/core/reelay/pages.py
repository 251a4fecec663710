"""Pages of a tenant's records: OpenAI's lists, with a cursor that is the id of the last one examined."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from reelay.model import Record
from reelay.sse import encoded

SCAN_RECORDS = 1000
"""A filtered page examines at most this many records: its cost stays bounded, whatever the bucket holds."""

SCAN_EMPTY_RECORDS = 5000
"""And this many as long as it found none: the SDKs take an empty page for the last one. Some 15 s of the door's 29."""

PAGE_BYTES = 5 * 1024 * 1024
"""A page ends early rather than grow beyond this: Lambda answers at most 6 MB (Lambda quotas)."""


@dataclass(frozen=True, slots=True)
class Page:
    """What is shown, the record where the next page begins, and whether there is one."""

    data: list[dict[str, Any]]
    last: Record | None
    more: bool


def page(
    records: Iterable[Record],
    limit: int,
    wanted: Callable[[Record], bool],
    view: Callable[[Record], dict[str, Any]],
) -> Page:
    """The first `limit` wanted records; fewer where they grow too large or too many had to be examined."""
    data: list[dict[str, Any]] = []
    size = 0
    shown: Record | None = None
    for examined, record in enumerate(islice(records, SCAN_EMPTY_RECORDS), 1):
        if wanted(record):
            item = view(record)
            size += len(encoded(encoded(item).decode()))  # escaped once more in the proxy's JSON
            if len(data) == limit or (data and size > PAGE_BYTES):
                return Page(data, shown, more=True)
            data.append(item)
            shown = record
        if examined == SCAN_EMPTY_RECORDS or (data and examined >= SCAN_RECORDS):
            return Page(data, record, more=True)
    return Page(data, shown, more=False)


def labelled(record: Record, model: str | None, metadata: Mapping[str, str]) -> bool:
    """Whether a record is of the model, as it was asked for or as it answered, and has all of these labels."""
    if model is not None and model not in (record.model, (record.completion or {}).get("model")):
        return False
    return all(record.metadata.get(key) == value for key, value in metadata.items())


def listed(data: list[Any], last: str | None, *, more: bool) -> dict[str, Any]:
    """OpenAI's list object."""
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": last,
        "has_more": more,
    }
