"""The promises of the Store port, kept by the fake and by the adapter alike."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING

import pytest

from reelay.errors import Conflict, NotFound
from reelay.model import Media, MediaKind, Order, Phase, Problem, Record
from tests.fakes import TENANT, new_record
from tests.integration.store.place import ABSENT, LARGE, OTHER, REAL_S3, cores, fill

if TYPE_CHECKING:
    from reelay.ports import Store


def full(record: Record) -> Record:
    """The record as it ends, with every field set."""
    return replace(
        record,
        phase=Phase.COMPLETED,
        updated=record.created + 90,
        metadata={"project": "dogs"},
        completion={"id": "chatcmpl-x", "choices": [{"message": {"content": "🐕 \ud83d"}}]},
        problem=Problem("cut", "upstream_error", None, "upstream_broken", 502, charged=True),
        task_id="task_1",
        status="completed",
        progress=100,
        upstream_id="theirs",
        transcript_bytes=60_000,
        media=(Media(MediaKind.VIDEO, "https://a.test/v", key="k", size=1, sha256="a", content_type="video/mp4"),),
    )


@pytest.mark.parametrize("store", ["fake", *REAL_S3], indirect=True)
class TestPromises:
    def test_a_created_record_is_read_back_as_it_was_written(self, store: Store) -> None:
        created = store.create(full(new_record()))
        assert created == replace(full(new_record(id=created.id)), rev=1)
        loaded = store.load(TENANT, created.id)
        assert loaded == created
        assert loaded.version == created.version != ""

    def test_only_the_first_of_an_id_is_created(self, store: Store) -> None:
        first = store.create(new_record(model="first"))
        with pytest.raises(Conflict):
            store.create(replace(first, model="second"))
        assert store.load(TENANT, first.id) == first

    def test_the_first_request_stays_however_large_the_second_is(self, store: Store) -> None:
        first = store.create(new_record(request=LARGE))
        with pytest.raises(Conflict):
            store.create(replace(first, request={**LARGE, "model": "second"}))
        assert store.load(TENANT, first.id).request == LARGE

    def test_saving_replaces_the_revision_and_counts_it(self, store: Store) -> None:
        created = store.create(new_record())
        saved = store.save(full(created))
        assert saved == replace(full(created), rev=2)
        assert saved.version != created.version
        assert store.load(TENANT, created.id) == saved
        assert store.save(saved).rev == 3

    def test_a_revision_that_was_overtaken_is_not_saved(self, store: Store) -> None:
        created = store.create(new_record())
        saved = store.save(replace(created, progress=36))
        with pytest.raises(Conflict):
            store.save(replace(created, progress=8))
        assert store.load(TENANT, created.id) == saved

    def test_who_was_overtaken_reads_again_and_saves(self, store: Store) -> None:
        created = store.create(new_record())
        store.save(replace(created, progress=36))
        again = store.save(replace(store.load(TENANT, created.id), status="in_progress"))
        assert (again.progress, again.status, again.rev) == (36, "in_progress", 3)

    def test_a_write_that_changes_nothing_still_overtakes(self, store: Store) -> None:
        created = store.create(new_record())
        store.save(created)
        with pytest.raises(Conflict):
            store.save(created)

    def test_a_deleted_record_never_comes_back(self, store: Store) -> None:
        created = store.create(new_record())
        store.delete(created)
        with pytest.raises(NotFound):
            store.save(replace(created, progress=100))
        with pytest.raises(NotFound):
            store.load(TENANT, created.id)
        assert cores(store.walk(TENANT, Order.DESC, None)) == []

    def test_what_was_never_stored_is_not_saved(self, store: Store) -> None:
        with pytest.raises(ValueError, match=r"created or loaded|never stored"):
            store.save(new_record())

    @pytest.mark.parametrize("id", [ABSENT, "../x", "%2e%2e", "", "x" * 26])
    def test_what_is_not_there_is_not_found(self, store: Store, id: str) -> None:
        with pytest.raises(NotFound):
            store.load(TENANT, id)

    def test_another_tenants_record_is_not_found(self, store: Store) -> None:
        created = store.create(new_record())
        store.index(created)
        with pytest.raises(NotFound):
            store.load(OTHER, created.id)
        assert cores(store.walk(OTHER, Order.DESC, None)) == cores(store.walk(OTHER, Order.ASC, None)) == []

    def test_a_large_request_is_loaded_whole_and_outlives_each_revision(self, store: Store) -> None:
        created = store.create(new_record(request=LARGE))
        assert created.request == LARGE
        store.save(replace(created, progress=36))
        loaded = store.load(TENANT, created.id)
        assert (loaded.request, loaded.progress) == (LARGE, 36)

    def test_a_record_from_a_walk_is_saved_without_losing_its_request(self, store: Store) -> None:
        created = store.create(new_record(request=LARGE))
        (walked,) = store.walk(TENANT, Order.DESC, None)
        store.save(replace(walked, metadata={"k": "v"}))
        loaded = store.load(TENANT, created.id)
        assert (loaded.request, loaded.metadata) == (LARGE, {"k": "v"})

    def test_newest_first_shows_every_record(self, store: Store) -> None:
        records = [store.create(new_record(seconds)) for seconds in range(3)]
        assert list(store.walk(TENANT, Order.DESC, None)) == records[::-1]

    def test_oldest_first_shows_what_was_indexed_and_each_once(self, store: Store) -> None:
        records = [store.create(new_record(seconds)) for seconds in range(3)]
        for record in (records[2], records[0], records[0]):
            store.index(record)
        assert list(store.walk(TENANT, Order.ASC, None)) == [records[0], records[2]]

    @pytest.mark.parametrize("order", Order)
    def test_a_walk_begins_after_its_cursor_deleted_or_not(self, store: Store, order: Order) -> None:
        records = fill(store, 4)
        ordered = [record.id for record in (records if order is Order.ASC else records[::-1])]
        assert cores(store.walk(TENANT, order, ordered[1])) == ordered[2:]
        store.delete(store.load(TENANT, ordered[1]))
        assert cores(store.walk(TENANT, order, ordered[1])) == ordered[2:]
        assert cores(store.walk(TENANT, order, ordered[3])) == []

    @pytest.mark.parametrize("order", Order)
    def test_a_cursor_that_no_record_can_have_is_refused_at_once(self, store: Store, order: Order) -> None:
        with pytest.raises(NotFound):
            store.walk(TENANT, order, "../x")

    @pytest.mark.parametrize("order", Order)
    def test_pages_are_exact_while_records_come_and_go(self, store: Store, order: Order) -> None:
        records = fill(store, 50)
        ordered = records if order is Order.ASC else records[::-1]
        doomed = {ordered[9].id, ordered[30].id, ordered[49].id}  # a cursor, one in the middle of a page, the last
        seen: list[str] = []
        after = None
        while page := cores(islice(store.walk(TENANT, order, after), 10)):
            seen += page
            after = page[-1]
            if len(seen) == 10:
                for record in records:
                    if record.id in doomed:
                        store.delete(record)
                for seconds in (-1, 100):  # one before and one after all others, whatever the order
                    store.index(store.create(new_record(seconds)))
        late = store.walk(TENANT, order, ordered[48].id)
        expected = [record.id for record in ordered[:10]]
        expected += [record.id for record in ordered[10:] if record.id not in doomed] + cores(late)
        assert seen == expected
        assert len(seen) == 49

    def test_deleting_twice_does_no_harm_and_spares_the_others(self, store: Store) -> None:
        gone, stays = fill(store, 2)
        store.delete(gone)
        store.delete(gone)
        assert cores(store.walk(TENANT, Order.ASC, None)) == cores(store.walk(TENANT, Order.DESC, None)) == [stays.id]

    def test_a_transcript_stays_open_for_more(self, store: Store) -> None:
        created = store.create(new_record())
        with SpooledTemporaryFile(8) as transcript:
            for piece in (b"data: 1\n\n", b"data: 2\n\n"):
                transcript.write(piece)
                store.keep_transcript(created, transcript)
            transcript.seek(0)
            assert transcript.read() == b"data: 1\n\ndata: 2\n\n"
