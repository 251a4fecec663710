"""Values that conform to a JSON Schema, made from the schema itself, so that a looser rule is tried at once.

Knows the keywords that upstream.yaml uses, and raises on any other. Objects also get fields that the schema does not
name: those of nobody, and those that OpenAI documents and upstream.yaml leaves open, with anything in them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

Schema = Mapping[str, Any]

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
LARGEST_INTEGER = 2**60
"""Where the schema names no maximum."""

_IGNORED = {"x-source", "title", "description", "required", "minItems", "minLength"}
_BY_TYPE = {"properties", "items", "pattern", "minimum", "maximum"}


class Maker:
    """Makes strategies from the schemas of one document; `others` are names, which none of them has, of fields that
    objects may hold besides."""

    def __init__(self, schemas: Mapping[str, Schema], others: Sequence[str]) -> None:
        self._schemas = schemas
        self._others = others
        self._made: dict[str, st.SearchStrategy[Any]] = {}

    def named(self, name: str) -> st.SearchStrategy[Any]:
        """Values of the schema with that name."""
        if name not in self._made:
            self._made[name] = self._of(self._schemas[name])
        return self._made[name]

    def _of(self, schema: Schema) -> st.SearchStrategy[Any]:
        if "$ref" in schema:
            return self.named(schema["$ref"].rpartition("/")[2])
        if "if" in schema:
            return st.one_of(self._of(_where(schema)), self._of(_where_not(schema)))
        unknown = set(schema) - _IGNORED - _BY_TYPE - {"type", "enum"}
        if unknown:
            raise NotImplementedError(sorted(unknown))
        if "enum" in schema:
            return st.sampled_from(schema["enum"])
        types = schema.get("type", [])
        return st.one_of([self._typed(each, schema) for each in ([types] if isinstance(types, str) else types)])

    def _typed(self, type_: str, schema: Schema) -> st.SearchStrategy[Any]:
        match type_:
            case "null":
                return st.none()
            case "boolean":
                return st.booleans()
            case "integer":
                return st.integers(schema.get("minimum", -LARGEST_INTEGER), schema.get("maximum", LARGEST_INTEGER))
            case "string":
                made = st.from_regex(schema["pattern"], fullmatch=True) if "pattern" in schema else st.text(max_size=12)
                return made.filter(lambda text: len(text) >= schema.get("minLength", 0))
            case "array":
                return st.lists(self._of(schema["items"]), min_size=schema.get("minItems", 0), max_size=3)
            case "object":
                return self._object(schema)
        raise NotImplementedError(type_)

    def _object(self, schema: Schema) -> st.SearchStrategy[Any]:
        named = {name: self._of(rule) for name, rule in schema.get("properties", {}).items()}
        required = schema.get("required", [])
        others = st.dictionaries(st.sampled_from(["x_vendor", *self._others]), JSON, max_size=2)
        own = st.fixed_dictionaries(
            {name: named[name] for name in required},
            optional={name: made for name, made in named.items() if name not in required},
        )
        return st.builds(lambda more, ours: {**more, **ours}, others, own)


def _where(schema: Schema) -> Schema:
    """The schema for values that its `if` holds for; an `if` is a list of required fields here."""
    condition, then = schema["if"]["required"], schema.get("then", {})
    required = [*schema.get("required", []), *condition, *then.get("required", [])]
    properties = {**schema["properties"], **then.get("properties", {})}
    return {**_without_if(schema), "required": required, "properties": properties}


def _where_not(schema: Schema) -> Schema:
    """The schema for the other values."""
    absent, otherwise = schema["if"]["required"], schema.get("else", {})
    required = [*schema.get("required", []), *otherwise.get("required", [])]
    properties = {**schema["properties"], **otherwise.get("properties", {})}
    kept = {name: rule for name, rule in properties.items() if name not in absent}
    return {**_without_if(schema), "required": required, "properties": kept}


def _without_if(schema: Schema) -> dict[str, Any]:
    return {name: rule for name, rule in schema.items() if name not in ("if", "then", "else")}
