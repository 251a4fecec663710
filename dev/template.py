"""template.yaml as plain values: what the local stack and the drift tests need to know of the cloud's description.

Knows the part of CloudFormation and SAM that says which routes exist, how each function starts, and what is around it.
Parameters count with their defaults. What only AWS can tell (the name of a bucket, the ARN of a queue) is left out,
unless the template is read for a place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev import surroundings
from dev.intrinsics import load, text
from dev.place import Place
from dev.resources import Resources, referred
from dev.surroundings import Surroundings

FUNCTION_TIMEOUT_SECONDS = 3
FUNCTION_MEMORY_MB = 128
"""What Lambda takes where a template says nothing (AWS::Lambda::Function, Timeout and MemorySize)."""

ROUTE_TIMEOUT_SECONDS = 29.0
"""API Gateway's integration time-out where a route says nothing (TimeoutInMillis)."""

REAUTHORIZE_SECONDS = 300.0
"""How long an authorizer's answer counts where a template says nothing (SAM, ReauthorizeEvery)."""


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
class Authorizer:
    """A function that is asked whether a call may pass (a TOKEN authorizer): `function` is a logical id, `header` holds
    the token, all of which has to match `expression` (None: anything does), and an answer counts for `seconds`."""

    function: str
    header: str
    expression: str | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Route:
    """A method and path of the REST API. `method` is upper-case or ANY, `path` as API Gateway writes it (`{id}`,
    `{proxy+}`), `function` a logical id; `streams` says that answers pass while they are made; `timeout` is in
    seconds. `authorizer` is None where nobody is asked; `key_from` says who names the API key (AUTHORIZER or HEADER),
    and is None where none is required."""

    method: str
    path: str
    function: str
    streams: bool
    timeout: float
    authorizer: Authorizer | None = None
    key_from: str | None = None


@dataclass(frozen=True, slots=True)
class GatewayResponse:
    """What API Gateway answers by itself for one kind of error: header values as the template writes them, bodies by
    media type. `status` is None where the error keeps its own."""

    status: int | None
    headers: Mapping[str, str]
    bodies: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Template:
    """A whole description. `responses` goes by API Gateway's names (MISSING_AUTHENTICATION_TOKEN, DEFAULT_5XX …);
    `keys` are the API keys that are enabled and on a usage plan of a stage; `around` is empty where the template was
    read for no place."""

    functions: Mapping[str, Function]
    routes: tuple[Route, ...]
    responses: Mapping[str, GatewayResponse]
    binary_media_types: frozenset[str]
    keys: frozenset[str]
    around: Surroundings


def read(path: Path, place: Place | None = None) -> Template:
    """What `path` describes; folders are absolute.

    Raises as `load`, KeyError where a function lacks its code, and ValueError as `surroundings.read` and for a route
    that is guarded by something else than a TOKEN authorizer of the template's.
    """
    resources = Resources(load(path), place)
    reader = _Functions(path.resolve().parent, resources)
    apis = [resources.with_globals("Api", api) for _, api in resources.raw("AWS::Serverless::Api")]
    functions = list(resources.raw("AWS::Serverless::Function"))
    return Template(
        functions={name: reader.function(name, properties) for name, properties in functions},
        routes=tuple(route for name, properties in functions for route in reader.routes(name, properties)),
        responses={kind: _response(raw) for api in apis for kind, raw in api.get("GatewayResponses", {}).items()},
        binary_media_types=frozenset(
            media.replace("~1", "/") for api in apis for media in api.get("BinaryMediaTypes", [])
        ),
        keys=frozenset(_keys(resources)),
        around=surroundings.read(resources) if place else Surroundings(),
    )


