"""A form becomes the JSON it stands for, or a caller's error; never anything else."""

from __future__ import annotations

import time
from base64 import b64decode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reelay.errors import BadRequest
from reelay.http_event import media_type
from reelay.multipart import MAX_FIELDS, MAX_HEADER_BYTES, MAX_HEADERS, MAX_NAME_BYTES, decode
from tests.contract.bad_inputs import MIB
from tests.contract.proxy_events import BOUNDARY, form_body, form_part

GIF = b"GIF89a\x01\x00\x01\x00\r\n--\x00\xff\r\n"
LINE = f"--{BOUNDARY}\r\n".encode()
END = f"\r\n--{BOUNDARY}--\r\n".encode()


def refused(body: bytes, boundary: str = BOUNDARY) -> str:
    with pytest.raises(BadRequest) as caught:
        decode(body, boundary)
    assert caught.value.code == "invalid_form"
    return caught.value.message


def test_texts_are_texts_and_brackets_are_objects() -> None:
    body = form_body(
        form_part("prompt", "ein Hund, 狗\r\n--not a boundary"),
        form_part("seconds", ""),
        form_part("metadata[a.b]", "1"),
        form_part("metadata[c]", "2", None, "Content-Type: text/plain; charset=utf-8"),
        form_part("tags[]", "3"),
        form_part("deep[a][b]", "4"),
    )
    assert decode(body, BOUNDARY) == {
        "prompt": "ein Hund, 狗\r\n--not a boundary",
        "seconds": "",
        "metadata": {"a.b": "1", "c": "2"},
        "tags[]": "3",
        "deep[a][b]": "4",
    }


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (GIF, "image/gif"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
    ],
)
def test_a_file_is_the_picture_that_its_bytes_show_whatever_it_is_called(data: bytes, kind: str) -> None:
    body = form_body(form_part("input_reference", data, "a.exe", "Content-Type: application/octet-stream"))
    picture = decode(body, BOUNDARY)["input_reference"]
    assert isinstance(picture, dict)
    head, _, encoded = picture["image_url"].partition(",")
    assert head == f"data:{kind};base64"
    assert b64decode(encoded) == data


def test_the_line_break_behind_the_form_may_be_missing() -> None:
    assert decode(form_body(form_part("a", "b")).removesuffix(b"\r\n"), BOUNDARY) == {"a": "b"}


@pytest.mark.parametrize("encoding", ["binary", "8bit", "7BIT "])
def test_an_encoding_that_encodes_nothing_is_taken(encoding: str) -> None:
    assert decode(form_body(form_part("a", "b", None, f"Content-Transfer-Encoding: {encoding}")), BOUNDARY)


def test_what_is_at_a_limit_is_taken() -> None:
    name = "n" * MAX_NAME_BYTES
    line = "X-A: " + "b" * (MAX_HEADER_BYTES - 5)
    fields = [form_part(name, "x", None, line, *["X-B: c"] * (MAX_HEADERS - 2))]
    fields += [form_part(f"x{n}", "x") for n in range(MAX_FIELDS - 1)]
    assert len(decode(form_body(*fields), BOUNDARY)) == MAX_FIELDS


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "it does not begin with the boundary that Content-Type names"),
        (form_body(form_part("a", "b"), boundary="c"), "it does not begin with the boundary that Content-Type names"),
        (LINE, "it is cut, or not written as RFC 7578 says"),
        (form_body(form_part("a", "b")) + b"c", "it is cut, or not written as RFC 7578 says"),
        (form_body(form_part("a", b"b\xff")), "byte 1 of a is not UTF-8"),
        (form_body(form_part("a b", b"\xff")), "byte 0 of a field is not UTF-8"),
        (form_body(form_part("", "b")), "expected names of 1 to 128 bytes, got one of 0"),
        (form_body(form_part("a", "b"), form_part("a", "b")), "a is there twice"),
        (form_body(form_part("a", "b"), form_part("a[c]", "b")), "a[c] is there twice"),
        (form_body(form_part("a[c]", "b"), form_part("a", "b")), "a is there twice"),
        (form_body(form_part("a", "b", "c.png")), "the file a is no PNG, JPEG, WebP or GIF picture"),
        (form_body(form_part("a[b]", GIF, "c.gif")), "a file is expected under a plain name, got a[b]"),
        (
            form_body(form_part("a", "b", None, "Content-Transfer-Encoding: base64")),
            "a has a Content-Transfer-Encoding; send it as it is",
        ),
        (
            form_body(form_part("a", "b", None, "X-A: " + "c" * MAX_HEADER_BYTES)),
            "a field's header has a line of more than 1024 bytes, or more than 8 lines",
        ),
        (form_body(*[form_part(f"a{n}", "b") for n in range(MAX_FIELDS + 1)]), "it has more than 16 fields"),
    ],
)
def test_messages_say_what_is_wrong_with_a_form(body: bytes, why: str) -> None:
    assert refused(body) == f"The body cannot be read as a form: {why}."


