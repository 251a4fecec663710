"""How many calls to S3 each method costs."""

from __future__ import annotations

from itertools import islice

import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from reelay import documents
from reelay.documents import Document
from reelay.model import Order, Record
from reelay.store import GETS_AT_ONCE, INLINE_REQUEST_BYTES, LIST_KEYS
from tests.fakes import TENANT, new_record
from tests.integration.store.place import LARGE, Place, cores
from tests.s3_tap import count_calls


def seed(place: Place, seconds: range) -> list[Record]:
    """Finished records, laid straight into the memory of moto, which is ours: hundreds would take seconds by HTTP."""
    memory = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    records = [new_record(each) for each in seconds]
    for record in records:
        document = documents.encode(Document(record, "seeded", apart=False))
        memory.put_object(place.bucket, documents.record_key(TENANT, record.id), document)
        memory.put_object(place.bucket, documents.marker_key(TENANT, record.id), b"")
    return records


class TestCost:
    def test_a_small_record_costs_one_call_each_time(self, moto: Place) -> None:
        calls = count_calls(moto.objects)
        created = moto.store().create(new_record())
        moto.store().save(created)
        moto.store().load(TENANT, created.id)
        assert calls == ["PutObject", "PutObject", "GetObject"]

    def test_a_large_request_costs_one_call_more_to_create_and_to_load(self, moto: Place) -> None:
        calls = count_calls(moto.objects)
        created = moto.store().create(new_record(request=LARGE))
        moto.store().save(created)
        moto.store().load(TENANT, created.id)
        assert calls == ["PutObject", "PutObject", "PutObject", "GetObject", "GetObject"]

    def test_a_listing_does_not_read_large_requests(self, moto: Place) -> None:
        moto.store().create(new_record(request=LARGE))
        calls = count_calls(moto.objects)
        (walked,) = moto.store().walk(TENANT, Order.DESC, None)
        assert walked.request is None
        assert calls == ["ListObjectsV2", "GetObject"]

    @pytest.mark.parametrize("size", [INLINE_REQUEST_BYTES, INLINE_REQUEST_BYTES + 1])
    def test_a_request_of_just_the_limit_lies_in_the_document(self, moto: Place, size: int) -> None:
        moto.store().create(new_record(request={"k": "x" * (size - len(b'{"k":""}'))}))
        (walked,) = moto.store().walk(TENANT, Order.DESC, None)
        assert (walked.request is None) == (size > INLINE_REQUEST_BYTES)

    def test_nothing_is_asked_before_the_first_record_is(self, moto: Place) -> None:
        calls = count_calls(moto.objects)
        moto.store().walk(TENANT, Order.DESC, None)
        assert calls == []

    def test_a_page_costs_the_page_and_not_the_bucket(self, moto: Place) -> None:
        store = moto.store()
        records = seed(moto, range(30))
        calls = count_calls(moto.objects)

        def cost(order: Order, after: str | None, limit: int) -> tuple[int, int]:
            calls.clear()
            assert len(list(islice(store.walk(TENANT, order, after), limit + 1))) == limit + 1
            assert set(calls) == {"ListObjectsV2", "GetObject"}
            return calls.count("ListObjectsV2"), calls.count("GetObject")

        middle = records[24].id
        small = [cost(Order.DESC, None, 20), cost(Order.ASC, None, 20), cost(Order.DESC, middle, 20)]
        seed(moto, range(30, 300))
        large = [cost(Order.DESC, None, 20), cost(Order.ASC, None, 20), cost(Order.DESC, middle, 20)]
        assert small == large == [(1, 21)] * 3
        lists, gets = cost(Order.DESC, None, 100)
        assert lists == 1
        assert 101 <= gets < 101 + GETS_AT_ONCE

    def test_a_walk_goes_on_beyond_what_one_list_holds(self, moto: Place) -> None:
        records = seed(moto, range(LIST_KEYS + 2))
        calls = count_calls(moto.objects)
        assert cores(moto.store().walk(TENANT, Order.DESC, None)) == [record.id for record in records[::-1]]
        assert calls.count("ListObjectsV2") == 2
