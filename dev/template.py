"""template.yaml as plain values: what the local stack and the drift tests need to know of the cloud's description.

Knows the part of CloudFormation and SAM that says which routes exist and how each function starts. Parameters count
with their defaults. What only AWS can tell (the name of a bucket, the ARN of a queue) is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FUNCTION_TIMEOUT_SECONDS = 3
FUNCTION_MEMORY_MB = 128
"""What Lambda takes where a template says nothing (AWS::Lambda::Function, Timeout and MemorySize)."""

ROUTE_TIMEOUT_SECONDS = 29.0
"""API Gateway's integration time-out where a route says nothing (TimeoutInMillis)."""

REGION, ACCOUNT = "us-east-1", "123456789012"
"""Where and whose everything is, locally; the account is the one AWS writes its examples with."""

_PSEUDO = {
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::StackName": "local",
    "AWS::URLSuffix": "amazonaws.com",
}
_PLACE = re.compile(r"\$\{([^!][^}]*)\}")
_ONLY_AWS_KNOWS = object()


@dataclass(frozen=True, slots=True)
class Function:
    """How a function starts. `name` is its logical id, `layers` the folders that Python imports from, `timeout` is in
    seconds, `memory` in MB; `environment` holds the variables whose values are known without AWS."""

    name: str
    handler: str
    code: Path
    layers: tuple[Path, ...]
    timeout: int
    memory: int
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Route:
    """A method and path of the REST API. `method` is upper-case or ANY, `path` as API Gateway writes it (`{id}`,
    `{proxy+}`), `function` a logical id; `streams` says that answers pass while they are made; `timeout` is in
    seconds."""

    method: str
    path: str
    function: str
    streams: bool
    timeout: float


@dataclass(frozen=True, slots=True)
class GatewayResponse:
    """What API Gateway answers by itself for one kind of error: header values as the template writes them, bodies by
    media type. `status` is None where the error keeps its own."""

    status: int | None
    headers: Mapping[str, str]
    bodies: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Template:
    """A whole description. `responses` goes by API Gateway's names (MISSING_AUTHENTICATION_TOKEN, DEFAULT_5XX …)."""

    functions: Mapping[str, Function]
    routes: tuple[Route, ...]
    responses: Mapping[str, GatewayResponse]
    binary_media_types: frozenset[str]


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


def read(path: Path) -> Template:
    """What `path` describes; folders are absolute. Raises as `load`, and KeyError where a function lacks its code."""
    document = load(path)
    resolver = _Resolver(document)
    reader = _Reader(path.resolve().parent, document, resolver)
    apis = [reader.with_globals("Api", api) for _, api in reader.resources("AWS::Serverless::Api")]
    functions = list(reader.resources("AWS::Serverless::Function"))
    return Template(
        functions={name: reader.function(name, properties) for name, properties in functions},
        routes=tuple(route for name, properties in functions for route in reader.routes(name, properties)),
        responses={kind: _response(raw) for api in apis for kind, raw in api.get("GatewayResponses", {}).items()},
        binary_media_types=frozenset(
            media.replace("~1", "/") for api in apis for media in api.get("BinaryMediaTypes", [])
        ),
    )


