"""JSON, and nothing that only looks like it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reelay.errors import BadRequest
from reelay.strict_json import MAX_DEPTH, MAX_NUMBER_CHARACTERS, decode

_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def refused(data: bytes) -> str:
    with pytest.raises(BadRequest) as caught:
        decode(data)
    assert caught.value.code == "invalid_json"
    assert caught.value.param is None
    return caught.value.message.removeprefix("The body cannot be read as JSON: ")


@settings(max_examples=60, deadline=None)
@given(_VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_whatever_json_can_say_is_read_as_it_was_meant(value: Any, escaped: bool, indent: int | None) -> None:
    assert decode(json.dumps(value, ensure_ascii=escaped, indent=indent).encode()) == value


@settings(max_examples=120, deadline=None)
@given(st.binary(max_size=30) | st.text(alphabet='[]{}",:\\ue0d18n+-. ', max_size=30).map(str.encode))
def test_whatever_is_taken_the_standard_library_takes_too_and_nothing_else_is_raised(data: bytes) -> None:
    try:
        value = decode(data)
    except BadRequest:
        return
    assert value == json.loads(data)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "line 1, column 1 is not JSON."),
        (b" \n ", "line 2, column 2 is not JSON."),
        (b"{\n'a': 1}", "line 2, column 1 is not JSON."),
        (b'{"a":1', "line 1, column 7 is not JSON."),
        (b'{"a":1}{', "line 1, column 8 is not JSON."),
        (b"[1,}", "line 1, column 4 is not JSON."),
        (b"01", "line 1, column 2 is not JSON."),
        (b"nan", "line 1, column 1 is not JSON."),
        (b'"\x01"', "line 1, column 2 is not JSON."),
        (b'"\\x"', "line 1, column 2 is not JSON."),
        (b"NaN", "NaN is not a JSON number."),
        (b"[Infinity]", "Infinity is not a JSON number."),
        (b"[-Infinity]", "-Infinity is not a JSON number."),
        (b"1e999", "a number is too large."),
        (b"-1e999", "a number is too large."),
        (b"9" * 5000, "a number has more than 40 characters."),
        (b"0." + b"1" * 5000, "a number has more than 40 characters."),
        (b'{"a":1,"a":1}', "an object holds the same key twice."),
        (b'[{"b":{"a":1,"\\u0061":2}}]', "an object holds the same key twice."),
        (b'"\\ud83d"', "it holds half of a surrogate pair."),
        (b'"\\uDE00"', "it holds half of a surrogate pair."),
        (b'"\\ude00\\ud83d"', "it holds half of a surrogate pair."),
        (b'{"\\ud83d":1}', "it holds half of a surrogate pair."),
        (b"\xff", "byte 0 is not UTF-8."),
        (b'"\xed\xa0\xbd"', "byte 1 is not UTF-8."),
        (b'"\xc0\xaf"', "byte 1 is not UTF-8."),
        (b"\xef\xbb\xbf{}", "it begins with a byte order mark."),
        ("{}".encode("utf-16"), "byte 0 is not UTF-8."),
        ("{}".encode("utf-16-le"), "line 1, column 2 is not JSON."),
        ("{}".encode("utf-32-be"), "line 1, column 1 is not JSON."),
    ],
)
def test_what_is_not_json_is_refused_with_the_reason(data: bytes, why: str) -> None:
    assert refused(data) == why


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"null", None),
        (b" [1, 2.5, -0, 1E2] ", [1, 2.5, 0, 100.0]),
        (b'"\\ud83c\\udfc3"', "🏃"),
        (b'"\\\\ud83d"', "\\ud83d"),
        (b'{"a":{"a":{"a":1}}}', {"a": {"a": {"a": 1}}}),
        (b'"]]]]"', "]]]]"),
        (b"18446744073709551616", 2**64),
        (b"9" * MAX_NUMBER_CHARACTERS, int("9" * MAX_NUMBER_CHARACTERS)),
        (b"0.30000000000000004", 0.1 + 0.2),
    ],
)
def test_what_is_json_is_taken(data: bytes, value: Any) -> None:
    assert decode(data) == value


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"]":', b"}]")])
def test_depth_is_counted_in_arrays_and_objects_together(opening: bytes, closing: bytes) -> None:
    each = len(closing)
    deepest = MAX_DEPTH // each
    decode(opening * deepest + b"1" + closing * deepest)
    assert refused(opening * (deepest + 1) + b"1" + closing * (deepest + 1)) == "it nests deeper than 64 levels."


def test_brackets_in_strings_are_not_depth() -> None:
    text = "[" * 100 + '"{\\' * 100
    assert decode(json.dumps([text]).encode()) == [text]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"[" * 1_000_000, id="only openings"),
        pytest.param(b'{"a":' * 200_000, id="only objects"),
        pytest.param(b'"' * 1_000_001, id="only quotes"),
        pytest.param(b"[" * 100 + b'"' + b'\\"' * 500_000, id="a string of quotes without an end"),
        pytest.param(b"[" * 100 + b'"' + b"\\" * 1_000_001, id="a string of backslashes without an end"),
        pytest.param(b"[" * 100 + b'"\\"' * 300_000, id="strings with a quote each"),
        pytest.param(b"[" + b"9" * 1_000_000, id="a long number"),
    ],
)
def test_a_megabyte_made_to_hurt_is_refused_in_linear_time(data: bytes) -> None:
    started = time.process_time()
    refused(data)
    assert time.process_time() - started < 1.5, "CPU seconds; 0.15 is usual"
