"""The captured stream cut at every byte, split anyhow and spelled anyhow, through the door."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from dev.simulator import Simulator
from reelay.contract import Contract
from reelay.errors import UpstreamBroken
from reelay.gateway import Door
from reelay.model import Call, Data, End, Failed, Head, Phase, Record
from reelay.s3 import s3_client
from tests.contract.proxy_events import rest_event
from tests.e2e.local_house import KEY, PROMPT, Context, LocalHouse, Pieces, Reply
from tests.fakes import FakeClock
from tests.integration.fault_server import FaultServer, replies
from tests.unit.captured import CAPTURED, V5, Payload, as_events, as_stream
from tests.unit.relay.place import House

HEAD = Head(200, {"content-type": "text/event-stream"})
ECHO_ENDS = 3
"""Frames kept at either end of the request's echo, which is as long as the caller makes it and the same all through."""

_EMPTY = next(at for at, payload in enumerate(CAPTURED) if payload["choices"][0]["delta"] == {})
BRIEF: tuple[Payload, ...] = (*CAPTURED[:ECHO_ENDS], *CAPTURED[_EMPTY - ECHO_ENDS :])
STREAM = as_stream(BRIEF)
WHOLE_FROM = STREAM.index(b"\n", STREAM.index(b'"finish_reason": "stop"'))
"""The end of the line that says the end: no cut before it leaves a whole answer."""


class AtTheDoor:
    """The relay's door over fakes, for one request that meets one script of the upstream."""

    def __init__(self, *script: Any, stream: bool) -> None:
        self.fakes = House(*script, stream=stream)
        self._call = CALLS[stream]

    def read(self, event: Mapping[str, Any]) -> Call:  # noqa: ARG002 - the contract has read it, once for all cuts
        return self._call

    def serve(self, pieces: Pieces | None = None) -> Reply:
        """The answer: into `pieces` while it is made, or buffered without."""
        operations = {"createChatCompletion": self.fakes.relay.create}
        stream = None if pieces is None else lambda: pieces
        reply = Door(self, operations, self.fakes.clock, self.fakes.telemetry, stream).serve({}, Context())
        if pieces is None:
            assert reply is not None
            return Reply(reply["statusCode"], reply["headers"], reply["body"].encode())
        assert pieces.ended
        return Reply(pieces.status, pieces.headers, b"".join(pieces.sent))

    @property
    def record(self) -> Record:
        (only,) = self.fakes.store.records.values()
        return only

    @property
    def posts(self) -> int:
        return len(self.fakes.upstream.posts)


def _read(*, stream: bool) -> Call:
    body = {"model": "sora-2", "messages": [{"role": "user", "content": PROMPT}], "stream": stream}
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    return Contract.load().read(rest_event("POST", "/v1/chat/completions", headers=headers, body=json.dumps(body)))


CALLS = {stream: _read(stream=stream) for stream in (True, False)}


def cut_off() -> Failed:
    return Failed(UpstreamBroken("The upstream broke its answer off.", charged=True))


def assert_true_answer(reply: Reply, *, complete: bool, stream: bool) -> None:
    """The whole answer and no error; or an error, told as one, which no SDK repeats."""
    if complete and stream:
        assert reply.frames[-1] == "[DONE]"
        assert not [frame for frame in reply.frames[:-1] if "error" in frame]
    elif complete:
        assert reply.json["choices"][0]["finish_reason"] == "stop"
    elif reply.status == 200:
        assert stream
        *said, error, done = reply.frames
        assert (error["error"]["code"], done, bool(said)) == ("outcome_unknown", "[DONE]", True)
        assert not [choice for frame in said for choice in frame["choices"] if choice["finish_reason"]]
    else:
        assert (reply.status, reply.headers["x-should-retry"]) == (502, "false")
        assert reply.error["code"] in ("outcome_unknown", "upstream_broken")


def assert_cut(data: bytes, cut: int, last: End | Failed, *, stream: bool, complete: bool) -> None:
    """One request whose answer ends after `cut` bytes."""
    door = AtTheDoor(HEAD, *([Data(data[:cut])] if cut else []), last, stream=stream)
    reply = door.serve(Pieces() if stream else None)
    where = f"cut at {cut}, {last}, stream={stream}"
    assert door.record.phase is (Phase.COMPLETED if complete else Phase.UNKNOWN), where
    assert (door.record.completion is not None) == complete, where
    assert door.fakes.store.transcripts.get(door.record.id, b"") == data[:cut], where
    assert door.posts == 1, where
    assert_true_answer(reply, complete=complete, stream=stream)


