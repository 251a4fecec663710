"""Where everything of a record lies in the bucket, and as what."""

from __future__ import annotations

import io

from reelay import documents
from reelay.model import Order
from tests.fakes import TENANT, new_record
from tests.integration.store.place import LARGE, Place, cores


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
