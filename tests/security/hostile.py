"""An upstream that writes whatever a test wants, and an internet in which every address is the test's own host."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import tracemalloc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import trustme

from dev.simulator import Simulator
from reelay.aftercare import MAX_LINKS
from reelay.archive import S3Archive
from reelay.clock import SystemClock
from reelay.download import DownloadLimits, GuardedDownload
from reelay.model import Media
from reelay.s3 import s3_client
from reelay.wiring import House
from tests.e2e.local_house import LocalHouse
from tests.integration.fault_server import FaultServer, replies
from tests.integration.fault_server import Script as Answering
from tests.integration.media_server import HOST, MediaServer, Script
from tests.patience import PATIENCE_SECONDS

NAME = "cdn.example.com"
PUBLIC = "93.184.215.14"
BRIEF = DownloadLimits(connect_seconds=1, idle_seconds=1)
MIB = 1024 * 1024


def play(link: str) -> str:
    """A text that offers the link as a video, in the upstream's own words."""
    return f"\n\n> 生成完成 ✅\n\n[在线播放▶️]({link})"


def stream(*events: Any) -> bytes:
    """An event stream of these objects, as the upstream would send it, with its HTTP head."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    return head + b"".join(b"data: %b\n\n" % json.dumps(event).encode() for event in events) + b"data: [DONE]\n\n"


def saying(*texts: str) -> Answering:
    """Answers with one choice for each text."""
    choices = [{"index": at, "delta": {"content": text}, "finish_reason": "stop"} for at, text in enumerate(texts)]
    return replies(stream({"id": "chatcmpl-1", "model": "sora-2", "choices": choices}))


class Saying(FaultServer):
    """Answers with one choice for each text; of more links than one answer may have, with one answer after another."""

    def __init__(self, *texts: str) -> None:
        each = MAX_LINKS // 2  # a text may hold a poster and a video
        batches = [texts[at : at + each] for at in range(0, len(texts), each)]
        self.answers = len(batches)
        super().__init__(*(saying(*batch) for batch in batches))


@dataclass
class Internet:
    """A resolver and a dialler that record what they are asked. Every dial ends at `host`, whatever the address; a name
    has its `answers`, one after another and the last for ever, and no address where it has none."""

    answers: Mapping[str, list[list[str]]] = field(default_factory=dict)
    host: MediaServer | None = None
    tls: ssl.SSLContext | None = None
    asked: list[str] = field(default_factory=list)
    dialled: list[tuple[str, int]] = field(default_factory=list)

    def resolve(self, name: str) -> list[str]:
        answers = self.answers.get(name, [[]])
        addresses = answers[min(self.asked.count(name), len(answers) - 1)]
        self.asked.append(name)
        return addresses

    def dial(self, address: tuple[str, int], seconds: float) -> socket.socket:
        self.dialled.append(address)
        if self.host is None:
            raise ConnectionRefusedError
        return socket.create_connection((HOST, self.host.port), seconds)

    def download(self, **settings: Any) -> GuardedDownload:
        """The product's own, in this internet."""
        seams = {"clock": SystemClock(), "resolve": self.resolve, "dial": self.dial, "tls": self.tls, "limits": BRIEF}
        return GuardedDownload(**{**seams, **settings})


@contextmanager
def internet_of(scripts: Mapping[str, Script], answers: Mapping[str, list[list[str]]]) -> Iterator[Internet]:
    """One in which a host with a good certificate for NAME and its neighbours plays the scripts."""
    authority, server, client = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert(NAME, "*.example.com").configure_cert(server)
    authority.configure_trust(client)
    with MediaServer(server) as host:
        host.scripts |= scripts
        yield Internet(answers, host, client)


class Attacked(LocalHouse):
    """Both doors over a hostile upstream, their media read through `download` where one is given."""

    def __init__(
        self,
        simulator: Simulator,
        bucket: str,
        upstream: FaultServer,
        download: GuardedDownload | None = None,
        clock: SystemClock | None = None,
        **changes: Any,
    ) -> None:
        super().__init__(simulator, s3_client(), bucket, clock, upstream_base_url=upstream.url, **changes)
        self.upstream = upstream
        if download is not None:
            self.house = House(self.house.settings, clock)
            self.house.archive = S3Archive(self.house.bucket, lambda: self.house.upload, download, self.house.clock)
            self._relay, self._results = self.house.relay(), self.house.results()

    def media(self) -> tuple[Media, ...]:
        """Ask once for each answer there is; what became of the media of the answers, which are completed all the same
        and were paid once each."""
        media: list[Media] = []
        for asked in range(1, getattr(self.upstream, "answers", 1) + 1):
            reply = self.create("sora-2")
            assert (reply.status, reply.frames[-1]) == (200, "[DONE]")
            assert len(self.upstream.posts) == asked
            record = self.record(reply.frames[0]["id"])
            assert record.completion is not None
            media += record.media
        return tuple(media)

    def reasons(self) -> dict[str, str | None]:
        """The same as reasons by link; None for what was copied."""
        return {media.source: media.reason for media in self.media()}

    def left(self) -> list[str]:
        """Keys of all media in the bucket, and of uploads that were not ended."""
        uploads = self.s3.list_multipart_uploads(Bucket=self.bucket).get("Uploads", [])
        return [key for key in self.objects() if "/media/" in key] + [upload["Key"] for upload in uploads]


@contextmanager
def memory_below(mib: int) -> Iterator[None]:
    """Fails when Python's memory has grown by more than `mib` MiB at any moment."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < mib * MIB, f"{peak / MIB:.0f} MiB at the peak"


def assert_nobody_reads_on() -> None:
    """Every thread that read a reply has ended. (Whoever sends may not hear of it for a minute, where the reader's
    window was full when it closed.)"""
    for thread in threading.enumerate():
        if thread.name == "upstream-reader":
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive()