@pytest.mark.case("cut-anywhere")
def test_the_stream_cut_at_every_byte_is_never_whole_before_its_end_was_said() -> None:
    """Each byte for a streamed and for a whole answer, by turns with an orderly close and with a framing that broke."""
    for cut in range(len(STREAM) + 1):
        endings: list[End | Failed] = [End(), cut_off()] if cut % 2 else [cut_off(), End()]
        for stream, last in zip((True, False), endings, strict=True):
            assert_cut(STREAM, cut, last, stream=stream, complete=cut >= WHOLE_FROM)


@pytest.mark.case("cut-anywhere")
def test_a_document_cut_at_every_byte_is_never_whole() -> None:
    document = json.dumps(V5).encode()
    for cut in range(len(document)):
        for stream in (True, False):
            for last in (End(), cut_off()):
                assert_cut(document, cut, last, stream=stream, complete=False)


def by_close(frames: Iterable[bytes]) -> bytes:
    return b"Connection: close\r\n\r\n" + b"".join(frames)


def by_length(frames: Iterable[bytes]) -> bytes:
    body = b"".join(frames)
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


def by_chunks(frames: Iterable[bytes]) -> bytes:
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(frame), frame) for frame in frames)
    return b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


@pytest.mark.case("cut-anywhere")
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("framed", [by_close, by_length, by_chunks])
def test_a_connection_that_breaks_inside_any_framing_leaves_all_that_came_and_no_completion(
    bucket: str,
    aws_environment: None,  # noqa: ARG001 - sets where S3 is
    framed: Callable[[Iterable[bytes]], bytes],
    stream: bool,
) -> None:
    frames = [f"data: {event}\n\n".encode() for event in as_events(BRIEF)]
    wire = framed(frames)
    task, finish = wire.index(b"task_"), wire.index(b'"finish_reason": "stop"')
    line, dog = wire.rindex(b"\ndata: ", 0, finish), wire.index("🏃".encode())
    size = line - 8  # in front of a frame by chunks stand its size, CRLF, and the end of the frame before
    cuts = [len(framed([])), task + 3, dog + 2, *range(size, size + 12, 2), finish, finish + 20]
    scripts = [replies(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" + wire[:cut]) for cut in cuts]
    with Simulator() as nobody, FaultServer(*scripts) as server:
        house = LocalHouse(nobody, s3_client(), bucket, FakeClock(), upstream_base_url=server.url)
        for posts, cut in enumerate(cuts, 1):
            reply = house.create("sora-2", stream=stream)
            assert_true_answer(reply, complete=False, stream=stream)
            place = str(reply.headers["Content-Location"]).rpartition("/")[2]
            assert house.record(place).phase is Phase.UNKNOWN, cut
            came = b"".join(frames[: wire.count(b"\n\n", 0, cut)])
            assert house.record(place).transcript_bytes >= len(came), cut
            assert not came or STREAM.startswith(house.transcript(place)), cut
            assert len(server.posts) == posts


def lines(event: str) -> str:
    """The same JSON over several data lines."""
    return "\n".join(f"data: {line}" for line in json.dumps(json.loads(event), indent=1).split("\n"))


SPELLINGS: Mapping[str, bytes] = {
    "as captured": STREAM,
    "CRLF": as_stream(BRIEF, "\r\n"),
    "CR": as_stream(BRIEF, "\r"),
    "BOM": b"\xef\xbb\xbf" + STREAM,
    "BOM and CRLF": b"\xef\xbb\xbf" + as_stream(BRIEF, "\r\n"),
    "no space": STREAM.replace(b"data: {", b"data:{").replace(b"data: [", b"data:["),
    "data lines": "".join(f"{lines(event)}\n\n" for event in as_events(BRIEF)[:-1]).encode() + b"data: [DONE]\n\n",
    "comments and fields": STREAM.replace(b"data: ", b": ping\nevent: message\nid: 7\nretry: 10\ndata: "),
}


@pytest.mark.case("split-anyhow")
@pytest.mark.parametrize("width", [1, 7, 1_000_000])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_however_the_stream_is_spelled_and_split_the_caller_gets_the_same_bytes(spelling: str, width: int) -> None:
    data = SPELLINGS[spelling]
    pieces = [Data(data[at : at + width]) for at in range(0, len(data), width)]
    for stream in (True, False):
        plain = AtTheDoor(HEAD, Data(STREAM), End(), stream=stream)
        door = AtTheDoor(HEAD, *pieces, End(), stream=stream)
        assert door.serve().body == plain.serve().body
        assert door.record.completion == plain.record.completion
        assert door.record.completion is not None
