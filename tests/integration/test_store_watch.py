"""What the Store port promises of work left to do and of transcripts, kept by the fake and by the adapter alike."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from reelay import documents
from reelay.errors import NotFound, StoreFailed
from reelay.model import Job, Record
from reelay.s3_failures import ATTEMPTS
from reelay.store import LIST_KEYS
from tests.fakes import TENANT, FakeStore, new_record
from tests.integration.store import conftest as s3_tests
from tests.integration.store.place import OTHER, REAL_S3, Place
from tests.s3_tap import count_calls, inject, loses, refuses

if TYPE_CHECKING:
    from reelay.ports import Store

moto, weed, seaweedfs, store = s3_tests.moto, s3_tests.weed, s3_tests.seaweedfs, s3_tests.store


def job(record: Record) -> Job:
    return Job(record.tenant, record.id)


def marked(store: Store) -> list[Job]:
    return [mark.job for mark in store.watched()]


@pytest.mark.parametrize("store", ["fake", *REAL_S3], indirect=True)
class TestPromises:
    def test_nothing_is_watched_at_first(self, store: Store) -> None:
        store.create(new_record())
        assert marked(store) == []

    def test_the_oldest_comes_first_whatever_its_tenant(self, store: Store) -> None:
        records = [new_record(2), new_record(0, tenant=OTHER), new_record(1, tenant="anonymous"), new_record(3)]
        for record in records:
            store.watch(store.create(record))
        oldest_first = sorted(records, key=lambda record: record.created)
        assert marked(store) == [job(record) for record in oldest_first]

    def test_a_record_may_be_watched_before_it_is_created(self, store: Store) -> None:
        record = new_record()
        store.watch(record)
        assert marked(store) == [job(record)]

    def test_watching_twice_and_unwatching_twice_do_no_harm(self, store: Store) -> None:
        stays, goes = new_record(0), new_record(1)
        for record in (stays, goes, goes):
            store.watch(record)
        store.unwatch(job(goes))
        assert marked(store) == [job(stays)]
        store.unwatch(job(goes))
        assert marked(store) == [job(stays)]

    def test_what_is_unwatched_on_the_way_hides_nothing(self, store: Store) -> None:
        records = [new_record(seconds) for seconds in range(4)]
        for record in records:
            store.watch(record)
        seen = []
        for each in (mark.job for mark in store.watched()):
            seen.append(each)
            store.unwatch(each)
        assert seen == [job(record) for record in records]
        assert marked(store) == []

    def test_another_tenants_watch_on_the_same_id_is_its_own(self, store: Store) -> None:
        mine = new_record()
        store.watch(mine)
        store.unwatch(Job(OTHER, mine.id))
        assert marked(store) == [job(mine)]

    def test_a_deleted_record_is_not_watched(self, store: Store) -> None:
        gone, stays = (store.create(new_record(seconds)) for seconds in range(2))
        store.watch(gone)
        store.watch(stays)
        store.delete(gone)
        assert marked(store) == [job(stays)]

    def test_a_record_that_was_never_watched_is_deleted_all_the_same(self, store: Store) -> None:
        created = store.create(new_record())
        store.delete(created)
        with pytest.raises(NotFound):
            store.load(TENANT, created.id)

    def test_what_was_kept_of_the_transcript_is_read_whole(self, store: Store) -> None:
        created = store.create(new_record())
        kept = io.BytesIO(b"data: \xff\x00\r\n\r\n" * 100_000)
        store.keep_transcript(created, kept)
        assert store.transcript(created) == kept.getvalue()

    def test_where_no_transcript_was_kept_there_are_no_bytes(self, store: Store) -> None:
        created = store.create(new_record())
        assert store.transcript(created) == b""
        store.keep_transcript(created, io.BytesIO(b"data: 1\n\n"))
        store.delete(created)
        assert store.transcript(created) == b""


class TestFake:
    def test_it_fails_where_the_store_does(self) -> None:
        """While walking, not before: whoever guards only the call would be wrong with S3."""
        store = FakeStore()
        store.broken.add("watched")
        walk = store.watched()
        with pytest.raises(StoreFailed):
            next(walk)


class TestS3:
    def test_a_marker_is_empty_and_lies_under_its_time(self, moto: Place) -> None:
        record = new_record()
        moto.store().watch(record)
        assert moto.listing("open/") == [f"open/{record.id}/{TENANT}"]
        assert moto.read(documents.watch_key(TENANT, record.id)) == b""

    def test_an_object_of_somebody_else_is_passed_over(self, moto: Place) -> None:
        record = new_record()
        moto.store().watch(record)
        for name in (
            "",
            "notes.txt",
            f"{record.id}/",
            f"{record.id}/x/{TENANT}",
            f"{record.id}/{TENANT}/",
            f"x/{TENANT}",
        ):
            moto.client.put_object(Bucket=moto.bucket, Key=documents.WATCH_PREFIX + name, Body=b"hello")
        assert marked(moto.store()) == [job(record)]

    def test_nothing_is_asked_before_the_first_job_is(self, moto: Place) -> None:
        calls = count_calls(moto.objects)
        walk = moto.store().watched()
        assert calls == []
        assert list(walk) == []
        assert calls == ["ListObjectsV2"]

    def test_each_costs_one_call(self, moto: Place) -> None:
        record, calls = new_record(), count_calls(moto.objects)
        moto.store().watch(record)
        moto.store().transcript(record)
        moto.store().unwatch(job(record))
        assert calls == ["PutObject", "GetObject", "DeleteObject"]

    def test_a_walk_goes_on_beyond_what_one_list_holds(self, moto: Place) -> None:
        records = [new_record(seconds) for seconds in range(LIST_KEYS + 2)]
        for record in records:
            moto.store().watch(record)
        calls = count_calls(moto.objects)
        walk = moto.store().watched()
        assert next(walk).job == job(records[0])
        assert calls == ["ListObjectsV2"], "the second list is not asked for before it is needed"
        assert [mark.job for mark in walk] == [job(record) for record in records[1:]]
        assert calls == ["ListObjectsV2"] * 2

    def test_the_marker_is_the_last_that_a_deletion_takes(self, moto: Place) -> None:
        created = moto.store().create(new_record())
        moto.store().watch(created)
        faults = [refuses(503, "SlowDown")] * ATTEMPTS
        inject(moto.objects, "DeleteObject", *faults)
        with pytest.raises(StoreFailed):
            moto.store().delete(created)
        assert marked(moto.store()) == [job(created)], "still seen by whoever looks after what is left to do"
        moto.store().delete(created)
        assert marked(moto.store()) == []

    @pytest.mark.parametrize("operation", ["PutObject", "DeleteObject"])
    def test_a_lost_answer_changes_nothing(self, moto: Place, operation: str) -> None:
        record = new_record()
        inject(moto.objects, operation, loses)
        moto.store().watch(record)
        assert marked(moto.store()) == [job(record)]
        moto.store().unwatch(job(record))
        assert marked(moto.store()) == []

    def test_every_method_says_that_the_store_failed(self, moto: Place) -> None:
        store, record = moto.store(), new_record()
        for operation in ("PutObject", "GetObject", "ListObjectsV2", "DeleteObject"):
            inject(moto.objects, operation, *[refuses(403, "AccessDenied")] * 9)
        for method in (
            lambda: store.watch(record),
            lambda: store.unwatch(job(record)),
            lambda: marked(store),
            lambda: store.transcript(record),
        ):
            with pytest.raises(StoreFailed, match="AccessDenied"):
                method()
