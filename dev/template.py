"""template.yaml as plain values: what the local stack and the drift tests need to know of the cloud's description.

Knows the part of CloudFormation and SAM that says which routes exist and how each function starts. Parameters count
with their defaults. What only AWS can tell (the name of a bucket, the ARN of a queue) is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev.intrinsics import Resolver, load, text

FUNCTION_TIMEOUT_SECONDS = 3
FUNCTION_MEMORY_MB = 128
"""What Lambda takes where a template says nothing (AWS::Lambda::Function, Timeout and MemorySize)."""

ROUTE_TIMEOUT_SECONDS = 29.0
"""API Gateway's integration time-out where a route says nothing (TimeoutInMillis)."""


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


def read(path: Path) -> Template:
    """What `path` describes; folders are absolute. Raises as `load`, and KeyError where a function lacks its code."""
    document = load(path)
    resolver = Resolver(document)
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

    def __init__(self, folder: Path, document: Mapping[str, Any], resolver: Resolver) -> None:
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
            environment={variable: text(value) for variable, value in variables.items()},
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


def _laid_over(below: Any, above: Any) -> Any:
    """SAM's rule for Globals: mappings are merged, lists come after the shared ones, whatever else replaces."""
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
