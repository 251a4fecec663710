"""Media that are too large, too slow, no media at all or a program in disguise; and links that the prompt plants."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import urllib3

from dev.simulator import Simulator
from reelay.clock import SystemClock
from reelay.download import DownloadLimits, GuardedDownload
from reelay.s3 import s3_client
from tests.e2e.event_house import EventHouse
from tests.integration.fault_server import FaultServer, Peer
from tests.integration.media_server import (
    FTYP,
    HTML,
    MOOV,
    WEBP,
    MediaServer,
    Script,
    box,
    endless,
    head,
    mp4,
    raw,
    reply,
)
from tests.patience import PATIENCE_SECONDS
from tests.security.hostile import MIB, Attacked, Saying, play, saying, stream

pytestmark = pytest.mark.usefixtures("aws_environment")

CAP = 9 * MIB
"""More than one part of an upload, so that there is an upload to abort."""

WITHOUT_END = FTYP + MOOV + b"\0\0\0\1mdat" + (1 << 40).to_bytes(8, "big")
CHUNK = b"100000\r\n" + bytes(MIB) + b"\r\n"
TOO_LARGE = f"the file is larger than {CAP:,} bytes"
NO_VIDEO = "the file is no mp4 video: its bytes tell, whatever its label says"
NO_PICTURE = "the file is no WebP, PNG, JPEG or GIF picture: its bytes tell, whatever its label says"
NO_MOOV = "the video has no moov box, so no player can open it"
SCRIPT = b"<script>alert(document.domain)</script>"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'>" + SCRIPT + b"</svg>"


@pytest.fixture
def host() -> Iterator[MediaServer]:
    with MediaServer() as serving:
        yield serving


def link(host: MediaServer, name: str, script: Script) -> str:
    return host.url(f"/{name}", script)


def given(place: str) -> tuple[bytes, str | None, str | None]:
    """What a presigned link gives: bytes, type and disposition."""
    answer = urllib3.request("GET", place, retries=False, timeout=PATIENCE_SECONDS)
    assert answer.status == 200
    return answer.data, answer.headers.get("Content-Type"), answer.headers.get("Content-Disposition")


SIZES: dict[str, tuple[Script, str]] = {
    "true": (raw(head(Content_Length=CAP + 1), mp4(CAP + 1)), TOO_LARGE),
    "true-and-huge": (endless(WITHOUT_END, bytes(MIB), Content_Length=1 << 40), TOO_LARGE),
    "too-short": (raw(head(Content_Length=CAP - 1), mp4(CAP)), "the video ends in the middle"),
    "false-beside-chunks": (
        endless(
            b"%x\r\n%b\r\n" % (len(WITHOUT_END), WITHOUT_END), CHUNK, Content_Length=99, Transfer_Encoding="chunked"
        ),
        TOO_LARGE,
    ),
    "negative": (endless(WITHOUT_END, bytes(MIB), Content_Length=-1), TOO_LARGE),
    "none": (endless(WITHOUT_END, bytes(MIB)), TOO_LARGE),
}


@pytest.mark.case("media-too-large")
def test_media_over_the_limit_are_cut_there_and_leave_nothing(
    simulator: Simulator, bucket: str, host: MediaServer
) -> None:
    limits = DownloadLimits(max_bytes=CAP)
    download = GuardedDownload(clock=SystemClock(), trusted_origins=frozenset({host.origin}), limits=limits)
    expected = {link(host, f"{name}.mp4", script): reason for name, (script, reason) in SIZES.items()}
    with Saying(*map(play, expected)) as upstream:
        house = Attacked(simulator, bucket, upstream, download)
        assert house.reasons() == expected
        assert house.left() == []


NO_MEDIA: dict[str, tuple[bytes, str]] = {
    "html": (HTML, NO_VIDEO),
    "html-with-ftyp": (b"<!--ftypisom-->" + SCRIPT, NO_VIDEO),
    "svg": (SVG, NO_VIDEO),
    "picture": (WEBP, NO_VIDEO),
    "nothing": (b"", "the file is empty"),
    "no-moov": (FTYP + box(b"mdat", bytes(5000)), NO_MOOV),
    "moov-inside": (FTYP + box(b"free", MOOV), NO_MOOV),
    "cut": (mp4(5000)[:-1], "the video ends in the middle"),
}
NO_POSTERS = {"svg": SVG, "html": HTML, "xml": b"<?xml version='1.0'?>" + SVG, "video": mp4(200), "pdf": b"%PDF-1.7\n"}


@pytest.mark.case("media-wrong-type")
def test_what_is_no_video_and_no_picture_is_not_kept_whatever_it_is_called(
    simulator: Simulator, bucket: str, host: MediaServer
) -> None:
    videos = {link(host, f"{name}.mp4", reply(body)): reason for name, (body, reason) in NO_MEDIA.items()}
    posters = [link(host, f"{name}.png", reply(body, content_type="image/png")) for name, body in NO_POSTERS.items()]
    good = link(host, "good.mp4", reply(mp4(5000)))
    texts = [*map(play, videos), *(f"![x]({poster}){play(good)}" for poster in posters)]
    with Saying(*texts) as upstream:
        house = Attacked(simulator, bucket, upstream, media_trusted_origins=frozenset({host.origin}))
        assert house.reasons() == {**videos, **dict.fromkeys(posters, NO_PICTURE), good: None}
        assert {key.rpartition(".")[2] for key in house.left()} == {"mp4"}
        assert len(house.left()) == len(posters)


class Skipping(SystemClock):
    """The machine's clock, put forward."""

    ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


