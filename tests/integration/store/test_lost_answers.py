"""Writes whose answer got lost, that S3 left undecided, or that it was too busy for: done once, and known for ours."""

from __future__ import annotations

import io
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from urllib3.exceptions import HTTPError

from reelay import documents
from reelay.conditional import WRITES
from reelay.errors import Conflict, StoreFailed
from reelay.s3_failures import ATTEMPTS
from reelay.s3_rest import Attempt, Received
from tests.fakes import TENANT, new_record
from tests.integration.store.place import LARGE, Place
from tests.s3_tap import inject, loses, refuses


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
