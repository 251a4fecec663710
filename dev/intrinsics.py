"""CloudFormation's YAML and its intrinsic functions: short tags in, plain values out.

Parameters count with their defaults. What only AWS can tell (the name of a bucket, the ARN of a queue) is dropped,
unless the reader is given names for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

REGION, ACCOUNT = "us-east-1", "123456789012"
"""Where and whose everything is, locally; the account is the one AWS writes its examples with."""

_PSEUDO = {
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::StackName": "local",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/local/00000000-0000-4000-8000-000000000000",
}
_PLACE = re.compile(r"\$\{([^!][^}]*)\}")
_ONLY_AWS_KNOWS = object()


class _Loader(yaml.SafeLoader):
    """Plain YAML, CloudFormation's short tags in their long form, and dates left alone: they are version names."""


def _long_form(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]  # the third and last kind of node
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


_Loader.add_multi_constructor("!", _long_form)
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load(path: Path) -> dict[str, Any]:
    """The document as it stands, `!Ref x` as `{"Ref": "x"}` and `!Sub x` as `{"Fn::Sub": "x"}`.

    Raises OSError, yaml.YAMLError, or ValueError when it is not a mapping.
    """
    # A SafeLoader: it makes plain values only.
    document = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - see above
    if not isinstance(document, dict):
        raise ValueError(f"{path.name}: expected a mapping, got {type(document).__name__}")
    return document


class Resolver:
    """Replaces intrinsic functions by their values, and drops what only AWS knows.

    `names` says what `!Ref x` stands for under `x` and what `!GetAtt x.y` stands for under `x.y`; it goes before the
    defaults of parameters.
    """

    def __init__(self, document: Mapping[str, Any], names: Mapping[str, str] | None = None) -> None:
        defaults = {name: parameter.get("Default") for name, parameter in document.get("Parameters", {}).items()}
        known = {name: value for name, value in defaults.items() if value is not None}
        self._values: dict[str, Any] = _PSEUDO | known | dict(names or {})
        self._conditions = document.get("Conditions", {})

    def resolve(self, value: Any) -> Any:
        """The value, free of intrinsic functions; items and entries that only AWS knows are gone."""
        if isinstance(value, list):
            return [known for item in value if (known := self.resolve(item)) is not _ONLY_AWS_KNOWS]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (name, argument) = next(iter(value.items()))
            if name == "Ref" or name.startswith("Fn::"):
                return self._apply(name, argument)
        resolved = {name: self.resolve(item) for name, item in value.items()}
        return {name: item for name, item in resolved.items() if item is not _ONLY_AWS_KNOWS}

    def holds(self, condition: str | None) -> bool:
        """Whether the named condition is true; no condition always is."""
        return condition is None or bool(self._truth(self._conditions[condition]))

    def _apply(self, name: str, argument: Any) -> Any:
        match name:
            case "Ref" | "Fn::GetAtt":
                return self._values.get(argument if name == "Ref" else ".".join(argument), _ONLY_AWS_KNOWS)
            case "Fn::If":
                condition, then, otherwise = argument
                return self.resolve(then if self.holds(condition) else otherwise)
            case "Fn::Sub":
                return self._sub(*argument) if isinstance(argument, list) else self._sub(argument, {})
            case "Fn::Join":
                separator, parts = argument
                resolved = self.resolve(parts)
                return separator.join(map(text, resolved)) if len(resolved) == len(parts) else _ONLY_AWS_KNOWS
            case "Fn::Select" | "Fn::Split":
                return self._select(*argument) if name == "Fn::Select" else self._split(*argument)
            case _:
                return _ONLY_AWS_KNOWS

    def _select(self, index: Any, items: Any) -> Any:
        if isinstance(items, list):
            return self.resolve(items[int(index)])  # picked first: what only AWS knows would leave no gap behind
        resolved = self.resolve(items)
        return resolved[int(index)] if isinstance(resolved, list) else _ONLY_AWS_KNOWS

    def _split(self, separator: str, whole: Any) -> Any:
        resolved = self.resolve(whole)
        return text(resolved).split(separator) if resolved is not _ONLY_AWS_KNOWS else _ONLY_AWS_KNOWS

    def _sub(self, pattern: str, more: Mapping[str, Any]) -> Any:
        values = self._values | self.resolve(more)
        if any(place not in values for place in _PLACE.findall(pattern)):
            return _ONLY_AWS_KNOWS
        return _PLACE.sub(lambda place: text(values[place[1]]), pattern).replace("${!", "${")

    def _truth(self, test: Any) -> Any:
        (name, argument) = next(iter(test.items()))
        match name:
            case "Fn::Equals":
                left, right = self.resolve(argument)
                return text(left) == text(right)
            case "Fn::Not":
                return not self._truth(argument[0])
            case "Fn::And":
                return all(self._truth(item) for item in argument)
            case "Fn::Or":
                return any(self._truth(item) for item in argument)
            case "Condition":
                return self.holds(argument)
            case _:
                raise ValueError(f"template: {name} cannot be decided without AWS")


def text(value: Any) -> str:
    """A value as CloudFormation hands it to a function."""
    return str(value).lower() if isinstance(value, bool) else str(value)