class _Reader:
    """Takes resources apart, with the Globals section laid under them."""

    def __init__(self, folder: Path, document: Mapping[str, Any], resolver: _Resolver) -> None:
        self._folder = folder
        self._document = document
        self._resolver = resolver

    def resources(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Logical ids and raw properties of the resources that exist under the default parameters."""
        for name, resource in self._document.get("Resources", {}).items():
            if resource["Type"] == kind and self._resolver.holds(resource.get("Condition")):
                yield name, resource.get("Properties", {})

    def with_globals(self, section: str, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Properties over the globals of their kind, resolved."""
        merged = _laid_over(self._document.get("Globals", {}).get(section, {}), properties)
        resolved = self._resolver.resolve(merged)
        return resolved if isinstance(resolved, dict) else {}

    def function(self, name: str, properties: Mapping[str, Any]) -> Function:
        merged = self.with_globals("Function", properties)
        variables = merged.get("Environment", {}).get("Variables", {})
        return Function(
            name=name,
            handler=merged["Handler"],
            code=self._folder / merged["CodeUri"],
            layers=tuple(self._layers(properties)),
            timeout=int(merged.get("Timeout", FUNCTION_TIMEOUT_SECONDS)),
            memory=int(merged.get("MemorySize", FUNCTION_MEMORY_MB)),
            environment={variable: _text(value) for variable, value in variables.items()},
        )

    def routes(self, function: str, properties: Mapping[str, Any]) -> Iterator[Route]:
        for event in properties.get("Events", {}).values():
            if event["Type"] != "Api":
                continue
            route = self._resolver.resolve(event["Properties"])
            milliseconds = route.get("TimeoutInMillis", ROUTE_TIMEOUT_SECONDS * 1000)
            yield Route(
                method=route["Method"].upper(),
                path=route["Path"],
                function=function,
                streams=route.get("ResponseTransferMode") == "RESPONSE_STREAM",
                timeout=float(milliseconds) / 1000,
            )

    def _layers(self, properties: Mapping[str, Any]) -> Iterator[Path]:
        """Folders of the layers that this template makes: sources as they lie, a built layer's `python` folder."""
        made = dict(self.resources("AWS::Serverless::LayerVersion"))
        shared = self._document.get("Globals", {}).get("Function", {}).get("Layers", [])
        for layer in [*shared, *properties.get("Layers", [])]:
            name = layer.get("Ref") if isinstance(layer, dict) else None
            if name in made:
                content = self._folder / self._resolver.resolve(made[name])["ContentUri"]
                yield content / "python" if (content / "python").is_dir() else content


class _Resolver:
    """Replaces intrinsic functions by their values, and drops what only AWS knows."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        defaults = {name: parameter.get("Default") for name, parameter in document.get("Parameters", {}).items()}
        self._values = _PSEUDO | {name: value for name, value in defaults.items() if value is not None}
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
            case "Ref":
                return self._values.get(argument, _ONLY_AWS_KNOWS)
            case "Fn::If":
                condition, then, otherwise = argument
                return self.resolve(then if self.holds(condition) else otherwise)
            case "Fn::Sub":
                return self._sub(*argument) if isinstance(argument, list) else self._sub(argument, {})
            case "Fn::Join":
                separator, parts = argument
                resolved = self.resolve(parts)
                return separator.join(map(_text, resolved)) if len(resolved) == len(parts) else _ONLY_AWS_KNOWS
            case _:
                return _ONLY_AWS_KNOWS

    def _sub(self, text: str, more: Mapping[str, Any]) -> Any:
        values = self._values | self.resolve(more)
        if any(place not in values for place in _PLACE.findall(text)):
            return _ONLY_AWS_KNOWS
        return _PLACE.sub(lambda place: _text(values[place[1]]), text).replace("${!", "${")

    def _truth(self, test: Any) -> Any:
        (name, argument) = next(iter(test.items()))
        match name:
            case "Fn::Equals":
                left, right = self.resolve(argument)
                return _text(left) == _text(right)
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


def _laid_over(below: Any, above: Any) -> Any:
    """SAM's rule for Globals: mappings are merged, lists of a resource come after the shared ones, the rest replaces."""
    if isinstance(below, dict) and isinstance(above, dict):
        both = {name: _laid_over(below[name], above[name]) for name in below.keys() & above.keys()}
        return below | above | both
    if isinstance(below, list) and isinstance(above, list):
        return below + above
    return above


def _response(raw: Mapping[str, Any]) -> GatewayResponse:
    return GatewayResponse(
        status=int(raw["StatusCode"]) if "StatusCode" in raw else None,
        headers=raw.get("ResponseParameters", {}).get("Headers", {}),
        bodies=raw.get("ResponseTemplates", {}),
    )


def _text(value: Any) -> str:
    """A value as CloudFormation hands it to a function."""
    return str(value).lower() if isinstance(value, bool) else str(value)
