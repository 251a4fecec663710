"""`python -m tests.bench.archive_1gib`: what archiving a 1 GiB video costs in time and in memory beyond the process.

The host of the video, S3 (moto) and each copy run in processes of their own, so that only the copy is measured. For
scale, boto3's `upload_fileobj` copies the same link without looking at it: once with one part of the archive's size at
a time, once as it comes. Seconds are mostly moto's and those of the machine's other work; CPU seconds are the copy's
own. Exit status 1 when the archive takes 64 MiB or more.

Linux only: peak memory is VmHWM of /proc/self/status, set back before the copy (proc_pid_clear_refs(5)).
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tests.bench.around import create_bucket
from tests.bench.processes import BUCKET, ENVIRONMENT, ROOT, running

VIDEO_MIB = 1024
MEMORY_MIB = 64
"""The promise: less than this, whatever the size of the video."""


def with_the_archive(link: str) -> Callable[[], object]:
    """The product's own path, the link's origin trusted and nothing else switched off."""
    from reelay.archive import S3Archive  # noqa: PLC0415 - only the copy that is measured may load it
    from reelay.clock import SystemClock  # noqa: PLC0415 - as above
    from reelay.download import GuardedDownload  # noqa: PLC0415 - as above
    from reelay.ids import new_core  # noqa: PLC0415 - as above
    from reelay.model import Link, MediaKind, Record  # noqa: PLC0415 - as above
    from reelay.s3 import s3_client  # noqa: PLC0415 - as above
    from reelay.upload import S3Upload  # noqa: PLC0415 - as above
    from reelay.wiring import bucket_of  # noqa: PLC0415 - as above

    clock = SystemClock()
    download = GuardedDownload(clock=clock, trusted_origins=frozenset({link.rpartition("/")[0]}))
    upload = S3Upload(s3_client(), BUCKET)
    archive = S3Archive(bucket_of(BUCKET), lambda: upload, download, clock)
    record = Record(new_core(clock.now()), "anonymous", int(clock.now()), "sora-2", stream=False)

    def copy() -> None:
        media = archive.keep(record, Link(MediaKind.VIDEO, link), clock.monotonic() + 600)
        if not media.archived:
            raise SystemExit(f"not archived: {media.reason}")

    return copy


def with_boto3_one_part_at_a_time(link: str) -> Callable[[], object]:
    """upload_fileobj, one part of 8 MiB at a time."""
    from boto3.s3.transfer import TransferConfig  # noqa: PLC0415 - only the copy that is measured may load it

    return _with_boto3(link, TransferConfig(multipart_chunksize=8 * 1024**2, max_concurrency=1, use_threads=False))


def with_boto3_as_it_comes(link: str) -> Callable[[], object]:
    """upload_fileobj with its default of ten threads."""
    return _with_boto3(link, None)


def _with_boto3(link: str, config: object) -> Callable[[], object]:
    from reelay.s3 import s3_client  # noqa: PLC0415 - only the copy that is measured may load it

    client = s3_client()

    def copy() -> None:
        with urllib.request.urlopen(link) as video:  # noqa: S310 - the benchmark's own host
            client.upload_fileobj(video, BUCKET, "video.mp4", Config=config)  # type: ignore[arg-type] # None is right

    return copy


COPIES = {
    "reelay's archive": with_the_archive,
    "boto3, one part at a time": with_boto3_one_part_at_a_time,
    "boto3, as it comes": with_boto3_as_it_comes,
}


def measure(name: str, link: str) -> None:
    """In a process of its own: copy once and print seconds, CPU seconds and additional peak memory in MiB."""
    copy = COPIES[name](link)
    Path("/proc/self/clear_refs").write_text("5")
    before = _memory("VmRSS")
    began, worked = time.monotonic(), time.process_time()
    copy()
    result = {"seconds": time.monotonic() - began, "cpu": time.process_time() - worked}
    print(json.dumps({**result, "mib": _memory("VmHWM") - before}))  # noqa: T201 - a program prints


def _memory(field: str) -> float:
    """MiB of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


def run(name: str, mib: int) -> dict[str, float]:
    """Seconds, CPU seconds and additional MiB of the copy `name` of a video of `mib` MiB, everything started afresh."""
    with running("tests.integration.media_server", str(mib)) as link, running("dev.aws", "--port", "0") as s3:
        create_bucket(s3)
        command = [sys.executable, "-m", "tests.bench.archive_1gib", name, link]
        environment = ENVIRONMENT | {"AWS_ENDPOINT_URL_S3": s3}
        measured = subprocess.run(  # noqa: S603 - this very module
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True
        )
    result: dict[str, float] = json.loads(measured.stdout)
    return result


def main() -> None:
    """Measure each copy, print the table, and keep the promise or exit with 1."""
    print(f"{VIDEO_MIB} MiB of mp4{'seconds':>21}{'MB/s':>8}{'CPU s':>8}{'MiB more':>10}")  # noqa: T201 - as above
    results = {}
    for name in COPIES:
        results[name] = run(name, VIDEO_MIB)
        seconds, cpu, mib = (results[name][figure] for figure in ("seconds", "cpu", "mib"))
        speed = VIDEO_MIB * 1.048576 / seconds
        print(f"{name:24}{seconds:10.1f}{speed:8.0f}{cpu:8.1f}{mib:10.1f}", flush=True)  # noqa: T201 - as above
    if results["reelay's archive"]["mib"] >= MEMORY_MIB:
        sys.exit(f"the archive took {MEMORY_MIB} MiB or more")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(*sys.argv[1:])
    else:
        main()