class _Functions:
    """Takes functions apart, with the Globals section laid under them."""

    def __init__(self, folder: Path, resources: Resources) -> None:
        self._folder = folder
        self._resources = resources

    def function(self, name: str, properties: Mapping[str, Any]) -> Function:
        merged = self._resources.with_globals("Function", properties)
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
            route = self._resources.values(event["Properties"])
            milliseconds = route.get("TimeoutInMillis", ROUTE_TIMEOUT_SECONDS * 1000)
            api, own = self._api(event["Properties"]), route.get("Auth", {})
            yield Route(
                method=route["Method"].upper(),
                path=route["Path"],
                function=function,
                streams=route.get("ResponseTransferMode") == "RESPONSE_STREAM",
                timeout=float(milliseconds) / 1000,
                authorizer=self._authorizer(api, own),
                key_from=self._key_from(api, own),
            )

    def _api(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The API of an event, as it stands; SAM's implicit one is what the globals say."""
        apis = dict(self._resources.raw("AWS::Serverless::Api"))
        return self._resources.over_globals("Api", apis.get(referred(event.get("RestApiId")), {}))

    def _authorizer(self, api: Mapping[str, Any], own: Mapping[str, Any]) -> Authorizer | None:
        """Who is asked: whom the event names (NONE is nobody), else whom its API does."""
        auth = self._resources.values(api.get("Auth", {}))
        name = own.get("Authorizer", auth.get("DefaultAuthorizer", "NONE"))
        if name == "NONE":
            return None
        described = auth.get("Authorizers", {}).get(name, {})
        match api.get("Auth", {}).get("Authorizers", {}).get(name, {}).get("FunctionArn"):
            case {"Fn::GetAtt": [function, "Arn"]} if described.get("FunctionPayloadType", "TOKEN") == "TOKEN":
                return _token_authorizer(function, described.get("Identity", {}))
        raise ValueError(f"template: {name} is no TOKEN authorizer of the template's; the local stack has no other")

    def _key_from(self, api: Mapping[str, Any], own: Mapping[str, Any]) -> str | None:
        """Who names the API key, if one is required: the event's word goes before its API's."""
        known = self._resources.values(api)
        required = own.get("ApiKeyRequired", known.get("Auth", {}).get("ApiKeyRequired", False))
        return known.get("ApiKeySourceType", "HEADER") if required else None

    def _layers(self, properties: Mapping[str, Any]) -> Iterator[Path]:
        """Folders of the layers that this template makes: sources as they lie, a built layer's `python` folder."""
        made = dict(self._resources.resolved("AWS::Serverless::LayerVersion"))
        shared = self._resources.globals("Function").get("Layers", [])
        for layer in [*shared, *properties.get("Layers", [])]:
            name = layer.get("Ref") if isinstance(layer, dict) else None
            if name in made:
                content = self._folder / made[name]["ContentUri"]
                yield content / "python" if (content / "python").is_dir() else content


def _token_authorizer(function: str, identity: Mapping[str, Any]) -> Authorizer:
    return Authorizer(
        function=function,
        header=identity.get("Header", "Authorization"),
        expression=identity.get("ValidationExpression"),
        seconds=float(identity.get("ReauthorizeEvery", REAUTHORIZE_SECONDS)),
    )


def _response(raw: Mapping[str, Any]) -> GatewayResponse:
    return GatewayResponse(
        status=int(raw["StatusCode"]) if "StatusCode" in raw else None,
        headers=raw.get("ResponseParameters", {}).get("Headers", {}),
        bodies=raw.get("ResponseTemplates", {}),
    )


def _keys(resources: Resources) -> Iterator[str]:
    """Values of the API keys that open something; one that does not say it is enabled is not (CreateApiKey)."""
    plans = {name for name, plan in resources.raw("AWS::ApiGateway::UsagePlan") if plan.get("ApiStages")}
    listed = [entry for _, entry in resources.raw("AWS::ApiGateway::UsagePlanKey")]
    on_plan = {referred(entry["KeyId"]) for entry in listed if referred(entry["UsagePlanId"]) in plans}
    for name, key in resources.resolved("AWS::ApiGateway::ApiKey"):
        if name in on_plan and key.get("Enabled") is True and "Value" in key:
            yield key["Value"]
