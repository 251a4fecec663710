"""Replies that say nothing, or next to nothing in millions of pieces: time and memory follow the bytes."""

from __future__ import annotations

import time

import pytest

from dev.simulator import Simulator
from reelay.exchange import PIECE_BYTES, REPLY_BYTES
from reelay.reply import Reply
from reelay.shapes import MAX_CHOICES
from tests.integration.fault_server import FaultServer, replies
from tests.security.hostile import MIB, Attacked, assert_nobody_reads_on, memory_below
from tests.security.test_bombs import floods

pytestmark = pytest.mark.usefixtures("aws_environment")

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
SILENT_MIB = 32
"""Of memory for 2 MiB that say nothing; what a first call loads takes some ten of it."""

DENSE_MIB = 128
"""Of the 512 that a function has."""


def cpu_seconds(reply: bytes) -> float:
    """Of reading it in pieces as small as a packet of the network."""
    reader, begun = Reply(), time.process_time()
    for at in range(0, len(reply), 1400):
        assert [*reader.feed(reply[at : at + 1400])] == []
    return time.process_time() - begun


@pytest.mark.case("endless-stream")
@pytest.mark.parametrize("sign", [b": ping\n\n", b" ", b":\r"], ids=["comments", "blanks", "bare"])
def test_signs_of_life_cost_memory_and_time_in_proportion(simulator: Simulator, bucket: str, sign: bytes) -> None:
    silence = sign * (2 * MIB // len(sign))
    with FaultServer(replies(HEAD, silence)) as upstream:
        house = Attacked(simulator, bucket, upstream)
        with memory_below(SILENT_MIB):
            reply = house.create("sora-2", store=False)
        assert (reply.status, reply.headers["x-should-retry"], len(upstream.posts)) == (502, "false", 1)
    few, many = cpu_seconds(silence[: MIB // 8]), cpu_seconds(silence[:MIB])
    assert many < 24 * few + 0.01, "eight times the text; quadratic would be 64 times"


@pytest.mark.case("endless-stream")
def test_a_flood_of_comments_ends_at_the_largest_reply_that_is_read(simulator: Simulator, bucket: str) -> None:
    with FaultServer(floods(HEAD, b": ping\n\n" * 8192)) as upstream:
        house = Attacked(simulator, bucket, upstream)
        assert house.create("sora-2").status == 502
        assert_nobody_reads_on()
    assert 0 <= REPLY_BYTES - house.only_record().transcript_bytes < PIECE_BYTES


NESTED = (b"[" * 50 + b"]" * 50 + b",") * 10_000
EMPTY = b"{}," * (MIB // 3)
DENSE: dict[str, bytes] = {
    "choices": b'{"choices":[%b{}]}' % EMPTY,
    "choices in an event": b'data: {"choices":[%b{}]}\n\ndata: [DONE]\n\n' % EMPTY,
    "tool calls": b'data: {"choices":[{"delta":{"tool_calls":[%b{}]}}]}\n\ndata: [DONE]\n\n' % EMPTY,
    "lists in lists": b'{"x":[%b0],"choices":[{}]}' % (NESTED * 7),
    "lists over many events": b"".join(b'data: {"x%d":[%b0],"choices":[{}]}\n\n' % (at, NESTED) for at in range(6)),
}


@pytest.mark.case("endless-line")
@pytest.mark.parametrize("body", DENSE.values(), ids=DENSE)
def test_what_a_megabyte_of_brackets_becomes_is_bounded(simulator: Simulator, bucket: str, body: bytes) -> None:
    with FaultServer(replies(HEAD, body)) as upstream:
        house = Attacked(simulator, bucket, upstream)
        with memory_below(DENSE_MIB):
            reply = house.create("sora-2", stream=False, store=False)
        assert len(upstream.posts) == 1
    assert reply.status == 502 or len(reply.json["choices"]) <= MAX_CHOICES


@pytest.mark.case("endless-stream")
def test_choices_without_number_are_not_looked_at_again_with_each_event(simulator: Simulator, bucket: str) -> None:
    ended = b"".join(b'data: {"choices":[{"index":%d,"finish_reason":"stop"}]}\n\n' % at for at in range(20_000))
    with FaultServer(replies(HEAD, ended)) as upstream:
        reply = Attacked(simulator, bucket, upstream).create("sora-2", stream=False, store=False)
    assert len(reply.json["choices"]) == MAX_CHOICES
