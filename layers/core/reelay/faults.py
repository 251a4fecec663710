"""Where a value breaks a schema, in words for the person who sent it.

A fault names the place (`messages[0].role`), the rule and, where that can hold nothing but a small constant, what came.
Text, links and whatever else may be content are only ever measured, never repeated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jsonschema_rs

MAX_FAULTS = 5
"""Faults told at once: a person mends a few at a time."""

MAX_SHOWN_CHARACTERS = 32
"""A value is repeated up to this length: room for every enum member and number, too little for a key or a prompt."""

SAMPLE_ITEMS = 32
SAMPLE_NODES = 4096
"""Looking for all faults is done on the first items of each array, and only when at most so many values remain: the
validator makes every error there is before it gives the first, and a hostile body holds a million. No `minItems` may be
greater."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ARTICLES = {"array": "an array", "object": "an object", "integer": "an integer", "null": "null"}
_FREE_TYPES = {"string", "array", "object"}
_SHOWN = {"enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
_REFERENCES = ("$ref", "$dynamicRef", "$id")
_COMPONENT = re.compile(r"#/components/(?P<kind>\w+)/(?P<name>[\w.-]+)", re.ASCII)
_COUNTED = {"minItems", "maxItems", "minProperties", "maxProperties", "minLength", "maxLength"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule broken in one place; `place` is "" for the value as a whole, `got` "" where there is nothing to say."""

    place: str
    rule: str
    got: str = ""

    def within(self, place: str) -> Fault:
        """The same fault of a value that itself is found at `place`."""
        return replace(self, place=place + (self.place if self.place[:1] in ("", "[") else f".{self.place}"))

    def __str__(self) -> str:
        got = f", got {self.got}" if self.got else ""
        return f"{self.place or 'the body'}: {self.rule}{got}"


class Checker:
    """A compiled JSON Schema (2020-12) whose `$ref`s point into `components`."""

    def __init__(self, schema: Mapping[str, Any], components: Mapping[str, Any]) -> None:
        self._schema = {**schema, "components": _reached(schema, components)}
        self._validator = jsonschema_rs.Draft202012Validator(
            self._schema,
            validate_formats=True,
            offline=True,
            mask="[value]",
            pattern_options=jsonschema_rs.RegexOptions(),
        )

    def faults(self, value: Any) -> list[Fault]:
        """At most MAX_FAULTS faults, one a place; none: the value conforms."""
        try:
            self._validator.validate(value)
        except jsonschema_rs.ValidationError as first:
            errors = [first, *self._more(value)]
        except ValueError:
            return [Fault("", "nests deeper than can be checked")]
        else:
            return []
        by_place: dict[str, Fault] = {}
        for error in errors:
            for fault in self._told(error, value):
                by_place.setdefault(fault.place, fault)
        return [*by_place.values()][:MAX_FAULTS]

    def _more(self, value: Any) -> list[jsonschema_rs.ValidationError]:
        try:
            return list(self._validator.iter_errors(_sampled(value, iter(range(SAMPLE_NODES)))))
        except (ValueError, RecursionError):
            return []

    def _told(self, error: jsonschema_rs.ValidationError, value: Any) -> list[Fault]:
        rule, limit, path = error.kind.name, error.kind.value, error.instance_path
        if rule == "required":
            return [Fault(_place(value, [*path, limit]), "required, but missing")]
        if rule == "additionalProperties":
            return [Fault(_place(value, [*path, name]), "not expected here") for name in limit[:MAX_FAULTS]]
        place = _place(value, path)
        if rule == "propertyNames":
            return [Fault(place, f"a key: {_expected(limit.kind.name, limit.kind.value)}")]
        if rule == "pattern":
            return [Fault(place, f"expected {self._title(error) or 'the form that openapi.yaml documents'}")]
        return [Fault(place, _expected(rule, limit), _got(rule, limit, error.instance))]

    def _title(self, error: jsonschema_rs.ValidationError) -> str | None:
        """What the schema that was broken calls its value; people do not read patterns."""
        schema: Any = self._schema
        for step in error.schema_path[:-1]:
            schema = schema[step]
        title = schema.get("title")
        return title if isinstance(title, str) else None


def _reached(schema: Mapping[str, Any], components: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Those of the components that the schema's references lead to, all of them where one is of another form than
    `#/components/kind/name`. With the whole document each schema takes a millisecond to compile; a first answer needs
    seven."""
    found: dict[str, dict[str, Any]] = {}
    nodes: list[Any] = [dict(schema)]
    while nodes:
        node = nodes.pop()
        if isinstance(node, list):
            nodes += node
        if not isinstance(node, dict):
            continue
        nodes += node.values()
        for ref in [node[keyword] for keyword in _REFERENCES if isinstance(node.get(keyword), str)]:
            plain = _COMPONENT.fullmatch(ref)
            if plain is None or plain["name"] not in components.get(plain["kind"], {}):
                return dict(components)
            kind, name = plain["kind"], plain["name"]
            if name not in found.setdefault(kind, {}):
                found[kind][name] = components[kind][name]
                nodes.append(components[kind][name])
    return found


def wrong_type(type_: str, value: object) -> Fault:
    """The fault of a parameter's text that is not of the type the contract gives it."""
    return Fault("", _expected("type", [type_]), _shown(value))


class _TooMany(ValueError):
    """The sample would be too large to look for all faults in it."""


def _sampled(value: Any, room: Iterator[int]) -> Any:
    if next(room, None) is None:
        raise _TooMany
    if isinstance(value, list):
        return [_sampled(item, room) for item in value[:SAMPLE_ITEMS]]
    if isinstance(value, dict):
        return {name: _sampled(item, room) for name, item in value.items()}
    return value


def _place(value: Any, path: Sequence[str | int]) -> str:
    """`path` in `value` as a person writes it. The validator gives keys that look like numbers as numbers."""
    place = ""
    for step in path:
        if isinstance(value, list) and isinstance(step, int):
            place += f"[{step}]"
            value = value[step]
            continue
        name = str(step)
        place += f".{name}" if _NAME.fullmatch(name) else f"[a key of {_count(len(name), 'character')}]"
        value = value.get(name) if isinstance(value, dict) else None
    return place.removeprefix(".")


def _expected(rule: str, limit: Any) -> str:
    words = _RULES.get(rule)
    return words(limit) if words else f"does not conform to openapi.yaml ({rule})"


def _got(rule: str, limit: Any, value: Any) -> str:
    if rule in _COUNTED:
        return str(len(value))
    if rule in _SHOWN or (rule == "type" and _FREE_TYPES.isdisjoint(limit)):
        return _shown(value)
    return _kind(value)


def _shown(value: object) -> str:
    """The value itself when it is short, on one line and made of characters that are what they look like."""
    if isinstance(value, list | dict):
        return _kind(value)
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN_CHARACTERS and text.isprintable() else _kind(value)


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case str():
            return f"a string of {_count(len(value), 'character')}"
        case list():
            return "an array"
        case dict():
            return "an object"
    return "a number"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _typed(types: list[str]) -> str:
    return "expected " + " or ".join(
        sorted((_ARTICLES.get(each, f"a {each}") for each in types), key=lambda word: word == "null")
    )


def _one_of(options: list[Any]) -> str:
    words = ", ".join(json.dumps(option, ensure_ascii=False) for option in options)
    return f"expected {words}" if len(options) == 1 else f"expected one of {words}"


_RULES: dict[str, Callable[[Any], str]] = {
    "type": _typed,
    "enum": _one_of,
    "const": lambda value: _one_of([value]),
    "minimum": lambda limit: f"expected at least {limit}",
    "maximum": lambda limit: f"expected at most {limit}",
    "minItems": lambda limit: f"expected at least {_count(limit, 'item')}",
    "maxItems": lambda limit: f"expected at most {_count(limit, 'item')}",
    "minProperties": lambda limit: f"expected at least {_count(limit, 'key')}",
    "maxProperties": lambda limit: f"expected at most {_count(limit, 'key')}",
    "minLength": lambda limit: f"expected at least {_count(limit, 'character')}",
    "maxLength": lambda limit: f"expected at most {_count(limit, 'character')}",
}
