"""Schemas are compiled with the components that they lead to, and mean the same as with all of them."""

from __future__ import annotations

from typing import Any

import pytest

from reelay.faults import Checker

NUMBER = {"type": "integer"}
COMPONENTS: dict[str, Any] = {
    "schemas": {
        "Number": NUMBER,
        "Holder": {"type": "object", "properties": {"n": {"$ref": "#/components/schemas/Number"}}},
        "Tree": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/Tree"}},
        "a/b": NUMBER,
        "$ref": NUMBER,
    },
    "others": {"Number": {"type": "string"}},
}


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"$ref": "#/components/schemas/Number"}, 1, "x"),
        ({"$ref": "#/components/schemas/Number", "minimum": 5}, 5, 4),
        ({"$ref": "#/components/others/Number"}, "x", 1),
        ({"properties": {"h": {"$ref": "#/components/schemas/Holder"}}}, {"h": {"n": 1}}, {"h": {"n": "x"}}),
        ({"items": {"anyOf": [{"$ref": "#/components/schemas/Tree"}, NUMBER]}}, [{"a": {}}, 1], [{"a": 1}]),
        ({"$ref": "#/components/schemas/Holder/properties/n"}, 1, "x"),
        ({"$ref": "#/components/schemas/a~1b"}, 1, "x"),
        ({"$ref": "#/components/schemas/$ref"}, 1, "x"),
        ({"$id": "https://here.example/s", "$ref": "https://here.example/s#/components/schemas/Number"}, 1, "x"),
        ({"properties": {"$ref": NUMBER}}, {"$ref": 1}, {"$ref": "x"}),
        ({"const": "#/components/schemas/Nobody", "description": "#/components/x"}, "#/components/schemas/Nobody", ""),
        ({"const": {"$ref": "#/components/schemas/Nobody"}}, {"$ref": "#/components/schemas/Nobody"}, {}),
    ],
)
def test_whatever_form_a_reference_has_it_means_what_it_says(schema: Any, good: Any, bad: Any) -> None:
    checker = Checker(schema, COMPONENTS)
    assert checker.faults(good) == []
    assert checker.faults(bad)
