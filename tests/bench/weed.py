"""SeaweedFS: an S3 that is compiled, keeps connections and serves many callers at once, so that it bounds nobody."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import urllib3

from tests.bench.processes import end, free_port, running
from tests.patience import PATIENCE_SECONDS

_PARTS = ("master", "volume", "filer", "s3")


@contextmanager
def s3() -> Iterator[str]:
    """Its URL; moto's, in a process of its own, where there is no `weed` for this machine."""
    weed = shutil.which("weed", path=str(Path(sys.executable).parent))
    if weed is None:
        with running("dev.aws", "--port", "0") as url:
            yield url
        return
    ports = {f"{part}.port{kind}": free_port() for part in _PARTS for kind in ("", ".grpc")}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        flags = [f"-{name}={port}" for name, port in ports.items()]
        flags += ["-s3", "-s3.iam=false", "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"]
        server = subprocess.Popen(  # noqa: S603 - our own arguments
            [weed, "server", *flags, "-ip=127.0.0.1", f"-dir={place}", "-volume.max=1000"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield _ready(f"http://127.0.0.1:{ports['s3.port']}")
        finally:
            end(server)
            for port in ports.values():
                for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # noqa: S108 - where SeaweedFS puts them
                    left.unlink()


def _ready(url: str) -> str:
    patience = urllib3.Retry(total=12, backoff_factor=0.05, status_forcelist=[500, 503])
    urllib3.request("PUT", f"{url}/ready", retries=patience, timeout=PATIENCE_SECONDS)
    return url
