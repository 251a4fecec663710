"""JSON as RFC 8259 and RFC 7493 (I-JSON) mean it, where the standard library takes more than that and crashes on less.

`json.loads` takes NaN, duplicate keys, UTF-16, a byte order mark and lone surrogates, and lets RecursionError out.
"""

from __future__ import annotations

import json
import math
import re
from itertools import accumulate
from typing import Any, NoReturn

from reelay.errors import BadRequest

MAX_DEPTH = 64
"""Nested arrays and objects. The deepest documented request has 8; the interpreter gives up near 1000."""

MAX_NUMBER_CHARACTERS = 40
"""Longer than any 64-bit integer (20) and any double written in full (25)."""

_STEPS = {"[": 1, "{": 1, "]": -1, "}": -1}
_NOT_BRACKETS = re.compile(r"[^\[\]{}]++")
_MAYBE_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def decode(data: bytes) -> Any:
    """The value of a JSON text.

    Raises BadRequest with code `invalid_json` for whatever is not one: no text, not UTF-8, a byte order mark, a syntax
    error (told by line and column), deeper than MAX_DEPTH, a number that is not finite or too long, the same key twice
    in an object, or half a surrogate pair.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refused(f"byte {error.start} is not UTF-8") from None
    if text.startswith("\ufeff"):
        raise _refused("it begins with a byte order mark")
    if depth(text) > MAX_DEPTH:
        raise _refused(f"it nests deeper than {MAX_DEPTH} levels")
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise _refused(f"line {error.lineno}, column {error.colno} is not JSON") from None
    if _MAYBE_SURROGATE.search(text) and not _is_text(value):
        raise _refused("it holds half of a surrogate pair")
    return value


def _refused(why: str) -> BadRequest:
    return BadRequest(f"The body cannot be read as JSON: {why}.", code="invalid_json")


def depth(text: str) -> int:
    """How deep the arrays and objects of a JSON text nest; 0 for any text that cannot nest deeper than MAX_DEPTH."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return 0
    if "\\" in text:  # outside of a string it is no JSON, and nothing after it is read
        text = text.replace("\\\\", "").replace('\\"', "")
    brackets = _NOT_BRACKETS.sub("", "".join(text.split('"')[::2]))
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0)


def _is_text(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise _refused("an object holds the same key twice")
    return value


def _integer(digits: str) -> int:
    _check_length(digits)
    return int(digits)


def _number(digits: str) -> float:
    _check_length(digits)
    value = float(digits)
    if not math.isfinite(value):
        raise _refused("a number is too large")
    return value


def _check_length(digits: str) -> None:
    if len(digits) > MAX_NUMBER_CHARACTERS:
        raise _refused(f"a number has more than {MAX_NUMBER_CHARACTERS} characters")


def _constant(name: str) -> NoReturn:
    raise _refused(f"{name} is not a JSON number")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_number, parse_constant=_constant
)
