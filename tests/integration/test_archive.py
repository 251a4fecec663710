"""Media into a real bucket's worth of S3 and out again; and that a copy which fails leaves nothing behind."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
import urllib3
from botocore.config import Config

from reelay.archive import PART_BYTES, PRESIGNED_SECONDS, S3Archive
from reelay.bucket import Bucket
from reelay.documents import media_prefix
from reelay.download import DownloadLimits, GuardedDownload
from reelay.errors import NotFound
from reelay.model import Link, Media, MediaKind
from reelay.s3_rest import Attempt, Carry, Received
from reelay.upload import S3Upload
from reelay.wiring import bucket_of
from tests.bench import archive_1gib
from tests.fakes import NOON, FakeClock, new_record
from tests.integration.media_server import (
    FTYP,
    HTML,
    MOOV,
    WEBP,
    MediaServer,
    Script,
    Wire,
    box,
    endless,
    head,
    mp4,
    raw,
    redirect,
    reply,
)
from tests.s3_tap import Around, Fault, answers, at_once, loses, passes, tap, tap_client

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MIB = 1024 * 1024
CAP = 20 * MIB
RECORD = new_record()
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(50)
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0\1" + bytes(50)
GIF = b"GIF89a\1\0\1\0\0\0" + bytes(50)
NO_MOOV = "the video has no moov box, so no player can open it"
NO_VIDEO = "the file is no mp4 video: its bytes tell, whatever its label says"
NO_PICTURE = "the file is no WebP, PNG, JPEG or GIF picture: its bytes tell, whatever its label says"
CUT = "the video ends in the middle"
SHORT = "the file ended before the length that its host had announced"
STORE = "the store did not take it"


@dataclass(frozen=True)
class Place:
    """`client` is boto3's, by which media are copied; `objects` the house's own way."""

    client: S3Client
    objects: Bucket
    bucket: str
    server: MediaServer
    archive: S3Archive

    def keep(self, url: str, kind: MediaKind = MediaKind.VIDEO, seconds: float = 30) -> Media:
        return self.archive.keep(RECORD, Link(kind, url), FakeClock().monotonic() + seconds)

    def serve(self, script: Script) -> str:
        return self.server.url("/media/a", script)

    def left(self) -> tuple[list[str], list[str]]:
        """Keys of objects and of uploads under way."""
        objects = self.client.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        uploads = self.client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", [])
        return [item["Key"] for item in objects], [item["Key"] for item in uploads]

    def inject(self, operation: str, *faults: Fault) -> list[str]:
        """Let the coming attempts of an operation meet these faults, the last one for ever; returns the attempts."""
        attempts: list[str] = []

        def around(attempt: Attempt, carry: Carry) -> Received:
            if attempt.operation != operation:
                return carry(attempt)
            attempts.append(attempt.url)
            return faults[min(len(attempts), len(faults)) - 1](attempt) or carry(attempt)

        self.tap(around)
        return attempts

    def tap(self, around: Around) -> None:
        tap(self.objects, around)
        tap_client(self.client, around)


def place(client: S3Client, bucket: str, server: MediaServer, cap: int = CAP) -> Place:
    clock = FakeClock()
    download = GuardedDownload(
        clock=clock,
        trusted_origins=frozenset({server.origin}),
        limits=DownloadLimits(connect_seconds=1, idle_seconds=1, max_bytes=cap),
    )
    objects = at_once(bucket_of(bucket))
    archive = S3Archive(objects, lambda: S3Upload(client, bucket), download, clock)
    return Place(client, objects, bucket, server, archive)


@pytest.fixture
def server() -> Iterator[MediaServer]:
    with MediaServer() as server:
        yield server


@pytest.fixture
def here(
    aws_environment: None,  # noqa: ARG001 - marks do not reach fixtures, so this is how one asks for another
    bucket: str,
    server: MediaServer,
) -> Place:
    """One attempt of each call, so that a fault is met once and nobody waits."""
    once = Config(signature_version="s3v4", retries={"mode": "standard", "total_max_attempts": 1}, read_timeout=30)
    return place(boto3.client("s3", config=once), bucket, server)


# -- what is kept ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [200, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES, 19 * MIB])
def test_a_video_is_kept_byte_for_byte_with_what_its_bytes_say(here: Place, size: int) -> None:
    video = mp4(size)
    url = here.serve(reply(video, content_type="text/html"))
    media = here.keep(url)
    assert media.key is not None
    assert re.fullmatch(rf"{media_prefix(RECORD.tenant, RECORD.id)}video-[0-9a-f]{{16}}\.mp4", media.key)
    assert media == Media(
        kind=MediaKind.VIDEO,
        source=url,
        key=media.key,
        size=size,
        sha256=hashlib.sha256(video).hexdigest(),
        content_type="video/mp4",
        reason=None,
        at=int(NOON),
    )
    stored = here.client.get_object(Bucket=here.bucket, Key=media.key)
    assert stored["Body"].read() == video
    assert stored["ContentType"] == "video/mp4"
    assert stored["ContentDisposition"] == f'attachment; filename="{RECORD.id}.mp4"'
    assert here.left() == ([media.key], [])


@pytest.mark.parametrize(
    ("picture", "content_type", "suffix"),
    [
        (WEBP, "image/webp", "webp"),
        (PNG, "image/png", "png"),
        (JPEG, "image/jpeg", "jpg"),
        (GIF, "image/gif", "gif"),
    ],
    ids=["webp", "png", "jpg", "gif"],
)
def test_a_poster_is_kept_as_the_picture_it_is(here: Place, picture: bytes, content_type: str, suffix: str) -> None:
    media = here.keep(here.serve(reply(picture, content_type="application/octet-stream")), MediaKind.THUMBNAIL)
    assert media.key is not None
    assert media.key.endswith(f".{suffix}")
    assert (media.content_type, media.size) == (content_type, len(picture))
    assert here.client.get_object(Bucket=here.bucket, Key=media.key)["Body"].read() == picture


def test_copying_a_link_again_makes_another_object_and_touches_none(here: Place) -> None:
    url = here.serve(reply(mp4(200)))
    assert here.keep(url).key != here.keep(url).key
    assert len(here.left()[0]) == 2


@pytest.mark.case("media-sniffed")
def test_the_address_gives_the_bytes_for_minutes_as_an_attachment_of_their_own_type(here: Place) -> None:
    media = here.keep(here.serve(reply(mp4(5000), content_type="text/html")))
    address = here.archive.address(media)
    assert parse_qs(urlsplit(address).query)["X-Amz-Expires"] == [str(PRESIGNED_SECONDS)] == ["300"]
    with urllib3.PoolManager() as pool:
        answer = pool.request("GET", address, retries=False)
    assert (answer.status, answer.data) == (200, mp4(5000))
    assert answer.headers["Content-Type"] == "video/mp4"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{RECORD.id}.mp4"'


def test_what_was_not_kept_has_no_address(here: Place) -> None:
    media = here.keep(here.serve(reply(b"", 403)))
    with pytest.raises(NotFound, match="There is no archived copy of this video: the host answered 403"):
        here.archive.address(media)


# -- what is not -------------------------------------------------------------------------------------------------------

VIDEO = mp4(9 * MIB)
WITHOUT_MOOV = FTYP + box(b"mdat", bytes(9 * MIB))
REFUSED: dict[str, tuple[Script, str]] = {
    "403": (reply(HTML, 403), "the host answered 403"),
    "404": (reply(HTML, 404), "the host answered 404"),
    "410": (reply(HTML, 410), "the host answered 410"),
    "HTML labelled video/mp4": (reply(HTML, content_type="video/mp4"), NO_VIDEO),
    "HTML that hides an ftyp": (reply(b"<!--ftypisom-->" + HTML), NO_VIDEO),
    "JSON": (reply(b'{"error": "expired"}'), NO_VIDEO),
    "a picture": (reply(WEBP), NO_VIDEO),
    "one byte": (reply(b"\0"), NO_VIDEO),
    "0 bytes": (reply(b""), "the file is empty"),
    "0 bytes without a length": (raw(head()), "the file is empty"),
    "mp4 without moov": (reply(FTYP + box(b"mdat", bytes(5000))), NO_MOOV),
    "large mp4 without moov": (reply(WITHOUT_MOOV), NO_MOOV),
    "mp4 without moov of whole parts": (reply(FTYP + box(b"mdat", bytes(2 * PART_BYTES - len(FTYP) - 8))), NO_MOOV),
    "a length that is too short": (raw(head(Content_Length=9 * MIB - 1), VIDEO), CUT),
    "a length that is too long": (raw(head(Content_Length=len(VIDEO) + 1), VIDEO), SHORT),
    "cut without a length": (raw(head(), VIDEO[:-1]), CUT),
    "a length over the cap": (reply(mp4(CAP + 1)), "the file is larger than 20,971,520 bytes"),
    "endless without a length": (
        endless(FTYP + MOOV + b"\0\0\0\1mdat" + (1 << 40).to_bytes(8, "big"), bytes(MIB)),
        "the file is larger than 20,971,520 bytes",
    ),
    "a circle": (redirect("/media/a"), "the link leads in a circle"),
    "to a private address": (redirect("https://169.254.169.254/"), "the link does not lead to a public host name"),
    "compressed": (
        reply(mp4(200), Content_Encoding="gzip"),
        "the host sent the file in a compression that was not asked for",
    ),
}


@pytest.mark.case("media-wrong-type", "media-too-large")
@pytest.mark.parametrize(("script", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_link_that_holds_no_video_says_why_and_leaves_nothing(here: Place, script: Script, reason: str) -> None:
    url = here.serve(script)
    expected = Media(kind=MediaKind.VIDEO, source=url, reason=reason, at=int(NOON), again="announced" in reason)
    assert here.keep(url) == expected
    assert here.left() == ([], [])


@pytest.mark.case("media-wrong-type")
@pytest.mark.parametrize("body", [mp4(200), HTML, b"<svg onload='x()'/>"], ids=["video", "HTML", "SVG"])
def test_a_poster_that_is_no_picture_is_not_kept(here: Place, body: bytes) -> None:
    media = here.keep(here.serve(reply(body, content_type="image/webp")), MediaKind.THUMBNAIL)
    assert (media.reason, media.archived) == (NO_PICTURE, False)
    assert here.left() == ([], [])


def test_a_file_that_is_no_video_never_reaches_the_store(here: Place) -> None:
    calls: list[str] = []

    def note(attempt: Attempt, carry: Carry) -> Received:
        calls.append(attempt.operation)
        return carry(attempt)

    here.tap(note)
    here.keep(here.serve(reply(HTML)))
    assert calls == []


@pytest.mark.case("media-slow")
def test_a_body_that_drips_for_ever_is_cut_at_the_deadline_and_its_upload_aborted(here: Place) -> None:
    start = FTYP + MOOV + b"\0\0\0\1mdat" + (1 << 40).to_bytes(8, "big") + bytes(9 * MIB)
    uploads = here.inject("CreateMultipartUpload", passes)
    media = here.keep(here.serve(endless(start, b"x", 0.02)), seconds=1.5)
    assert media.reason == "the host was too slow: the time for the copy ran out"
    assert len(uploads) == 1
    assert here.left() == ([], [])


@pytest.mark.parametrize(
    "url",
    ["https://169.254.169.254/a.mp4", "https://127.0.0.1:9001/a.mp4", "https://[::1]/a.mp4", "https://10.0.0.8/a.mp4"],
)
def test_a_link_to_where_nobody_outside_should_reach_is_not_kept(here: Place, url: str) -> None:
    assert here.keep(url).reason == "the link does not lead to a public host name"
    assert here.left() == ([], [])


def test_no_reason_and_no_log_line_repeats_the_link(here: Place, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    here.inject("PutObject", says(500))
    media = [here.keep(here.serve(script) + "?sig=secret") for script, _ in REFUSED.values()]
    media.append(here.keep(here.serve(reply(mp4(200))) + "?sig=secret"))
    assert not any("secret" in (one.reason or "") or "/media/" in (one.reason or "") for one in media)
    assert "secret" not in caplog.text


@pytest.mark.case("media-too-large")
def test_the_memory_of_a_copy_stays_far_below_the_size_of_the_video() -> None:
    measured = archive_1gib.run("reelay's archive", mib=96)
    assert measured["mib"] < archive_1gib.MEMORY_MIB


# -- what the store may do to it ---------------------------------------------------------------------------------------


def says(status: int) -> Fault:
    return answers(status, "")


@pytest.mark.parametrize(
    ("operation", "video"),
    [
        ("PutObject", mp4(200)),
        ("CreateMultipartUpload", VIDEO),
        ("UploadPart", VIDEO),
        ("CompleteMultipartUpload", VIDEO),
    ],
    ids=["PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"],
)
@pytest.mark.parametrize("fault", [says(500), says(503), says(403), loses], ids=["500", "503", "403", "lost"])
def test_a_store_that_fails_at_any_call_is_told_and_nothing_is_left(
    here: Place, operation: str, video: bytes, fault: Fault
) -> None:
    attempts = here.inject(operation, fault)
    url = here.serve(reply(video))
    assert here.keep(url) == Media(kind=MediaKind.VIDEO, source=url, reason=STORE, at=int(NOON), again=True)
    assert len(attempts) <= (2 if operation == "UploadPart" else 1), "two parts may be on their way at once"
    if (operation, fault) != ("CreateMultipartUpload", loses):  # nobody was told its id: the lifecycle rule ends it
        assert here.left() == ([], [])


def test_a_part_that_is_refused_ends_the_download_there(here: Place) -> None:
    sent: list[int] = []

    def script(wire: Wire) -> None:
        wire.send(head() + FTYP + MOOV + b"\0\0\0\1mdat" + (1 << 40).to_bytes(8, "big"))
        while len(sent) < 100:
            wire.send(bytes(MIB))
            sent.append(1)

    here.inject("UploadPart", passes, says(500))
    archive = place(here.client, here.bucket, here.server, cap=1000 * MIB)
    assert archive.keep(here.serve(script)).reason == STORE
    assert len(sent) < 40
    assert here.left() == ([], [])


def test_a_store_that_can_not_even_abort_is_told_too(here: Place) -> None:
    here.inject("UploadPart", says(503))
    here.inject("AbortMultipartUpload", says(503))
    here.inject("DeleteObject", says(503))
    assert here.keep(here.serve(reply(VIDEO))).reason == STORE


@pytest.mark.usefixtures("aws_environment")
def test_a_store_that_fails_twice_gets_each_part_whole_all_the_same(bucket: str, server: MediaServer) -> None:
    patient = boto3.client("s3", config=Config(retries={"mode": "standard", "total_max_attempts": 3}))
    here = place(patient, bucket, server)
    attempts = here.inject("UploadPart", passes, says(503), passes)
    media = here.keep(here.serve(reply(VIDEO)))
    assert len(attempts) == 3
    assert media.key is not None
    assert here.client.get_object(Bucket=bucket, Key=media.key)["Body"].read() == VIDEO


@pytest.mark.usefixtures("aws_environment")
def test_a_store_that_is_not_there_is_told(bucket: str, server: MediaServer) -> None:
    nowhere = boto3.client(
        "s3", endpoint_url="http://127.0.0.1:9", config=Config(retries={"mode": "standard", "total_max_attempts": 1})
    )
    here = place(nowhere, bucket, server)
    assert here.keep(here.serve(reply(VIDEO))).reason == STORE


def test_a_defect_of_ours_never_leaves_the_archive_as_an_exception(here: Place) -> None:
    class Defective(GuardedDownload):
        def open(self, url: str, deadline: float) -> Any:
            raise ZeroDivisionError(url, deadline)

    archive = S3Archive(
        here.objects, lambda: S3Upload(here.client, here.bucket), Defective(clock=FakeClock()), FakeClock()
    )
    media = archive.keep(RECORD, Link(MediaKind.VIDEO, "https://cdn.example.com/a.mp4"), 1)
    assert media.reason == "the copy failed in a way that Reelay did not foresee"
