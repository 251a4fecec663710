"""The record that a call names, if it is the caller's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reelay.errors import BadRequest, NotFound
from reelay.ids import core_of
from reelay.journal import looked_at
from reelay.model import Call, Record

if TYPE_CHECKING:
    from reelay.ports import Clock, Store


def own_record(call: Call, parameter: str, store: Store, clock: Clock) -> Record:
    """As it is now. Raises NotFound for whatever is not the tenant's own, was deleted, never was or keeps nothing."""
    core = core_of(call.parameters[parameter])
    if core is None:
        raise _no_such()
    record = store.load(call.tenant, core)
    if not record.keeps:
        raise _no_such()
    return looked_at(record, store, clock)


def cursor(call: Call) -> str | None:
    """The core behind which a page begins. Raises BadRequest."""
    after = call.parameters.get("after")
    core = core_of(after) if after is not None else None
    if after is not None and core is None:
        raise BadRequest("after: expected an id of ours, such as the last_id of a page.", param="after")
    return core


def _no_such() -> NotFound:
    return NotFound("No such completion: it was never made with this key, or it was deleted.")
