"""How openapi-core is driven: through its public configuration hooks, each for a reason that was measured or seen.

Compiled schemas (ten times as fast, and no crash on an unhashable enum value), paths found beforehand, strict JSON
and forms, strict parameters, a strict bearer token, and values left as they were decoded. Only `contract` imports this.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from jsonschema_path import SchemaPath
from openapi_core import Config
from openapi_core.casting.schemas import oas31_types_caster
from openapi_core.casting.schemas.casters import AnyCaster, IntegerCaster, PrimitiveCaster, TypesCaster
from openapi_core.casting.schemas.factories import SchemaCastersFactory
from openapi_core.datatypes import RequestParameters
from openapi_core.deserializing.media_types.datatypes import MediaTypeDeserializersDict
from openapi_core.deserializing.media_types.deserializers import MediaTypeDeserializer
from openapi_core.deserializing.media_types.factories import MediaTypeDeserializersFactory
from openapi_core.deserializing.styles import style_deserializers
from openapi_core.deserializing.styles.factories import StyleDeserializersFactory
from openapi_core.security.factories import SecurityProviderFactory
from openapi_core.templating.datatypes import TemplateResult
from openapi_core.templating.paths.datatypes import PathOperationServer
from openapi_core.templating.paths.finders import BasePathFinder
from openapi_core.unmarshalling.schemas.factories import SchemaUnmarshallersFactory
from openapi_core.unmarshalling.schemas.unmarshallers import SchemaUnmarshaller
from openapi_core.validation.schemas.exceptions import ValidateError
from openapi_core.validation.schemas.factories import SchemaValidatorsFactory
from openapi_core.validation.schemas.validators import SchemaValidator

from reelay import multipart, strict_json
from reelay.bearer import bearer_token
from reelay.errors import BadRequest
from reelay.faults import Checker, Fault
from reelay.http_event import MULTIPART
from reelay.model import Json
from reelay.openapi_parameters import Unmarshaller
from reelay.routes import METHODS

_INTEGER = re.compile(r"-?[0-9]{1,18}", re.ASCII)


def config(components: Json, *, allow_anonymous: bool) -> Config:
    """The configuration for a document with these components."""
    validators = _Validators(components)
    types = TypesCaster(
        {**oas31_types_caster.casters, "integer": _Integer, "object": PrimitiveCaster}, AnyCaster, PrimitiveCaster
    )
    casters = SchemaCastersFactory(validators, types)
    styles = StyleDeserializersFactory(casters, {**style_deserializers, "form": _one_value, "deepObject": _deep_object})
    return Config(
        spec_validator_cls=None,
        path_finder_cls=_Paths,
        request_unmarshaller_cls=Unmarshaller,
        schema_validators_factory=validators,
        schema_casters_factory=casters,
        style_deserializers_factory=styles,
        media_type_deserializers_factory=_Decoded(styles),
        extra_media_type_deserializers={
            "application/json": strict_json.decode,
            MULTIPART: _form,
            "application/yaml": _text,
            "text/event-stream": _text,
            "text/html": _text,
            "text/css": _text,
            "text/javascript": _text,
        },
        security_provider_factory=_Bearer(allow_anonymous=allow_anonymous),
        schema_unmarshallers_factory=_AsDecoded(),
    )


class Faulty(ValidateError):
    """A value that does not conform."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__()
        self.faults = faults


class _Paths(BasePathFinder):
    """The operation of a template, found by `Routes` before."""

    def __init__(self, spec: SchemaPath, base_url: str | None = None) -> None:
        super().__init__(spec, base_url)
        nothing = TemplateResult("", {})
        self._found = {
            (method.upper(), template): PathOperationServer(path, path / method, None, nothing, nothing)
            for template, path in (spec / "paths").str_items()
            for method in METHODS
            if method in path
        }

    def find(self, method: str, name: str) -> PathOperationServer:
        return self._found[method, name]


