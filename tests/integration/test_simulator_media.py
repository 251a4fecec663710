"""The simulator's media hosts: real files behind links that expire, faults, large files, and jobs by task id."""

from __future__ import annotations

import gzip
import io
import json
import re
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import parse_qs, urlsplit

import pytest

from dev.simulator import Simulator
from dev.simulator.cdn import POSTER, VIDEO, boxes
from dev.simulator.faults import FAULTS, PRIVATE
from tests.integration.simulator_client import HEADERS, Reply, chat, connect, get, request, text_of, video_of

NOW = 1_760_356_800.0


class Watch:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def sim(watch: Watch) -> Iterator[Simulator]:
    with Simulator(clock=watch, link_seconds=100) as playing:
        yield playing
        assert playing.complaints == []


def fault(sim: Simulator, name: str) -> Reply:
    return get(f"{sim.origin}/faults/{name}/a.mp4")


def test_the_links_of_an_answer_lead_to_a_real_video_and_its_poster(sim: Simulator) -> None:
    text = text_of(chat(sim, "sora-2"))
    video = get(video_of(text))
    assert (video.status, video.headers["content-type"]) == (200, "video/mp4")
    assert [name for _, name, _ in boxes(video.body)] == [b"ftyp", b"moov", b"free", b"mdat"]
    assert sum(size for _, _, size in boxes(video.body)) == len(video.body)
    assert b"avc1" in video.body
    poster = get(re.findall(r"https?://\S+?\.webp", text)[0])
    assert (poster.status, poster.headers["content-type"]) == (200, "image/webp")
    assert (poster.body[:4], poster.body[8:12]) == (b"RIFF", b"WEBP")
    assert int.from_bytes(poster.body[4:8], "little") + 8 == len(poster.body) == len(POSTER)


def test_a_link_can_be_had_without_a_request(sim: Simulator) -> None:
    assert get(sim.link()).body == VIDEO
    assert get(sim.link("webp")).body == POSTER
    assert sim.posts == 0


def test_a_link_lives_as_long_as_it_is_said_to(sim: Simulator, watch: Watch) -> None:
    link = video_of(text_of(chat(sim, "sora-2")))
    watch.now += 99
    assert get(link).status == 200
    watch.now += 1
    assert get(link).status == 403


def test_a_file_name_that_nobody_made_is_not_found(sim: Simulator) -> None:
    link = sim.link()
    other = link[:-5] + ("0" if link[-5] != "0" else "1") + ".mp4"
    assert get(other).status == 404
    assert get(f"{sim.origin}/cdn/20251013/clip.mp4").status == 404


def test_the_expired_link_scene_sends_links_that_have_expired(sim: Simulator) -> None:
    assert get(video_of(text_of(chat(sim, "sim-expired-link")))).status == 403


@pytest.mark.parametrize(
    ("wanted", "status", "first", "last"),
    [
        ("bytes=0-9", 206, 0, 9),
        ("bytes=20000-", 206, 20000, len(VIDEO) - 1),
        ("bytes=-10", 206, len(VIDEO) - 10, len(VIDEO) - 1),
        (f"bytes=10-{len(VIDEO) * 2}", 206, 10, len(VIDEO) - 1),
    ],
)
def test_ranges(sim: Simulator, wanted: str, status: int, first: int, last: int) -> None:
    reply = get(sim.link(), headers={"Range": wanted})
    assert (reply.status, reply.body) == (status, VIDEO[first : last + 1])
    assert reply.headers["content-range"] == f"bytes {first}-{last}/{len(VIDEO)}"


def test_a_range_behind_the_end_and_one_that_is_none(sim: Simulator) -> None:
    behind = get(sim.link(), headers={"Range": "bytes=99999999-"})
    assert (behind.status, behind.headers["content-range"]) == (416, f"bytes */{len(VIDEO)}")
    assert get(sim.link(), headers={"Range": "bytes=-"}).body == VIDEO


