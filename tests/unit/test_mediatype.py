from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelay.mediatype import MAX_BOXES, SNIFF_BYTES, SUFFIXES, Mp4Scan, content_type, fits
from reelay.model import MediaKind

NO_MOOV = "the video has no moov box, so no player can open it"
CUT = "the video ends in the middle"


def box(kind: bytes, payload: bytes = b"") -> bytes:
    return (len(payload) + 8).to_bytes(4, "big") + kind + payload


def large_box(kind: bytes, payload: bytes) -> bytes:
    return (1).to_bytes(4, "big") + kind + (len(payload) + 16).to_bytes(8, "big") + payload


def open_box(kind: bytes, payload: bytes) -> bytes:
    """A box that runs to the end of the file."""
    return bytes(4) + kind + payload


FTYP = box(b"ftyp", b"isom\0\0\2\0isommp41")
MOOV = box(b"moov", box(b"mvhd", bytes(100)))
MDAT = box(b"mdat", bytes(1000))

WHOLE = {
    "moov first": FTYP + MOOV + MDAT,
    "moov last": FTYP + box(b"free") + MDAT + MOOV,
    "64-bit mdat": FTYP + large_box(b"mdat", bytes(50)) + MOOV,
    "mdat to the end": FTYP + MOOV + open_box(b"mdat", bytes(50)),
    "moov to the end": FTYP + MDAT + open_box(b"moov", bytes(50)),
    "fragmented": FTYP + MOOV + (box(b"moof", bytes(40)) + MDAT) * 5,
    "a few bytes after the last box": FTYP + MOOV + MDAT + b"\0\0\0",
    "text after the last box": FTYP + MOOV + MDAT + b"a trailing advertisement",
}
BROKEN = {
    "nothing": (b"", NO_MOOV),
    "no moov": (FTYP + MDAT, NO_MOOV),
    "moov only inside another box": (FTYP + box(b"free", MOOV), NO_MOOV),
    "moov after an open mdat": (FTYP + open_box(b"mdat", MOOV), NO_MOOV),
    "a box smaller than its header before moov": (FTYP + b"\0\0\0\7free" + MOOV, NO_MOOV),
    "a 64-bit box smaller than its header": (FTYP + b"\0\0\0\1mdat" + (15).to_bytes(8, "big") + MOOV, NO_MOOV),
    "cut in mdat": (FTYP + MOOV + MDAT[:-1], CUT),
    "cut in moov": (FTYP + MDAT + MOOV[:-1], CUT),
    "cut in a 64-bit mdat": (FTYP + MOOV + large_box(b"mdat", bytes(50))[:-1], CUT),
    "cut before moov": (FTYP + MDAT, NO_MOOV),
    "a 2^63 box": (FTYP + MOOV + b"\0\0\0\1mdat" + (2**63).to_bytes(8, "big") + bytes(50), CUT),
}


def fault_of(data: bytes, step: int) -> str | None:
    scan = Mp4Scan()
    for start in range(0, len(data), step):
        scan.feed(data[start : start + step])
    return scan.fault


@pytest.mark.parametrize("data", WHOLE.values(), ids=WHOLE)
def test_a_playable_file_has_no_fault_however_it_is_cut_into_pieces(data: bytes) -> None:
    assert [fault_of(data, step) for step in (1, 7, 8, 9, 64, len(data))] == [None] * 6


@pytest.mark.parametrize(("data", "fault"), BROKEN.values(), ids=BROKEN)
def test_a_file_that_no_player_opens_is_told_however_it_is_cut_into_pieces(data: bytes, fault: str) -> None:
    assert [fault_of(data, step) for step in (1, 7, 8, 9, 64, max(1, len(data)))] == [fault] * 6


@given(st.data())
def test_any_two_ways_of_cutting_a_file_are_judged_alike(data: st.DataObject) -> None:
    whole = data.draw(st.one_of(st.binary(max_size=300), st.sampled_from([*WHOLE.values()])))
    end = data.draw(st.integers(0, len(whole)))
    assert fault_of(whole[:end], data.draw(st.integers(1, 40))) == fault_of(whole[:end], 300)


def test_a_file_of_nothing_but_tiny_boxes_is_given_up_after_a_bounded_number() -> None:
    assert fault_of(FTYP + box(b"free") * (MAX_BOXES - 2) + MOOV, 1 << 16) is None
    assert fault_of(FTYP + box(b"free") * MAX_BOXES + MOOV, 1 << 16) == NO_MOOV


@pytest.mark.case("media-sniffed", "media-wrong-type")
@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (FTYP, "video/mp4"),
        (box(b"ftyp", b"mp42"), "video/mp4"),
        (box(b"ftyp", b"M4V "), "video/mp4"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0\1", "image/jpeg"),
        (b"GIF89a\1\0\1\0\0\0", "image/gif"),
        (b"GIF87a\1\0\1\0\0\0", "image/gif"),
        (b"", None),
        (FTYP[:11], None),
        (b"<!DOCTYPE html><html>", None),
        (b'{"error": "expired"}', None),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'>", None),
        (b"RIFF\x10\0\0\0WAVEfmt ", None),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\0\0\0", None),
        (b"\x1aE\xdf\xa3\x01\0\0\0\0\0\0\x1f", None),
        (b"<!--ftypisom--><script>", None),
        (box(b"ftyp", b"avif"), None),
        (box(b"ftyp", b"heic"), None),
        (box(b"ftyp", b"qt  "), None),
        (box(b"ftyp", b"M4A "), None),
    ],
)
def test_the_first_bytes_say_what_a_file_is(head: bytes, expected: str | None) -> None:
    assert content_type(head) == expected
    assert content_type(head[:SNIFF_BYTES]) == expected


def test_a_video_is_no_thumbnail_and_a_picture_is_no_video() -> None:
    for name in SUFFIXES:
        assert fits(name, MediaKind.VIDEO) is (name == "video/mp4")
        assert fits(name, MediaKind.THUMBNAIL) is (name != "video/mp4")