class _Checked(SchemaValidator):
    """openapi-core's schema validator with a compiled schema behind it."""

    def __init__(self, schema: SchemaPath, checker: Checker) -> None:
        self.schema = schema
        self._checker = checker

    def validate(self, value: Any) -> None:
        faults = self._checker.faults(value)
        if faults:
            raise Faulty(faults)


class _Validators(SchemaValidatorsFactory):
    """One compiled validator per schema of the document, made when it is first needed."""

    def __init__(self, components: Json) -> None:
        self._components = components
        self._made: dict[int, tuple[object, _Checked]] = {}

    def create(
        self,
        spec: SchemaPath,  # noqa: ARG002 - openapi-core gives it, a compiled schema has no use for it
        schema: SchemaPath,
        *_: Any,
        **__: Any,
    ) -> SchemaValidator:
        with schema.resolve() as resolved:
            node: Any = resolved.contents
        if id(node) not in self._made:
            # The node is kept with its validator, so that its id can never be another's.
            self._made[id(node)] = (node, _Checked(schema, Checker(node, self._components)))
        return self._made[id(node)][1]


class _Decoded(MediaTypeDeserializersFactory):
    """Takes a form as its decoder gives it; given a schema, openapi-core would decode each field of it once more, and
    fill in defaults that JSON does not get."""

    def create(
        self,
        spec: SchemaPath,
        mimetype: str,
        *_: Any,
        parameters: Mapping[str, str] | None = None,
        extra_media_type_deserializers: MediaTypeDeserializersDict | None = None,
        **__: Any,
    ) -> MediaTypeDeserializer:
        return super().create(
            spec, mimetype, parameters=parameters, extra_media_type_deserializers=extra_media_type_deserializers
        )


class _AsDecoded(SchemaUnmarshallersFactory):
    """Leaves values as they were decoded and validated, where openapi-core would build objects of them."""

    def __init__(self) -> None:
        self._same = _Same()

    def create(self, *_: Any, **__: Any) -> SchemaUnmarshaller:
        return self._same


class _Same(SchemaUnmarshaller):
    def __init__(self) -> None:
        """Needs nothing of its base."""

    def unmarshal(self, value: Any) -> Any:
        return value


class _Integer(IntegerCaster):
    """`int` would also take "1_0", " 1" and digits of other scripts."""

    def cast(self, value: str | bytes) -> int:
        if not isinstance(value, str) or not _INTEGER.fullmatch(value):
            raise ValueError
        return int(value)


class _Bearer(SecurityProviderFactory):
    """Reads the bearer token, whatever the scheme is called."""

    def __init__(self, *, allow_anonymous: bool) -> None:
        self._allow_anonymous = allow_anonymous

    def create(self, _scheme: SchemaPath) -> Any:
        return self._token

    def _token(self, parameters: RequestParameters) -> str | None:
        return bearer_token(parameters.header.get("authorization"), optional=self._allow_anonymous)


def _one_value(_explode: bool, name: str, _type: str, location: Mapping[str, list[str]]) -> str:
    """A query parameter that is one value: readers differ on which of two they mean."""
    return _single(location[name], name)


def _deep_object(_explode: bool, name: str, _type: str, location: Mapping[str, list[str]]) -> dict[str, str]:
    """`metadata[any key]=value`; openapi-core's own reader overlooks keys that are not one word."""
    found = {}
    for key, values in location.items():
        if key != name and not key.startswith(f"{name}["):
            continue
        inner = key[len(name) + 1 : -1]
        if not inner or not key.endswith("]"):
            raise BadRequest(f"{name}: expected {name}[key]=value", param=name)
        found[inner] = _single(values, name)
    if not found:
        raise KeyError(name)
    return found


def _single(values: list[str], name: str) -> str:
    if len(values) > 1:
        raise BadRequest(f"{name}: expected one value, got {len(values)}", param=name)
    return values[0]


def _form(value: bytes, boundary: str = "") -> multipart.Form:
    return multipart.decode(value, unquote(boundary))


def _text(value: bytes, **_: str) -> str:
    return value.decode("utf-8")