def test_a_form_without_any_field_is_cut_or_empty() -> None:
    assert decode(f"--{BOUNDARY}--\r\n".encode(), BOUNDARY) == {}


# ── Its boundary ──


@pytest.mark.parametrize(
    ("content_type", "encoded"),
    [
        ("multipart/form-data; boundary=abc", "abc"),
        (" Multipart/Form-Data ;\tBOUNDARY=aBc ", "aBc"),
        ('multipart/form-data;boundary="abc"', "abc"),
        (
            "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW",
            "----WebKitFormBoundary7MA4YWxkTrZu0gW",
        ),
        ('multipart/form-data; boundary="===============1=="', "%3D%3D%3D%3D%3D%3D%3D%3D%3D%3D%3D%3D%3D%3D%3D1%3D%3D"),
        ('multipart/form-data; boundary="a b\'()+_,-./:=?"', "a%20b%27%28%29%2B_%2C-.%2F%3A%3D%3F"),
        (f"multipart/form-data; boundary={'x' * 70}", "x" * 70),
    ],
)
def test_the_boundary_of_a_form_goes_with_its_type(content_type: str, encoded: str) -> None:
    assert media_type(content_type) == f"multipart/form-data; boundary={encoded}"


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; charset=utf-8",
        "multipart/form-data; charset=utf-8; boundary=a",
        "multipart/form-data; boundary",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary="a',
        'multipart/form-data; boundary="a\\"b"',
        "multipart/form-data; boundary=a=b",
        "multipart/form-data; boundary=a%3Db",
        "multipart/form-data; boundary=é",
        "multipart/form-data; boundary=a; x=y",
        "application/json; boundary=a",
        "multipart/mixed; boundary=a",
    ],
)
def test_any_other_parameter_makes_the_type_unknown(content_type: str) -> None:
    assert media_type(content_type) == ""


# ── Whatever comes ──

_FRAGMENTS = st.sampled_from(
    [LINE, END, b"\r\n", b"--", b"\n", b"\r", b'Content-Disposition: form-data; name="a"', b"; filename=b", GIF, b": "]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_FRAGMENTS | st.binary(max_size=20), max_size=12))
def test_no_bytes_are_more_than_a_callers_error(pieces: list[bytes]) -> None:
    whole = LINE + b"".join(pieces)
    try:
        decode(whole, BOUNDARY)
    except BadRequest as error:
        assert error.message  # noqa: PT017 - whether it raises is not the point


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.text("abc_-.", min_size=1, max_size=8), st.text(max_size=30), max_size=MAX_FIELDS))
def test_every_form_of_texts_comes_out_as_it_went_in(fields: dict[str, str]) -> None:
    assert decode(form_body(*[form_part(*field) for field in fields.items()]), BOUNDARY) == fields


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_every_picture_comes_out_as_it_went_in(tail: bytes) -> None:
    picture = decode(form_body(form_part("a", GIF + tail, "a.gif")), BOUNDARY)["a"]
    assert isinstance(picture, dict)
    assert b64decode(picture["image_url"].partition(",")[2]) == GIF + tail


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(form_body(form_part("a", b"\r" * 6 * MIB)), id="6 MiB of CR"),
        pytest.param(form_body(form_part("a", END[:-3] * (6 * MIB // len(END)))), id="boundaries that nearly end"),
        pytest.param(form_body(form_part("a", (END[:-6] + b"x") * (6 * MIB // len(END)))), id="nearly boundaries"),
        pytest.param(LINE + b"A: b\r\n" * MIB, id="a header without an end"),
        pytest.param(form_body(*[form_part("a", "b")] * 60_000), id="60,000 fields"),
        pytest.param(
            form_body(*[f"Content-Disposition: form-data;{' ' * 980}\r\n\r\n".encode()] * 16), id="spaces in a header"
        ),
    ],
)
def test_forms_made_to_hurt_are_read_or_refused_in_bounded_time(body: bytes) -> None:
    started = time.process_time()
    try:
        decode(body, BOUNDARY)
    except BadRequest as error:
        assert error.message  # noqa: PT017 - whether it raises is not the point
    assert time.process_time() - started < 1, "CPU seconds; 0.02 is usual on one slow core"
