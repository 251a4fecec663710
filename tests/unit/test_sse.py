from __future__ import annotations

import itertools
import json
import random
import sys
import time
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reelay.sse import DONE, EventParser, EventTooLarge, comment, encoded, frame
from tests.unit.captured import STREAMS, as_events, as_stream

LINE_ENDS = {"LF": "\n", "CRLF": "\r\n", "CR": "\r"}


def parsed(pieces: Iterable[bytes], **limits: int) -> list[str]:
    parser = EventParser(**limits)
    return [event for piece in pieces for event in parser.feed(piece)] + parser.finish()


def in_pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize("line_end", LINE_ENDS.values(), ids=LINE_ENDS)
@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_gives_the_same_events_whole_in_two_parts_and_byte_by_byte(name: str, line_end: str) -> None:
    stream, events = as_stream(STREAMS[name], line_end), as_events(STREAMS[name])
    assert parsed([stream]) == events
    assert parsed(in_pieces(stream, 1)) == events


@pytest.mark.parametrize("line_end", LINE_ENDS.values(), ids=LINE_ENDS)
@pytest.mark.parametrize("name", STREAMS)
def test_every_split_of_a_stream_in_two_gives_the_same_events(name: str, line_end: str) -> None:
    # The first frames and the last hold every kind of delta; the frames of single characters between add nothing.
    payloads = STREAMS[name] if len(STREAMS[name]) < 20 else (*STREAMS[name][:4], *STREAMS[name][-16:])
    stream, events = as_stream(payloads, line_end), as_events(payloads)
    for at in range(len(stream) + 1):
        assert parsed([stream[:at], stream[at:]]) == events


