"""What a relay stands between while it is measured."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.bench import weed
from tests.bench.processes import BUCKET, ENVIRONMENT, running


@dataclass(frozen=True, slots=True)
class World:
    """What a relay stands between: `upstream` is the simulator's base URL, `s3` an S3 with the bucket BUCKET in it."""

    upstream: str
    s3: str

    @property
    def environment(self) -> dict[str, str]:
        """Of a function in it, its media refused: a copy comes after the answer, and is measured by itself."""
        return ENVIRONMENT | {
            "AWS_ENDPOINT_URL": self.s3,
            "BUCKET_NAME": BUCKET,
            "UPSTREAM_BASE_URL": self.upstream,
            "UPSTREAM_PLAIN_HTTP": "true",
            "POWERTOOLS_SERVICE_NAME": "reelay",
            "POWERTOOLS_METRICS_NAMESPACE": "Reelay",
        }


@contextmanager
def world() -> Iterator[World]:
    """The simulator at full speed and an S3, each in a process of its own. The S3 keeps connections, as S3 does: a
    dial for each call would be the client's time and nobody's in production."""
    with running("tests.bench.upstream") as upstream, weed.s3() as s3:
        create_bucket(s3)
        yield World(upstream, s3)


def create_bucket(s3: str) -> None:
    """Make BUCKET."""
    created = urllib.request.Request(f"{s3}/{BUCKET}", method="PUT")  # noqa: S310 - the benchmark's own S3
    urllib.request.urlopen(created).close()  # noqa: S310 - as above
