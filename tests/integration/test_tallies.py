"""What a tally promises, of moto's S3 and of the fake."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reelay.conditional import WRITES
from reelay.documents import tally_key
from reelay.errors import Conflict, NotFound, StoreFailed
from reelay.model import Tally
from reelay.s3 import s3_client
from reelay.tallies import S3Tallies
from reelay.wiring import bucket_of
from tests.fakes import TENANT, FakeTallies
from tests.integration.store import conftest as s3_tests
from tests.integration.store.place import Place
from tests.s3_tap import inject, loses, refuses

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from reelay.ports import Tallies

moto = s3_tests.moto

OTHER = "f" * 32
SPENT = Tally(20_000, 3, {"01jzd0000000000000000000000": 1_780_000_000})


@pytest.fixture(params=["s3", "fake"])
def tallies(request: pytest.FixtureRequest) -> Tallies:
    if request.param == "fake":
        return FakeTallies()
    request.getfixturevalue("aws_environment")
    return S3Tallies(bucket_of(request.getfixturevalue("bucket")))


def test_a_tenant_without_one_has_an_empty_one(tallies: Tallies) -> None:
    assert tallies.load(TENANT) == Tally()


def test_what_was_saved_is_loaded_for_that_tenant_alone(tallies: Tallies) -> None:
    tallies.save(TENANT, SPENT)
    assert tallies.load(TENANT) == SPENT
    assert tallies.load(OTHER) == Tally()


def test_of_two_who_read_the_same_one_writes(tallies: Tallies) -> None:
    for _ in range(2):
        read = tallies.load(TENANT)
        tallies.save(TENANT, replace(read, made=read.made + 1))
        with pytest.raises(Conflict):
            tallies.save(TENANT, replace(read, made=9))
    assert tallies.load(TENANT).made == 2


def test_only_a_tenant_has_one(tallies: Tallies) -> None:
    with pytest.raises(NotFound):
        tallies.load("../paused")


@pytest.fixture
def client(aws_environment: None) -> S3Client:  # noqa: ARG001 - sets where S3 is
    return s3_client()


def test_a_lost_answer_to_our_own_write_is_no_rivals(moto: Place) -> None:
    attempts = inject(moto.objects, "PutObject", loses)
    tallies = S3Tallies(moto.objects)
    tallies.save(TENANT, SPENT)
    assert (tallies.load(TENANT), len(attempts)) == (SPENT, 2)


def test_rivals_who_never_give_way_are_rivals(moto: Place) -> None:
    attempts = inject(moto.objects, "PutObject", *[refuses(409, "ConditionalRequestConflict")] * WRITES)
    with pytest.raises(Conflict):
        S3Tallies(moto.objects).save(TENANT, SPENT)
    assert len(attempts) == WRITES


def test_one_that_is_gone_since_it_was_read_is_read_again(client: S3Client, bucket: str) -> None:
    tallies = S3Tallies(bucket_of(bucket))
    tallies.save(TENANT, SPENT)
    read = tallies.load(TENANT)
    client.delete_object(Bucket=bucket, Key=tally_key(TENANT))
    with pytest.raises(Conflict):
        tallies.save(TENANT, read)


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"schema": 2}', b'{"schema":1,"write_id":"x","day":1}'])
def test_what_is_no_tally_fails_rather_than_lets_in(client: S3Client, bucket: str, body: bytes) -> None:
    client.put_object(Bucket=bucket, Key=tally_key(TENANT), Body=body)
    with pytest.raises(StoreFailed):
        S3Tallies(bucket_of(bucket)).load(TENANT)