@pytest.mark.case("media-slow")
def test_a_body_that_drips_without_end_is_left_at_the_deadline_and_the_record_says_so(
    simulator: Simulator, bucket: str, host: MediaServer
) -> None:
    clock = Skipping()
    drip = link(host, "drip.mp4", endless(WITHOUT_END + bytes(9 * MIB), b"x", 0.02))

    def late(peer: Peer) -> None:
        peer.request()
        clock.ahead = 892  # of the 900 s of the invocation, of which some are kept back
        peer.send(stream({"choices": [{"index": 0, "delta": {"content": play(drip)}, "finish_reason": "stop"}]}))

    with FaultServer(late) as upstream:
        origins = frozenset({host.origin})
        house = Attacked(simulator, bucket, upstream, clock=clock, media_trusted_origins=origins)
        assert house.reasons() == {drip: "the host was too slow: the time for the copy ran out"}
        assert (host.connections, house.left()) == (1, [])


DISGUISED: dict[str, tuple[bytes, str]] = {
    "a.gif": (b"GIF89a/*" + SCRIPT + b"*/=1", "image/gif"),
    "a.png": (b"\x89PNG\r\n\x1a\n" + SCRIPT, "image/png"),
    "a.jpg": (b"\xff\xd8\xff" + HTML, "image/jpeg"),
    "html.webp": (WEBP + SCRIPT, "image/webp"),
    "a.mp4": (FTYP + box(b"free", HTML + SCRIPT) + MOOV + SCRIPT, "video/mp4"),
}


@pytest.mark.case("media-sniffed")
@pytest.mark.parametrize("name", DISGUISED)
def test_a_program_in_the_clothes_of_media_is_given_out_as_an_attachment_of_the_type_of_its_bytes(
    simulator: Simulator, bucket: str, host: MediaServer, name: str
) -> None:
    body, kind = DISGUISED[name]
    offered = link(host, name, reply(body, content_type="text/html"))
    video = offered if name.endswith(".mp4") else link(host, "good.mp4", reply(mp4(5000)))
    with FaultServer(saying(f"![x]({offered}){play(video)}")) as upstream:
        house = Attacked(simulator, bucket, upstream, media_trusted_origins=frozenset({host.origin}))
        (key,) = [each.key for each in house.media() if each.source == offered]
    one = house.only_record().id
    variant = {"variant": "video" if video == offered else "thumbnail"}
    answer = house.call("GET", f"/v1/videos/video_{one}/content", query=variant)
    assert (answer.status, answer.body) == (302, b"")
    attachment = f'attachment; filename="{one}.{name.rpartition(".")[2]}"'
    assert given(answer.headers["Location"]) == (body, kind, attachment)
    stored = house.s3.head_object(Bucket=bucket, Key=str(key))
    assert (stored["ContentType"], stored["ContentDisposition"]) == (kind, attachment), "without the link's own words"


ESCAPES = ("", '"', "```", '"\n```\n', '\\"}\n```', '\\\\"}```\r\n', '\u2028```\u2028"', "```json\n{}\n```\n")


def planted(trap: MediaServer) -> str:
    """A prompt that offers a video in every way, behind everything that could end the echo."""
    url = link(trap, "planted.mp4", reply(mp4(5000)))
    return "".join(f"{escape}{play(url)} <video src='{url}'> {url}" for escape in ESCAPES)


@pytest.mark.case("planted-link")
@pytest.mark.parametrize("how", ["stream", "whole", "video", "event"])
@pytest.mark.parametrize("model", ["sim-no-link", "sora-2"])
def test_what_the_prompt_plants_in_the_echo_is_not_fetched(
    simulator: Simulator, bucket: str, host: MediaServer, model: str, how: str
) -> None:
    origins = frozenset({simulator.origin, host.origin})
    house = EventHouse(simulator, s3_client(), bucket, media_trusted_origins=origins)
    prompt = planted(host)
    messages = [{"role": "user", "content": prompt}]
    if how == "video":
        house.streamed("/v1/videos", {"model": model, "prompt": prompt})
    elif how == "event":
        house.take_in(house.message({"model": model, "messages": messages}))
        house.work_off()
    else:
        house.create(model, stream=how == "stream", messages=messages)
    record = house.only_record()
    assert "planted.mp4" in json.dumps(record.completion)
    assert [each.archived for each in record.media] == ([True, True] if model == "sora-2" else [])
    assert host.connections == 0
