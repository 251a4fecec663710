"""The promises of the Drops port, kept by the fake and by the adapter alike; then what only S3 can do to us."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3.exceptions import IncompleteRead

from reelay.drops import DROP_BYTES, KEY_BYTES, S3Drops, outcome_key
from reelay.errors import NotFound, StoreFailed, TooLarge
from reelay.s3_failures import ATTEMPTS
from reelay.s3_rest import Attempt, Carry, Received
from reelay.wiring import bucket_of
from tests.fakes import FakeDrops
from tests.integration.store import conftest as s3_tests
from tests.integration.store.place import REAL_S3, Place
from tests.s3_tap import count_calls, inject, loses, refuses, tap

if TYPE_CHECKING:
    from reelay.ports import Drops

moto, weed, seaweedfs, place = s3_tests.moto, s3_tests.weed, s3_tests.seaweedfs, s3_tests.place

KEY = "inbox/request.json"
BODY = b'{"model":"sora-2","messages":[{"role":"user","content":"\xf0\x9f\x90\x95"}]}'
OUTCOME: dict[str, Any] = {"id": "chatcmpl-1", "status": "completed", "text": "🐕 \ud83d"}
ODD_KEYS = [
    "inbox/a b+c%20d&e?f#g=h;i,j@k:l!m'n(o)p*q$r",
    "inbox/%2e%2e/%2F.json",
    "inbox/..json",
    "inbox/2026/11/26/x.json",
    'inbox/<a>&"b"',
    "inbox/Über 🐕.json",
    "inbox/e\u0301 \u00e9",
    "inbox/inbox/x",
    "inbox/.json",
]
KEYS_OF_NO_PATH = ["inbox/\\", "inbox/a\\b", "inbox//x", "inbox/./x", "inbox/../outbox/x", "inbox/\x01\x7f"]
"""S3 takes a key for a string; SeaweedFS takes it for a path, and gives these another meaning."""

NOT_IN_THE_INBOX = [
    "",
    "inbox",
    "inbox/",
    "inbox/a folder/",
    "outbox/x.json",
    "/inbox/x",
    "Inbox/x",
    "x/inbox/y",
    "kept/records/anonymous/x.json",
    "inbox/\ud83d",
    "inbox/" + "x" * KEY_BYTES,
]


@dataclass(frozen=True)
class Box:
    """Drops, with a hand in the bucket: `lay` a file and learn its tag, `remove` one, see the `outcome` beside one."""

    drops: Drops
    lay: Callable[[str, bytes], str]
    remove: Callable[[str], object]
    outcome: Callable[[str], Any]


def in_memory() -> Box:
    fake = FakeDrops()

    def lay(key: str, data: bytes) -> str:
        fake.files[key] = (f'"{hash(data)}"', data)
        return fake.files[key][0]

    return Box(fake, lay, fake.files.pop, fake.answers.get)


def in_s3(place: Place) -> Box:
    client, bucket = place.client, place.bucket

    def lay(key: str, data: bytes) -> str:
        return client.put_object(Bucket=bucket, Key=key, Body=data)["ETag"]

    def outcome(key: str) -> Any:
        beside = outcome_key(key)
        return json.loads(place.read(beside)) if beside in place.listing("outbox/") else None

    return Box(drops_in(place), lay, lambda key: client.delete_object(Bucket=bucket, Key=key), outcome)


def drops_in(place: Place) -> S3Drops:
    return S3Drops(place.objects)


@pytest.fixture
def box(request: pytest.FixtureRequest) -> Box:
    """The drops that the test is parametrised with, empty."""
    return in_memory() if request.param == "fake" else in_s3(request.getfixturevalue(request.param))


@pytest.mark.parametrize("box", ["fake", *REAL_S3], indirect=True)
class TestPromises:
    def test_a_file_is_read_as_it_was_laid(self, box: Box) -> None:
        tag = box.lay(KEY, BODY)
        assert box.drops.read(KEY, tag) == BODY
        assert box.drops.read(KEY, tag) == BODY

    def test_a_tag_may_come_without_its_quotes_as_in_events(self, box: Box) -> None:
        tag = box.lay(KEY, BODY)
        assert tag.startswith('"')
        assert box.drops.read(KEY, tag.strip('"')) == BODY

    def test_an_empty_file_is_read_too(self, box: Box) -> None:
        assert box.drops.read(KEY, box.lay(KEY, b"")) == b""

    def test_a_file_that_was_replaced_is_not_found_by_its_old_tag(self, box: Box) -> None:
        old = box.lay(KEY, BODY)
        new = box.lay(KEY, b"{}")
        with pytest.raises(NotFound):
            box.drops.read(KEY, old)
        assert box.drops.read(KEY, new) == b"{}"

    def test_a_file_that_is_gone_is_not_found(self, box: Box) -> None:
        tag = box.lay(KEY, BODY)
        box.remove(KEY)
        with pytest.raises(NotFound):
            box.drops.read(KEY, tag)

    @pytest.mark.parametrize("key", NOT_IN_THE_INBOX)
    def test_what_does_not_lie_in_the_inbox_is_not_found(self, box: Box, key: str) -> None:
        with pytest.raises(NotFound):
            box.drops.read(key, '"d41d8cd98f00b204e9800998ecf8427e"')
        with pytest.raises(NotFound):
            box.drops.answer(key, OUTCOME)

    def test_the_largest_file_is_read_and_a_larger_one_is_not(self, box: Box) -> None:
        assert len(box.drops.read(KEY, box.lay(KEY, bytes(DROP_BYTES)))) == DROP_BYTES
        with pytest.raises(TooLarge):
            box.drops.read(KEY, box.lay(KEY, bytes(DROP_BYTES + 1)))

    @pytest.mark.parametrize("key", ODD_KEYS)
    def test_a_key_may_hold_any_character(self, box: Box, key: str) -> None:
        tag = box.lay(key, BODY)
        assert box.drops.read(key, tag) == BODY
        box.drops.answer(key, OUTCOME)
        assert box.outcome(key) == OUTCOME

    def test_the_last_outcome_is_the_one_that_lies_there(self, box: Box) -> None:
        assert box.outcome(KEY) is None
        for outcome in ({"status": "queued"}, OUTCOME):
            box.drops.answer(KEY, outcome)
            assert box.outcome(KEY) == outcome


class TestReading:
    @pytest.mark.parametrize("key", KEYS_OF_NO_PATH)
    def test_a_key_is_no_path(self, moto: Place, key: str) -> None:
        box = in_s3(moto)
        assert box.drops.read(key, box.lay(key, BODY)) == BODY
        box.drops.answer(key, OUTCOME)
        assert moto.listing("") == sorted([key, f"outbox/{key.removeprefix('inbox/')}.json"])
        assert box.outcome(key) == OUTCOME

    def test_a_file_costs_one_call(self, moto: Place) -> None:
        box = in_s3(moto)
        tag, calls = box.lay(KEY, BODY), count_calls(moto.objects)
        box.drops.read(KEY, tag)
        box.drops.answer(KEY, OUTCOME)
        assert calls == ["GetObject", "PutObject"]

    @pytest.mark.parametrize("tag", ["", '"', "*", "W/", "a b", 'a", "b', "x\r\nY: z", "x" * 129])
    def test_a_tag_that_no_file_has_is_never_sent(self, moto: Place, tag: str) -> None:
        in_s3(moto).lay(KEY, BODY)
        calls = count_calls(moto.objects)
        with pytest.raises(NotFound):
            drops_in(moto).read(KEY, tag)
        assert calls == []

    def test_of_a_file_that_is_too_large_nothing_is_read(self, moto: Place) -> None:
        tag = in_s3(moto).lay(KEY, bytes(DROP_BYTES + 1))
        received: list[Received] = []

        def note(attempt: Attempt, carry: Carry) -> Received:
            received.append(carry(attempt))
            return received[-1]

        tap(moto.objects, note)
        with pytest.raises(TooLarge, match=f"{DROP_BYTES:,}"):
            drops_in(moto).read(KEY, tag)
        assert [(each.body, each.size) for each in received] == [(b"", DROP_BYTES + 1)]

    def test_a_file_whose_end_does_not_come_fails(self, moto: Place) -> None:
        tag = in_s3(moto).lay(KEY, BODY)

        def cut(attempt: Attempt, carry: Carry) -> Received:
            raise IncompleteRead(len(carry(attempt).body) - 1, 1)

        tap(moto.objects, cut)
        with pytest.raises(StoreFailed, match="IncompleteRead"):
            drops_in(moto).read(KEY, tag)

    def test_an_answer_that_does_not_say_how_long_it_is_fails(self, moto: Place) -> None:
        tag = in_s3(moto).lay(KEY, BODY)

        def forget(attempt: Attempt, carry: Carry) -> Received:
            return replace(carry(attempt), size=None)

        tap(moto.objects, forget)
        with pytest.raises(StoreFailed, match="NoContentLength"):
            drops_in(moto).read(KEY, tag)

    def test_a_busy_store_is_asked_again(self, moto: Place) -> None:
        tag = in_s3(moto).lay(KEY, BODY)
        attempts = inject(moto.objects, "GetObject", refuses(503, "SlowDown"), refuses(503, "SlowDown"))
        assert drops_in(moto).read(KEY, tag) == BODY
        assert len(attempts) == ATTEMPTS

    @pytest.mark.usefixtures("aws_environment")
    def test_a_missing_bucket_is_not_a_missing_file(self) -> None:
        with pytest.raises(StoreFailed, match="NoSuchBucket"):
            S3Drops(bucket_of("no-such-bucket")).read(KEY, "abc")


class TestAnswering:
    def test_an_outcome_is_json_beside_the_inbox(self, moto: Place) -> None:
        drops_in(moto).answer("inbox/a/b", OUTCOME)
        assert moto.listing("") == ["outbox/a/b.json"]
        head = moto.client.head_object(Bucket=moto.bucket, Key="outbox/a/b.json")
        assert head["ContentType"] == "application/json"

    def test_an_outcome_whose_answer_was_lost_lies_there(self, moto: Place) -> None:
        inject(moto.objects, "PutObject", loses)
        drops_in(moto).answer(KEY, OUTCOME)
        assert json.loads(moto.read(outcome_key(KEY))) == OUTCOME

    def test_every_method_says_that_the_store_failed(self, moto: Place) -> None:
        tag = in_s3(moto).lay(KEY, BODY)
        for operation in ("GetObject", "PutObject"):
            inject(moto.objects, operation, *[refuses(403, "AccessDenied")] * 9)
        with pytest.raises(StoreFailed, match="AccessDenied"):
            drops_in(moto).read(KEY, tag)
        with pytest.raises(StoreFailed, match="AccessDenied"):
            drops_in(moto).answer(KEY, OUTCOME)

    def test_the_longest_key_has_an_outcome_too(self, moto: Place) -> None:
        key = "inbox/" + "x" * (KEY_BYTES - len("inbox/"))
        assert drops_in(moto).read(key, in_s3(moto).lay(key, BODY)) == BODY
        sent = inject(moto.objects, "PutObject")
        drops_in(moto).answer(key, OUTCOME)
        assert len(sent) == 1
        assert json.loads(moto.read(outcome_key(key))) == OUTCOME


class TestOutcomeKey:
    @pytest.mark.parametrize(
        ("key", "beside"),
        [
            ("inbox/a", "outbox/a.json"),
            ("inbox/a.json", "outbox/a.json"),
            ("inbox/a.JSON", "outbox/a.JSON.json"),
            ("inbox/a.json.txt", "outbox/a.json.txt.json"),
            ("inbox/inbox/a", "outbox/inbox/a.json"),
            ("inbox//a", "outbox//a.json"),
            ("inbox/../a", "outbox/../a.json"),
            ("inbox/.json", "outbox/.json"),
        ],
    )
    def test_it_is_the_rest_of_the_key_in_the_outbox(self, key: str, beside: str) -> None:
        assert outcome_key(key) == beside

    @given(rest=st.text(st.characters(codec="utf-8"), min_size=1, max_size=20), room=st.integers(0, 9))
    def test_it_is_never_longer_than_s3_takes_and_never_in_the_inbox(self, rest: str, room: int) -> None:
        short = f"inbox/{rest}x"
        for key in (short, short + "x" * (KEY_BYTES - len(short.encode()) - room)):
            beside = outcome_key(key)
            assert beside.startswith("outbox/")
            assert beside.endswith(".json")
            assert len(beside.encode()) <= KEY_BYTES
