"""Every rule of the request's schema, each broken once in a request that is right but for it.

The walk goes through a schema and a value that conforms to it side by side, so a rule that only counts for some values
(`if`, `then`) is met where they are. `errors.golden.md` is what Reelay says to each.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs

from reelay.contract import Contract
from reelay.errors import BadRequest
from tests.contract.rich import OTHERS, RICH

GOLDEN = Path(__file__).with_name("errors.golden.md")
REQUEST = "ChatCompletionRequest"
KINDS: tuple[tuple[str, Any], ...] = (
    ("array", [[]]), ("string", "robot"), ("object", {}), ("integer", 5), ("boolean", True), ("null", None),
)  # fmt: skip
ROBOT = "robot"


@dataclass(frozen=True)
class Rule:
    """Where it stands, by the names of the schema, and the request that breaks it alone."""

    where: str
    broken: Any


def rules() -> Iterator[Rule]:
    """Each rule that the requests above meet, once."""
    schemas, seen = _schemas(), set[str]()
    for body in (RICH, *(RICH | other for other in OTHERS)):
        for rule in _Walk(schemas, body).of(REQUEST, schemas[REQUEST], ()):
            if rule.where not in seen:
                seen.add(rule.where)
                yield rule


def written() -> set[str]:
    """Every rule that stands in the schema, by the same names."""
    schemas, found = _schemas(), set[str]()
    _gather(schemas, REQUEST, schemas[REQUEST], found)
    return found


def _schemas() -> Any:
    return json.loads((Path(__file__).parents[2] / "layers/core/reelay/openapi.json").read_bytes())["components"][
        "schemas"
    ]


def _gather(schemas: Any, name: str, schema: Any, found: set[str]) -> None:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if not any(each.startswith((f"{name}:", f"{name}.")) for each in found):
            _gather(schemas, name, schemas[name], found)
        return
    found |= {f"{name}: required {key}" for key in schema.get("required", ())}
    found |= {f"{name}: {keyword}" for keyword in schema.keys() & {"type", "enum", "const", *_BREAKS}}
    for key, inner in schema.get("properties", {}).items():
        _gather(schemas, f"{name}.{key}", inner, found)
    for at, part in enumerate(schema.get("allOf", ())):
        _gather(schemas, f"{name} ({at})", part, found)
    for suffix, keyword in ((".*", "additionalProperties"), ("[]", "items"), (", then", "then")):
        if isinstance(schema.get(keyword), dict):
            _gather(schemas, f"{name}{suffix}", schema[keyword], found)


def golden(contract: Contract) -> str:
    """The file: what is broken, and what is said."""
    lines = [f"- {rule.where}\n  `{message(contract, rule.broken)}`" for rule in rules()]
    several = RICH | {"model": 5, "n": 0, "temperature": 3, "messages": [{"role": "robot"}]}
    head = "# What Reelay says to each rule of a chat completion's request that is broken\n\nMade by `make docs`.\n"
    return "\n".join([head, *lines, "", "Several at once:", "", f"- `{message(contract, several)}`", ""])


def message(contract: Contract, body: Any) -> str:
    """What Reelay says to a request that is broken. Raises AssertionError where it finds nothing wrong."""
    try:
        contract.read_event(json.dumps(body).encode())
    except BadRequest as refused:
        return refused.message
    raise AssertionError("nobody minds")


class _Walk:
    def __init__(self, schemas: Mapping[str, Any], body: Any) -> None:
        self._schemas = schemas
        self._body = json.loads(json.dumps(body))  # so that no two places are one object

    def of(self, name: str, schema: Any, place: tuple[Any, ...]) -> Iterator[Rule]:
        """The rules of a schema for the value at a place of the request."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            yield from self.of(name, self._schemas[name], place)
            return
        value = self._at(place)
        for keyword, limit in schema.items():
            for detail, broken in _broken(keyword, limit, value):
                yield Rule(f"{name}: {keyword}{detail}", self._with(place, broken))
        yield from self._inside(name, schema, value, place)

    def _inside(self, name: str, schema: Any, value: Any, place: tuple[Any, ...]) -> Iterator[Rule]:
        for suffix, inner, step in _parts(schema, value):
            yield from self.of(f"{name}{suffix}", inner, (*place, step))
        for at, part in enumerate(schema.get("allOf", ())):
            yield from self.of(f"{name} ({at})", part, place)
        if "if" in schema and self._conforms(schema["if"], value):
            yield from self.of(f"{name}, then", schema.get("then", {}), place)

    def _conforms(self, schema: Any, value: Any) -> bool:
        whole = {**schema, "components": {"schemas": self._schemas}}
        return bool(jsonschema_rs.Draft202012Validator(whole).is_valid(value))

    def _at(self, place: tuple[Any, ...]) -> Any:
        value = self._body
        for step in place:
            value = value[step]
        return value

    def _with(self, place: tuple[Any, ...], broken: Any) -> Any:
        if not place:
            return broken
        body = copy.deepcopy(self._body)
        holder = body
        for step in place[:-1]:
            holder = holder[step]
        holder[place[-1]] = broken
        return body


def _parts(schema: Any, value: Any) -> Iterator[tuple[str, Any, Any]]:
    """The schemas of what a value is made of: what to call each, and the step that leads there."""
    named = schema.get("properties", {})
    if isinstance(value, dict):
        yield from ((f".{key}", inner, key) for key, inner in named.items() if key in value)
        if isinstance(schema.get("additionalProperties"), dict):
            yield from ((".*", schema["additionalProperties"], key) for key in value.keys() - named.keys())
    if isinstance(value, list) and "items" in schema:
        yield from (("[]", schema["items"], at) for at in range(len(value)))


def _broken(keyword: str, limit: Any, value: Any) -> Iterator[tuple[str, Any]]:
    """The values that break one keyword, each with what tells it from the others."""
    if keyword == "required" and isinstance(value, dict):
        for key in limit:
            yield f" {key}", {name: each for name, each in value.items() if name != key}
    elif keyword in _BREAKS:
        breaks, fits = _BREAKS[keyword]
        if isinstance(value, fits) and not isinstance(value, bool):
            yield "", breaks(limit, value)
    elif keyword == "type":
        kinds = [limit] if isinstance(limit, str) else limit
        yield (
            "",
            next(each for kind, each in KINDS if kind not in kinds and not ("number" in kinds and kind == "integer")),
        )
    elif keyword in ("enum", "const"):
        yield "", ROBOT
    elif keyword == "additionalProperties" and limit is False:
        yield "", {**value, ROBOT: 1}


_BREAKS: dict[str, tuple[Callable[[Any, Any], Any], type | tuple[type, ...]]] = {
    "minimum": (lambda limit, _: limit - 1, (int, float)),
    "maximum": (lambda limit, _: limit + 1, (int, float)),
    "minLength": (lambda _, __: "", str),
    "maxLength": (lambda limit, _: "x" * (limit + 1), str),
    "minItems": (lambda _, __: [], list),
    "maxItems": (lambda limit, value: [value[0]] * (limit + 1), list),
    "maxProperties": (lambda limit, _: {f"k{at}": "v" for at in range(limit + 1)}, dict),
    "pattern": (lambda _, __: "\n", str),
}


if __name__ == "__main__":
    GOLDEN.write_text(golden(Contract.load()))
