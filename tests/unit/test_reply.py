"""The upstream's bytes read as a reply: the same however they are cut, and never whole before they are."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reelay.reply import DOCUMENT_BYTES, Chunk, Fault, Item, Reply, Whole
from reelay.sse import frame
from tests.unit.captured import CAPTURED, STREAMS, V5, as_stream

DOCUMENT = json.dumps({"choices": [{"message": {"content": "hi 🐕"}, "finish_reason": "stop"}]}).encode()


def read(pieces: Iterable[bytes], *, broken: bool = False) -> tuple[list[Item], bool]:
    """What the pieces hold, and whether that is a whole answer."""
    reply = Reply()
    items = [item for piece in pieces for item in reply.feed(piece)]
    items += reply.finish(broken=broken)
    return items, reply.complete


def said(items: list[Item]) -> list[Any]:
    return [item.payload for item in items if isinstance(item, Chunk | Whole)]


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_in_single_bytes_says_what_it_says_in_one_piece(name: str) -> None:
    stream = as_stream(STREAMS[name])
    whole = read([stream])
    assert whole == read(bytes([byte]) for byte in stream)
    assert whole[1]


def test_a_stream_cut_at_any_byte_is_whole_only_behind_its_finish() -> None:
    stream = as_stream(CAPTURED)
    line_end = stream.index(b"\n", stream.index(b'"finish_reason": "stop"'))
    for cut in (*range(0, line_end - 300, 97), *range(line_end - 300, len(stream))):
        for broken in (False, True):
            assert read([stream[:cut]], broken=broken)[1] == (cut >= line_end), cut


def test_a_document_cut_at_any_byte_is_not_whole() -> None:
    for cut in range(len(DOCUMENT)):
        for broken in (False, True):
            items, complete = read([DOCUMENT[:cut]], broken=broken)
            assert not complete
            assert said(items) == []
    assert read([DOCUMENT], broken=True) == ([Whole(json.loads(DOCUMENT))], True)


def test_a_document_without_a_finish_counts_only_when_its_framing_held() -> None:
    document = json.dumps(V5).encode()
    assert read([document])[1]
    assert not read([document], broken=True)[1]


@pytest.mark.parametrize(
    "before", [b": ping\n\n", b" \r\n", b": a\r: b\n\n  ", b"\xef\xbb\xbf", b"\xef\xbb\xbf: ping\n\n"]
)
@pytest.mark.parametrize("body", [DOCUMENT, as_stream(CAPTURED)])
def test_signs_of_life_may_come_before_either_kind(before: bytes, body: bytes) -> None:
    assert read([before + body]) == read([body])
    assert read(bytes([byte]) for byte in before + body) == read([body])


@pytest.mark.parametrize(
    "body",
    [b"", b"  ", b": ping\n\n", b"<html></html>", b"data: [DONE]\n\n", b"[]", b"null", b"data: 1\n\n", b"\xff\xfe{"],
)
def test_what_holds_no_completion_is_in_doubt(body: bytes) -> None:
    (item,), complete = read([body])
    assert isinstance(item, Fault)
    assert item.in_doubt
    assert item.error.charged
    assert not complete


def test_an_error_object_is_the_upstreams_own_word() -> None:
    error = {"error": {"message": "no", "code": "x"}}
    for body in (json.dumps(error).encode(), as_stream([error])):
        (item, *_), complete = read([body])
        assert isinstance(item, Fault)
        assert not item.in_doubt
        assert not complete


def test_too_much_is_a_fault_and_not_a_crash() -> None:
    large = b'{"choices": "' + b"x" * DOCUMENT_BYTES
    (item,), complete = read([large])
    assert isinstance(item, Fault)
    assert not complete
    deep = b'{"choices": [], "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert isinstance(read([deep])[0][0], Fault)
    assert isinstance(read([b"data: " + deep + b"\n\n"])[0][0], Fault)


def test_events_that_are_no_objects_are_passed_over_and_counted() -> None:
    reply = Reply()
    good = b'data: {"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]}\n\n'
    items = [*reply.feed(b"data: nope\n\ndata: [1]\n\ndata: NaN\n\n" + good), *reply.finish()]
    assert (len(items), reply.malformed, reply.complete) == (1, 3, True)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=8))
def test_whatever_bytes_come_reading_ends_and_never_raises(pieces: list[bytes]) -> None:
    items, complete = read(pieces)
    assert complete or items


def test_a_done_before_anything_was_said_ends_nothing_wherever_the_bytes_are_cut() -> None:
    stream = b"data: [DONE]\n\n" + as_stream(CAPTURED)
    whole = read([stream])
    assert whole == read(bytes([byte]) for byte in stream)
    assert (whole[1], len(said(whole[0])) > 0) == (True, True)


def test_an_event_that_is_too_large_is_a_fault_however_the_bytes_are_cut() -> None:
    body = frame({"choices": [{"delta": {"content": "a"}}]}) + b"data: " + b"." * DOCUMENT_BYTES
    for size in (65536, len(body)):
        reply = Reply()
        items = [item for at in range(0, len(body), size) for item in reply.feed(body[at : at + size])]
        items += reply.finish(broken=True)
        assert [type(item) for item in items] == [Chunk, Fault]
        assert not reply.complete
