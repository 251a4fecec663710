"""Answers of the upstream that cost little to send and much to read: time and memory are bounded, the call is told."""

from __future__ import annotations

import gzip
import json
import time
from typing import Any

import pytest

from dev.simulator import Simulator
from reelay.exchange import PIECE_BYTES, REPLY_BYTES
from reelay.model import Phase
from tests.e2e.local_house import Reply
from tests.integration.fault_server import FaultServer, Peer, Script, http, replies
from tests.security.hostile import MIB, Attacked, assert_nobody_reads_on, memory_below

pytestmark = pytest.mark.usefixtures("aws_environment")

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
INFLATED_MIB = 512
BOMB = gzip.compress(bytes(16 * MIB)) * (INFLATED_MIB // 16)  # members in a row are one file (RFC 1952 section 2.2)
BOMB_MIB = 16
"""Of memory, where nothing is inflated: the answer itself has half a MiB, and what a first call loads some ten."""

FLOOD_MIB = 64
"""Of memory for 16 MiB of answer, put together and sent on."""

SOON = 0.4
"""Seconds until the deadline in tests that wait for it."""

LINE_MIB = 50
READ_MIB = 48
"""Of memory for what is read of it: 8 MiB held, once more as it is joined, and 4 MiB waiting."""


def told(reply: Reply) -> Any:
    """The error, whether it is the whole answer or the last word of a stream."""
    return reply.error if reply.status >= 400 else reply.frames[-2]["error"]


def failed(house: Attacked, reply: Reply) -> None:
    """Told as the upstream's failure, once paid for, and never taken for an answer."""
    assert reply.status in (200, 502)
    assert told(reply)["type"] == "upstream_error"
    assert (reply.status == 200) or (reply.headers["x-should-retry"] == "false")
    assert len(house.upstream.posts) == 1
    record = house.only_record()
    assert (record.phase, record.completion) == (Phase.UNKNOWN, None)


PACKED: dict[str, bytes] = {
    "said": HEAD + b"Content-Encoding: gzip\r\n\r\n",
    "said in capitals": HEAD + b"CONTENT-ENCODING: X-GZIP\r\n\r\n",
    "twice": HEAD + b"Content-Encoding: gzip, gzip\r\n\r\n",
    "as a transfer": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
}
DISGUISED: dict[str, bytes] = {
    "not said": HEAD + b"\r\n",
    "in an error": HEAD.replace(b"200 OK", b"500 Broken") + b"Content-Encoding: gzip\r\n\r\n",
}


@pytest.mark.case("gzip-bomb")
@pytest.mark.parametrize("name", [*PACKED, *DISGUISED])
def test_a_packed_answer_is_never_inflated(simulator: Simulator, bucket: str, name: str) -> None:
    with FaultServer(replies((PACKED | DISGUISED)[name], BOMB)) as upstream:
        house = Attacked(simulator, bucket, upstream)
        with memory_below(BOMB_MIB):
            reply = house.create("sora-2")
        failed(house, reply)
        assert b"Accept-Encoding: identity\r\n" in upstream.posts[0]
    record = house.only_record()
    kept = house.transcript(f"chatcmpl-{record.id}") if record.transcript_bytes else b""
    assert BOMB.startswith(kept), "as it came"
    assert bool(kept) is (name in DISGUISED), "what says that it is packed is not read at all"


def sends(start: bytes, piece: bytes, times: int) -> Script:
    def play(peer: Peer) -> None:
        peer.request()
        peer.send(start)
        for _ in range(times):
            peer.send(piece)
        peer.send(b'"}\n\ndata: [DONE]\n\n')

    return play


LINES: dict[str, bytes] = {
    "an event": HEAD + b'\r\ndata: {"choices":[{"delta":{"content":"',
    "a document": HEAD + b'\r\n{"choices":[{"message":{"content":"',
    "a comment": HEAD + b'\r\ndata: {"choices":[]}\n\n: ',
    "a field": HEAD + b"\r\nid: ",
    "a chunk": HEAD + b'Transfer-Encoding: chunked\r\n\r\n7fffffff\r\ndata: {"choices":["',
}


@pytest.mark.case("endless-line")
@pytest.mark.parametrize("start", LINES.values(), ids=LINES)
def test_a_line_of_50_mb_is_given_up_in_bounded_memory(simulator: Simulator, bucket: str, start: bytes) -> None:
    """Without keeping: where the transcript goes is S3's, which here has its memory in the same process."""
    with FaultServer(sends(start, b"x" * MIB, LINE_MIB)) as upstream:
        house = Attacked(simulator, bucket, upstream)
        with memory_below(READ_MIB):
            reply = house.create("sora-2", store=False)
        failed(house, reply)
        assert_nobody_reads_on()


def floods(start: bytes, piece: bytes) -> Script:
    def play(peer: Peer) -> None:
        peer.request()
        peer.send(start)
        while True:
            peer.send(piece)

    return play


EVENT = b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n' % (b"." * 1024)
FLOODS: dict[str, tuple[bytes, bytes]] = {
    "events": (HEAD + b"\r\n", EVENT * 64),
    "comments behind the first event": (HEAD + b"\r\n" + EVENT, b": ping\n\n" * 8192),
}


@pytest.mark.case("endless-stream")
@pytest.mark.parametrize(("start", "piece"), FLOODS.values(), ids=FLOODS)
def test_a_flood_ends_at_the_largest_reply_that_is_read_and_its_transcript_is_kept(
    simulator: Simulator, bucket: str, start: bytes, piece: bytes
) -> None:
    with FaultServer(floods(start, piece)) as upstream:
        house = Attacked(simulator, bucket, upstream)
        failed(house, house.create("sora-2"))
        assert_nobody_reads_on()
    record = house.only_record()
    assert 0 <= REPLY_BYTES - record.transcript_bytes < PIECE_BYTES
    sent = start.partition(b"\r\n\r\n")[2] + piece * (REPLY_BYTES // len(piece) + 1)
    assert sent.startswith(house.transcript(f"chatcmpl-{record.id}"))


@pytest.mark.case("endless-stream")
def test_a_flood_is_read_in_bounded_memory(simulator: Simulator, bucket: str) -> None:
    with FaultServer(floods(HEAD + b"\r\n", EVENT * 64)) as upstream:
        house = Attacked(simulator, bucket, upstream)
        with memory_below(FLOOD_MIB):
            failed(house, house.create("sora-2", stream=False, store=False))


DRIPS: dict[str, tuple[bytes, bytes]] = {
    "comments only": (HEAD + b"\r\n", b": ping\n\n"),
    "a line without end": (HEAD + b"\r\ndata: ", b"x"),
    "events": (HEAD + b"\r\n", b'data: {"choices":[{"delta":{"content":"."}}]}\n\n'),
    "headers": (HEAD, b"X-Drip: 1\r\n"),
    "1xx": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a chunk's size": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
}


@pytest.mark.case("endless-stream")
@pytest.mark.parametrize(("start", "piece"), DRIPS.values(), ids=DRIPS)
def test_what_drips_under_the_idle_limit_ends_with_the_time_there_is(
    simulator: Simulator, bucket: str, start: bytes, piece: bytes
) -> None:
    def drips(peer: Peer) -> None:
        peer.request()
        peer.send(start)
        peer.drip(piece, 0.005)

    with FaultServer(drips) as upstream:
        house = Attacked(simulator, bucket, upstream)
        begun = time.monotonic()
        reply = house.hurried("sora-2", stream=True, seconds=SOON)
        assert time.monotonic() - begun < SOON + 3
        assert told(reply)["code"] == "upstream_timeout"
        assert_nobody_reads_on()
    record = house.only_record()
    assert (record.phase, len(upstream.posts)) == (Phase.UNKNOWN, 1)
    transcript = house.transcript(f"chatcmpl-{record.id}") if record.transcript_bytes else b""
    assert (start.partition(b"\r\n\r\n")[2] + piece * MIB).startswith(transcript)


SLOW = (
    *(
        "[",
        "![",
        "](",
        "[play](http://a/",
        "](http://a",
        "[播放](",
        "<video src='http://a ",
        "http://a.mp4 ",
        "http://",
    ),
    *(
        "```",
        "```json",
        "\\",
        '"',
        "> ID: `task_0",
        "进度",
        "进度 1",
        "1",
        "❌ ",
        " ",
        "\n",
        "(request id: ",
        "sk-aaaa ",
    ),
)
TEXT_CHARACTERS = 100_000
SECONDS = 10.0
"""Of CPU, several times what it takes; what were quadratic in any of these texts would take minutes."""


@pytest.mark.case("redos")
def test_text_made_to_be_slow_to_read_is_read_in_linear_time(simulator: Simulator, bucket: str) -> None:
    texts = [unit * (TEXT_CHARACTERS // len(unit)) for unit in SLOW]
    choices = [{"index": at, "message": {"content": text}, "finish_reason": "stop"} for at, text in enumerate(texts)]
    document = json.dumps({"choices": [{**choices[0], "message": {"content": "".join(texts)}}, *choices[1:]]}).encode()
    with FaultServer(replies(http("200 OK", document))) as upstream:
        house = Attacked(simulator, bucket, upstream)
        begun = time.process_time()
        assert house.create("sora-2", stream=False).status == 200
        spent = time.process_time() - begun
    assert spent < SECONDS, f"{spent:.1f} s"