EVENT_STREAMS: dict[str, tuple[bytes, list[str]]] = {
    "no space after the colon": (b"data:x\n\n", ["x"]),
    "only one space is dropped": (b"data:  x\n\n", [" x"]),
    "several lines": (b"data: a\ndata: b\ndata\n\n", ["a\nb\n"]),
    "an empty datum is an event": (b"data\n\ndata:\n\n", ["", ""]),
    "no data, no event": (b"event: ping\nid: 7\nretry: 1\n\n\n\n", []),
    "comments between and inside": (b": ping\n\n:\ndata: a\n: ping\ndata: b\n\n", ["a\nb"]),
    "unknown fields": (b"datum: x\nDATA: y\n data: z\ndata: a\n\n", ["a"]),
    "colons in the value": (b'data: {"a":"b:c"}\n\n', ['{"a":"b:c"}']),
    "byte order mark": (b"\xef\xbb\xbfdata: a\n\n", ["a"]),
    "only one byte order mark": (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n", ["b"]),
    "a later byte order mark is text": (b"data: a\n\n\xef\xbb\xbfdata: b\n\ndata: \xef\xbb\xbf\n\n", ["a", "\ufeff"]),
    "a byte order mark after a line is text": (b"\n\xef\xbb\xbfdata: a\n\ndata: b\n\n", ["b"]),
    "an emoji": ("data: 🏃\n\n".encode(), ["🏃"]),
    "not UTF-8": (b"data: a\xf0\x9f\n\ndata: \xffb\n\n", ["a\ufffd", "\ufffdb"]),
    "mixed line ends": (b"data: a\r\n\rdata: b\n\r\ndata: c\r\r", ["a", "b", "c"]),
    "other line separators are text": ("data: a\x0b\x85\u2028b\n\n".encode(), ["a\x0b\x85\u2028b"]),
    "DONE without its blank line": (b"data: a\n\ndata: [DONE]\n", ["a", "[DONE]"]),
    "DONE without its line end": (b"data: a\n\ndata: [DONE]", ["a", "[DONE]"]),
    "cut in a field's name": (b"data: a\n\ndat", ["a"]),
    "cut before the value": (b"data: a\n\ndata: ", ["a"]),
    "nothing": (b"", []),
}


@pytest.mark.parametrize(("stream", "events"), EVENT_STREAMS.values(), ids=EVENT_STREAMS)
def test_a_stream_is_read_as_whatwg_says_at_every_split(stream: bytes, events: list[str]) -> None:
    assert parsed([stream]) == events
    assert parsed(in_pieces(stream, 1)) == events
    for at in range(len(stream) + 1):
        assert parsed([stream[:at], b"", stream[at:]]) == events


@settings(max_examples=100, deadline=None)
@given(
    lines=st.lists(st.sampled_from([b"data: a", b"data:\xf0\x9f\x8f\x83", b"data", b":", b"id: 1", b"", b"", b"\xff"])),
    ends=st.randoms(use_true_random=False),
    cuts=st.lists(st.integers(0, 200)),
)
def test_any_lines_with_any_ends_cut_anywhere_give_the_same_events(
    lines: list[bytes], ends: random.Random, cuts: list[int]
) -> None:
    stream = b"".join(line + ends.choice([b"\n", b"\r", b"\r\n"]) for line in lines)
    edges = [0, *sorted(cuts), len(stream)]
    assert parsed(stream[a:b] for a, b in itertools.pairwise(edges)) == parsed([stream])


def test_an_event_is_complete_on_the_cr_of_its_blank_line_without_waiting_for_what_follows() -> None:
    parser = EventParser()
    assert parser.feed(b"data: a\r\n\r") == ["a"]
    assert parser.feed(b"\ndata: b\r\n\r\n") == ["b"]


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize(
    "large",
    [b"data: " + b"x" * 60 + b"\n\n", b"data: xxxxxxx\n" * 8, b":" + b"x" * 60, b":" + b"x" * 60 + b"\n"],
    ids=["one line", "many lines", "a comment without end", "a comment"],
)
def test_too_large_an_event_is_refused_after_those_before_it_and_for_good(large: bytes, size: int) -> None:
    parser = EventParser(max_event_bytes=50)
    events: list[str] = []

    def feed_all() -> None:
        for piece in [*in_pieces(b"data: a\n\ndata: b\n\n" + large, size), b""]:
            events.extend(parser.feed(piece))

    with pytest.raises(EventTooLarge, match="50 bytes"):
        feed_all()
    assert events == ["a", "b"]
    with pytest.raises(EventTooLarge):
        parser.feed(b"data: c\n\n")
    with pytest.raises(EventTooLarge):
        parser.finish()


def test_an_event_may_be_as_long_as_the_limit() -> None:
    assert parsed([b"data: " + b"x" * 44 + b"\n\n"], max_event_bytes=50) == ["x" * 44]


def test_comments_and_ended_events_do_not_count_towards_the_limit() -> None:
    assert parsed([b": ping\n\n" * 100 + b"data: abc\n\n" * 100], max_event_bytes=20) == ["abc"] * 100


def lines_run(size: int, piece: int) -> int:
    """How many lines of the parser run for one event of `size` bytes in pieces of `piece`."""
    pieces = in_pieces(b"data: " + b"x" * size + b"\n\n", piece)
    parser, ran = EventParser(), 0

    def trace(running: FrameType, event: str, _: Any) -> Any:
        nonlocal ran
        ran += event == "line" and running.f_globals.get("__name__") == "reelay.sse"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        events = [event for part in pieces for event in parser.feed(part)]
    finally:
        sys.settrace(before)
    assert [len(event) for event in events] == [size]
    return ran


def test_steps_grow_with_the_pieces_and_not_with_what_is_already_held() -> None:
    few, many = lines_run(1_000, 1), lines_run(4_000, 1)
    assert many < 4.1 * few


def cpu_seconds(work: Callable[[], object]) -> float:
    """The least of three measurements."""
    spent = []
    for _ in range(3):
        begun = time.process_time()
        work()
        spent.append(time.process_time() - begun)
    return min(spent)


# CPU time in the next two, because what must not be quadratic is copying inside bytes objects, which no count of steps
# shows.
def test_ten_times_the_single_bytes_cost_about_ten_times_and_not_a_hundred() -> None:
    few, many = (in_pieces(b"data: " + b"x" * size + b"\n\n", 1) for size in (20_000, 200_000))
    assert cpu_seconds(lambda: parsed(many)) < 40 * cpu_seconds(lambda: parsed(few))


def test_a_line_of_8_mb_in_pieces_costs_about_as_much_as_joining_and_decoding_them() -> None:
    pieces = in_pieces(b"data: " + b"x" * 8_000_000 + b"\n\n", 4096)

    def join_and_decode() -> str:
        return b"".join(pieces).splitlines()[0].decode()

    # About 4 times were measured; joining anew with each piece would be over 100 times.
    assert cpu_seconds(lambda: parsed(pieces)) < 40 * cpu_seconds(join_and_decode)


@pytest.mark.case("sse-injection")
def test_a_frame_is_compact_json_on_one_line_in_utf8() -> None:
    assert frame({"a": [1, "进度\n🏃\u2028"]}) == 'data: {"a":[1,"进度\\n🏃\u2028"]}\n\n'.encode()


def test_done_is_the_frame_of_its_text() -> None:
    assert DONE == b"data: [DONE]\n\n"


TEXT = st.text(alphabet='a:"\\\n\r\0进🏃\u2028\x85', max_size=9)


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(st.none() | TEXT | st.integers(), lambda inner: st.dictionaries(TEXT, inner, max_size=3), max_leaves=5)
)
def test_a_frame_read_back_is_the_payload(value: Any) -> None:
    payload = {"value": value}
    assert [json.loads(event) for event in parsed(in_pieces(frame(payload), 3))] == [payload]


def test_text_with_line_ends_becomes_one_event_of_several_lines() -> None:
    assert frame("a\r\nb\rc\n") == b"data: a\ndata: b\ndata: c\ndata: \n\n"
    assert parsed([frame("a\nb")]) == ["a\nb"]


def test_half_a_surrogate_pair_is_escaped_so_that_the_bytes_stay_utf8() -> None:
    assert encoded({"a": "\ud83c", "b": "进"}) == rb'{"a":"\ud83c","b":"\u8fdb"}'
    assert encoded({"a": "\ud83c", "b": float("inf")}) == rb'{"a":"\ud83c","b":null}'
    assert frame("\ud83c") == b"data: ?\n\n"


def test_a_number_that_json_cannot_hold_becomes_null() -> None:
    read = json.loads('{"a": [1e999, -1e999, NaN, 1.5], "b": {"c": 1e999}}')
    assert encoded(read) == b'{"a":[null,null,null,1.5],"b":{"c":null}}'


@pytest.mark.case("sse-injection")
def test_a_comment_stays_on_one_line_and_says_nothing_to_a_reader() -> None:
    assert comment("waiting") == b": waiting\n\n"
    assert comment("a\r\nb\nc\rd") == b": a b c d\n\n"
    assert parsed([comment("a\ndata: x")]) == []
