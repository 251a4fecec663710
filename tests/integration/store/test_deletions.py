"""Deletions that fail halfway, or while others list and write."""

from __future__ import annotations

import pytest

from reelay import documents
from reelay.errors import NotFound, StoreFailed
from reelay.model import Order
from reelay.s3_rest import Attempt, Carry, Received
from tests.fakes import TENANT, new_record
from tests.integration.store.place import LARGE, Place, cores, fill
from tests.s3_tap import answers, inject, refuses, tap


class TestFaults:
    def test_what_s3_would_not_delete_is_told(self, moto: Place) -> None:
        created = moto.store().create(new_record())
        refusal = "<DeleteResult><Error><Key>k</Key><Code>InternalError</Code></Error></DeleteResult>"
        inject(moto.objects, "DeleteObjects", answers(200, refusal))
        with pytest.raises(StoreFailed, match="InternalError"):
            moto.store().delete(created)
        assert moto.store().load(TENANT, created.id) == created, "still there, so that deleting can be repeated"

    def test_a_record_deleted_since_it_was_listed_is_passed_over(self, moto: Place) -> None:
        first, second, third = fill(moto.store(), 3)

        def listed_before_the_deletion(attempt: Attempt, carry: Carry) -> Received:
            answer = carry(attempt)
            if attempt.operation == "ListObjectsV2":
                moto.client.delete_object(Bucket=moto.bucket, Key=documents.record_key(TENANT, second.id))
            return answer

        tap(moto.objects, listed_before_the_deletion)
        assert cores(moto.store().walk(TENANT, Order.DESC, None)) == [third.id, first.id]

    def test_a_deletion_that_s3_let_fail_halfway_can_be_repeated(self, moto: Place) -> None:
        created = moto.store().create(new_record(request=LARGE))
        inject(moto.objects, "DeleteObject", refuses(403, "AccessDenied"))
        with pytest.raises(StoreFailed):
            moto.store().delete(created)
        left = moto.store().load(TENANT, created.id)
        assert left.request is None
        moto.store().delete(left)
        with pytest.raises(NotFound):
            moto.store().load(TENANT, created.id)

    def test_what_a_run_writes_while_its_record_is_deleted_goes_too(self, moto: Place) -> None:
        store = moto.store()
        created = store.create(new_record())

        def write_on(attempt: Attempt, carry: Carry) -> Received:
            if attempt.operation == "DeleteObject":
                key = documents.transcript_key(TENANT, created.id)
                moto.client.put_object(Bucket=moto.bucket, Key=key, Body=b"late")
            return carry(attempt)

        tap(moto.objects, write_on)
        store.delete(created)
        assert moto.listing() == []
        assert store.was_deleted(TENANT, created.id)
