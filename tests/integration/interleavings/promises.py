"""What holds in every world that has come to rest, whatever happened in it before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from reelay.errors import NotFound
from reelay.ids import completion_id
from reelay.jobs import OPEN
from reelay.model import Notice, Phase, Record
from tests.fakes import TENANT

if TYPE_CHECKING:
    from tests.integration.interleavings.books import Books
    from tests.integration.interleavings.world import World


def unkept(world: World) -> list[str]:
    """Every promise that does not hold, in words."""
    books = world.books
    faults = [*books.faults, *books.defects]
    faults += [f"{mark.job.id} is still marked" for mark in world.store.watched()]
    for wish in world.wishes:
        if world.accepted.get(wish.number, "").removeprefix("chatcmpl-") not in books.records:
            faults.append(f"wish {wish.number} was lost")
    for core in books.records:
        faults += _unkept_of(core, world)
    return faults


def _unkept_of(core: str, world: World) -> list[str]:
    deleted = core in world.books.deleting
    try:
        record = world.store.load(TENANT, core)
    except NotFound:
        return [] if deleted else ["a record is gone"]
    if deleted:
        return ["a deleted record is there"]
    if record.phase in OPEN:
        return [f"still {record.phase}"]
    # Who outlives its lease may end a record that others took for ended, and die before it says so.
    return [] if core in world.books.outlived else list(_untold(record, world.books))


def _untold(record: Record, books: Books) -> Iterator[str]:
    completed = record.phase is Phase.COMPLETED
    if (completion_id(record.id), Notice.COMPLETED if completed else Notice.FAILED) not in books.events:
        yield f"{record.phase} and never told"
    if record.id in books.whole and not completed:
        yield f"whole and {record.phase}"
    if record.drop is not None and ("error" in books.outcomes.get(record.drop, {"error": None})) is completed:
        yield f"{record.phase} and not so answered"
    if completed and "mp4" in str(record.completion) and not record.media:
        yield "media forgotten"
