"""Pages of results are bounded in the records they examine and the bytes they hold."""

from __future__ import annotations

import json
from typing import Any

from reelay.gateway import json_answer
from reelay.ids import completion_id
from reelay.model import Call, Invocation, Phase, Record
from reelay.results import Results
from tests.fakes import FakeClock, FakeStore
from tests.unit.relay.place import TENANT


def test_a_page_examines_a_bounded_number_of_records() -> None:
    clock, store = FakeClock(), FakeStore()
    made = [_completed(store, number) for number in range(5200)]
    results = Results(store, clock, json_answer)
    wanted: dict[str, Any] = {"limit": 20, "order": "asc", "metadata": {"n": "5100"}}

    def page(**more: str) -> Any:
        call = Call("listChatCompletions", "/v1/chat/completions", "r", TENANT, parameters=wanted | more)
        return json.loads(b"".join(results.page(call, Invocation(1, live=False)).pieces))

    first = page()
    assert (first["data"], first["has_more"], first["last_id"]) == ([], True, completion_id(made[4999].id))
    second = page(after=first["last_id"])
    assert [each["id"] for each in second["data"]] == [completion_id(made[5100].id)]
    assert second["has_more"] is False


def test_a_page_ends_before_it_is_larger_than_a_function_may_answer() -> None:
    clock, store = FakeClock(), FakeStore()
    made = [_completed(store, number, "x" * 2_000_000) for number in range(4)]
    results = Results(store, clock, json_answer)
    call = Call("listChatCompletions", "/v1/c", "r", TENANT, parameters={"limit": 20, "order": "asc"})
    page = json.loads(b"".join(results.page(call, Invocation(1, live=False)).pieces))
    assert [each["id"] for each in page["data"]] == [completion_id(record.id) for record in made[:2]]
    assert (page["has_more"], page["last_id"]) == (True, completion_id(made[1].id))


def _completed(store: FakeStore, number: int, content: str = "") -> Record:
    core = f"01k9{number:022d}"
    record = Record(
        core, TENANT, 1, "sora-2", stream=False, phase=Phase.COMPLETED, metadata={"n": str(number)},
        completion={"id": completion_id(core), "choices": [], "padding": content},
    )  # fmt: skip
    record = store.create(record)
    store.index(record)
    return record