def test_head_tells_the_length_and_leaves_the_body_out(sim: Simulator) -> None:
    with closing(connect(sim.origin)) as connection:
        for _ in range(2):
            connection.request("HEAD", urlsplit(sim.link()).path)
            response = connection.getresponse()
            assert (response.status, response.headers["Content-Length"]) == (200, str(len(VIDEO)))
            assert response.read() == b""


def test_a_signed_link_is_checked_and_expires(sim: Simulator, watch: Watch) -> None:
    link = video_of(text_of(chat(sim, "sim-v8")))
    values = parse_qs(urlsplit(link).query)
    assert list(values) == ["st", "se", "sig"]
    assert re.search(r"&sig=%2F", link)
    assert get(link).body == VIDEO
    assert get(link.replace("%2F", "/")).body == VIDEO
    assert get(link.replace("sig=%2F", "sig=%2B")).status == 403
    assert get(re.sub("se=2025", "se=2026", link)).status == 403
    watch.now += 100
    assert get(link).status == 403


@pytest.mark.parametrize("query", ["", "?nolength=1"])
def test_a_video_of_any_size(sim: Simulator, query: str) -> None:
    size = 3_000_000
    reply = get(f"{sim.origin}/big/{size}.mp4{query}")
    assert len(reply.body) == size
    assert [name for _, name, _ in boxes(reply.body)] == [b"ftyp", b"moov", b"free", b"mdat"]
    assert sum(length for _, _, length in boxes(reply.body)) == size
    assert reply.headers.get("content-length") == (None if query else str(size))
    assert reply.headers["content-type"] == "video/mp4"


def test_a_video_beyond_4_gib_runs_to_the_end_of_its_file(sim: Simulator) -> None:
    with closing(connect(sim.origin)) as connection:
        connection.request("GET", f"/big/{5 * 2**30}.mp4")
        response = connection.getresponse()
        assert response.headers["Content-Length"] == str(5 * 2**30)
        head = response.read(len(VIDEO))
    at = head.index(b"mdat")
    assert int.from_bytes(head[at - 4 : at], "big") == 0


def test_a_video_smaller_than_the_sample_cannot_be_had(sim: Simulator) -> None:
    assert get(f"{sim.origin}/big/100.mp4").status == 404


def test_the_huge_video_does_not_say_its_length(sim: Simulator) -> None:
    link = video_of(text_of(chat(sim, "sim-huge-video")))
    with closing(connect(sim.origin)) as connection:
        connection.request("GET", urlsplit(link)._replace(scheme="", netloc="").geturl())
        response = connection.getresponse()
        assert (response.headers["Content-Length"], response.headers["Transfer-Encoding"]) == (None, "chunked")
        assert len(response.read(2**20)) == 2**20


def test_files_that_are_not_what_their_label_says(sim: Simulator) -> None:
    page, empty, headless = (fault(sim, name) for name in ("html", "zero", "no-moov"))
    assert {each.headers["content-type"] for each in (page, empty, headless)} == {"video/mp4"}
    assert page.body.startswith(b"<!DOCTYPE html>")
    assert (empty.body, empty.headers["content-length"]) == (b"", "0")
    assert [name for _, name, _ in boxes(headless.body)] == [b"ftyp", b"free", b"mdat"]
    octets = fault(sim, "octets")
    assert (octets.headers["content-type"], octets.body) == ("application/octet-stream", VIDEO)


def test_redirects_that_loop_hop_and_lead_inside(sim: Simulator) -> None:
    loop = fault(sim, "loop")
    assert (loop.status, loop.headers["location"]) == (302, f"{sim.origin}/faults/loop/a.mp4")
    assert fault(sim, "private").headers["location"] == PRIVATE
    at, hops = f"{sim.origin}/faults/hops-4/a.mp4", 0
    while (reply := get(at)).status == 302:
        at, hops = reply.headers["location"], hops + 1
    assert (hops, reply.body) == (4, VIDEO)


