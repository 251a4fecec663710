"""Empty buckets to build a world on: of the fakes, and in an S3."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from reelay.claims import S3Claims
from reelay.drops import S3Drops
from reelay.store import S3Store
from reelay.wiring import bucket_of
from tests.fakes import FakeClaims, FakeDrops, FakeStore
from tests.integration.interleavings.world import Bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def fake_bucket() -> Bucket:
    drops = FakeDrops()

    def drop(key: str, data: bytes) -> str:
        drops.files[key] = ("tag", data)
        return "tag"

    return Bucket(FakeStore(), FakeClaims(), drops, drop)


def s3_bucket(client: S3Client) -> Bucket:
    name = f"test-{uuid.uuid4().hex}"
    client.create_bucket(Bucket=name)

    def drop(key: str, data: bytes) -> str:
        return client.put_object(Bucket=name, Key=key, Body=data)["ETag"]

    kept = bucket_of(name)
    return Bucket(S3Store(kept), S3Claims(kept), S3Drops(kept), drop)
