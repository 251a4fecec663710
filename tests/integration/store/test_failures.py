"""What a store that fails tells, and what it never tells."""

from __future__ import annotations

import io

import pytest

from reelay import documents
from reelay.errors import StoreFailed
from reelay.model import Order
from reelay.store import S3Store
from reelay.wiring import bucket_of
from tests.fakes import TENANT, new_record
from tests.integration.store.place import ABSENT, Place, free_ports
from tests.s3_tap import at_once, inject, refuses


class TestFaults:
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