def test_bodies_that_end_too_soon_or_inflate(sim: Simulator) -> None:
    short, cut = fault(sim, "short"), fault(sim, "cut")
    assert (short.cut, short.headers["content-length"], len(short.body)) == (True, str(2 * len(VIDEO)), len(VIDEO))
    assert (cut.cut, cut.headers["transfer-encoding"]) == (True, "chunked")
    bomb = fault(sim, "gzip")
    assert bomb.headers["content-encoding"] == "gzip"
    with gzip.open(io.BytesIO(bomb.body)) as inflated:
        assert inflated.read(len(VIDEO) + 2) == VIDEO + b"\0\0"
    assert len(bomb.body) < 2 * 2**20


def test_a_dripping_video_goes_on_and_on() -> None:
    slept: list[float] = []
    with Simulator(sleep=slept.append) as sim, closing(connect(sim.origin)) as connection:
        connection.request("GET", "/faults/drip/a.mp4")
        assert connection.getresponse().read(len(VIDEO) + 100)[len(VIDEO) :] == bytes(100)
        assert len(slept) >= 100


@pytest.mark.parametrize("status", [403, 404, 500])
def test_media_that_is_refused(sim: Simulator, status: int) -> None:
    assert fault(sim, str(status)).status == status
    assert get(video_of(text_of(chat(sim, f"sim-{status}-video")))).status == status


def test_a_fault_that_does_not_exist_is_not_found(sim: Simulator) -> None:
    assert "perfect" not in FAULTS
    assert fault(sim, "perfect").status == 404


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("sim-link-metadata", "169.254.169.254"),
        ("sim-link-loopback", "127.0.0.1:9001"),
        ("sim-link-loopback-v6", "[::1]"),
        ("sim-link-private", "10.0.0.8"),
    ],
)
def test_links_to_places_nobody_should_go(sim: Simulator, name: str, host: str) -> None:
    assert urlsplit(video_of(text_of(chat(sim, name)))).netloc == host


def _share(sim: Simulator, task: str) -> object:
    return get(f"{sim.origin}/api/share/{task}").json["content"]


def test_a_finished_job_is_told_by_its_task_id(sim: Simulator) -> None:
    text = text_of(chat(sim, "sora-2"))
    task = re.findall(r"task_\w+", text)[0]
    poster = re.findall(r"https?://\S+?\.webp", text)[0]
    assert _share(sim, task) == {"status": "completed", "progress": 100, "url": video_of(text), "gif_url": poster}
    assert get(f"{sim.origin}/v1/video/query?id=sora-2:{task}").json == {
        "id": f"sora-2:{task}",
        "status": "completed",
        "video_url": video_of(text),
        "status_update_time": int(NOW * 1000),
    }


def test_a_job_whose_answer_was_cut_is_completed_a_question_later(sim: Simulator) -> None:
    task = re.findall(r"task_\w+", text_of(chat(sim, "sim-cut")))[0]
    assert _share(sim, task) == {"status": "in_progress", "progress": 81, "url": None, "gif_url": None}
    done = get(f"{sim.origin}/v1/video/query?id={task}").json
    assert done["status"] == "completed"
    assert get(done["video_url"]).body == VIDEO


def test_a_failed_job_stays_failed(sim: Simulator) -> None:
    task = re.findall(rb"task_\w+", chat(sim, "sim-stream-error").body)[0].decode()
    for _ in range(2):
        assert get(f"{sim.origin}/v1/video/query?id={task}").json["status"] == "failed"


def test_a_job_is_where_its_answer_has_come_to() -> None:
    with Simulator() as sim, closing(connect(sim.origin)) as connection:
        connection.request("POST", "/v1/chat/completions", request("sim-silence-mid-stream"), HEADERS)
        response = connection.getresponse()
        said = b""
        while b"44.." not in said:
            said += response.read1()
        task = re.findall(rb"task_\w+", said)[0].decode()
        for _ in range(2):
            assert _share(sim, task) == {"status": "in_progress", "progress": 61, "url": None, "gif_url": None}


def test_an_unknown_job_is_not_found(sim: Simulator) -> None:
    reply = get(f"{sim.origin}/api/share/task_01nobody")
    assert (reply.status, json.loads(reply.body)["error"]["code"]) == (404, "task_not_exist")
