"""Both stand-ins for S3, an empty bucket in each, and stores over them."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import urllib3

from tests.fakes import FakeStore
from tests.integration.store.place import WEED, Place, free_ports, place_in
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from reelay.ports import Store


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
