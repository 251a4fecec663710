"""How many S3 calls a caller waits for."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

from tests.bench.asked import PATH
from tests.bench.house import BenchHouse, bench_house
from tests.bench.table import Mark, Row, at_most

BEFORE, BEFORE_NAMED, AFTER = 1, 2, 3
PAGE = 20
NAME, TITLE = "s3_calls", "S3 calls on the caller's path"
HOW = """\
Counted as they are sent, repetitions and all, in a function that has answered before (the look at the pause
switch is remembered for 30 s). Before: until the request is handed to the upstream. After: from the last byte of the
upstream's answer to the last of ours. What is done once the caller has everything is not on its path; the row of the
costs has it."""


def measure(*, quick: bool) -> Row:  # noqa: ARG001 - counted once either way
    """Count."""
    with bench_house() as house:
        house.ask()  # the first one looks at the pause switch
        return Row(NAME, TITLE, HOW, [*_answers(house), *_reads(house)])


def _answers(house: BenchHouse) -> Iterator[Mark]:
    for kind, stream in (("whole", False), ("streamed", True)):
        for what, named, most in (("", False, BEFORE), (", with an Idempotency-Key", True, BEFORE_NAMED)):
            calls = house.ask(stream=stream, **({"Idempotency_Key": uuid.uuid4().hex} if named else {}))
            yield at_most(f"{kind}{what}: before the upstream is called", house.milestones.called, most)
            yield at_most(f"{kind}{what}: after its last byte", len(calls) - house.milestones.said, AFTER)


def _reads(house: BenchHouse) -> Iterator[Mark]:
    for _ in range(PAGE):
        house.ask()
    page, calls = house.read(PATH, order="desc")
    kept = json.loads(page["body"])["data"]
    if len(kept) != PAGE:
        raise RuntimeError(f"a page of {len(kept)}")
    lists = sum("ListObjects" in call.operation for call in calls)
    yield at_most(f"a page of {PAGE}: LISTs", lists, 1)
    yield at_most(
        f"a page of {PAGE}: reads, its own and the one that says there are more", len(calls) - lists, PAGE + 1
    )
    yield at_most("a read of one record", len(house.read(f"{PATH}/{kept[0]['id']}")[1]), 1)
