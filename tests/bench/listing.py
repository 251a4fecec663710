"""A page of 20 of a tenant with 100 records, and of one with 100,000."""

from __future__ import annotations

import json
import secrets
import time

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from reelay.documents import Document, encode, record_key
from reelay.identity import tenant_of
from reelay.ids import new_core
from reelay.model import Phase, Record
from tests.bench.asked import DOCUMENTED, KEY, PATH
from tests.bench.house import BenchHouse, bench_house
from tests.bench.processes import BUCKET
from tests.bench.s3_watch import covered
from tests.bench.table import Row, at_most, median, told

FEW, MANY, QUICK_MANY = 100, 100_000, 2_000
PAGE = 20
SAMPLES, QUICK_SAMPLES = 5, 2
NAME, TITLE = "listing", "List"
HOW = """\
One page of 20 through the door of the results, the newest first, with 100 and with 100,000 completed records of one
tenant. Calls are counted as they are sent. Time is the door's, minus S3 calls on their way; moto, which looks at
every key of a bucket for each LIST, is outside. The records are put straight into moto's memory."""


def measure(*, quick: bool) -> Row:
    """Few first, then many in another bucket's place."""
    marks, calls = [], {}
    for records in (FEW, QUICK_MANY if quick else MANY):
        with bench_house() as house:
            _fill(tenant_of(KEY), records)
            made, milliseconds = _page(house, QUICK_SAMPLES if quick else SAMPLES)
        calls[records] = made
        marks.append(told(f"{records:,} records: S3 calls", made, "", 0))
        marks.append(told(f"{records:,} records: time beside S3's", milliseconds, "ms"))
    few, many = calls.values()
    return Row(NAME, TITLE, HOW, [at_most("calls with many records less those with few", many - few, 0), *marks])


def _page(house: BenchHouse, samples: int) -> tuple[int, float]:
    """S3 calls of a page, and the median of its milliseconds without them."""
    taken, made = [], []
    for _ in range(samples):
        began = time.monotonic()
        reply, calls = house.read(PATH, limit=str(PAGE), order="desc")
        ended = time.monotonic()
        page = json.loads(reply["body"])
        if len(page["data"]) != PAGE or not page["has_more"]:
            raise RuntimeError("not a page with more behind it")
        taken.append((ended - began - covered([(call.began, call.ended) for call in calls], began, ended)) * 1000)
        made.append(len(calls))
    return max(made), median(taken)


def _fill(tenant: str, records: int) -> None:
    """So many completed records, one a second until now."""
    backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    now = int(time.time())
    for age in range(records):
        record = _record(tenant, now - age)
        body = encode(Document(record, secrets.token_hex(8), apart=False))
        backend.put_object(BUCKET, record_key(tenant, record.id), body)


def _record(tenant: str, at: int) -> Record:
    completion = {
        "id": "chatcmpl-bench",
        "object": "chat.completion",
        "created": at,
        "model": "sora-2",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "a dog"}, "finish_reason": "stop"}],
    }
    return Record(
        id=new_core(at),
        tenant=tenant,
        created=at,
        updated=at,
        finished=at,
        model="sora-2",
        stream=True,
        request=DOCUMENTED,
        phase=Phase.COMPLETED,
        status="completed",
        completion=completion,
    )
