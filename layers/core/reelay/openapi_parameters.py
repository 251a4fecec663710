"""openapi-core's reader of requests, without its walk over parameters that are not there.

For each of them it goes through the document again, some 50 µs, to find that there is nothing to read; most requests
bring one of five. Only `openapi_hooks` uses this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from jsonschema_path import SchemaPath
from openapi_core import V31RequestUnmarshaller
from openapi_core.datatypes import Parameters, RequestParameters
from openapi_core.validation.request.exceptions import (
    MissingParameter,
    ParametersError,
    ParameterValidationError,
)


@dataclass(frozen=True, slots=True)
class _Parameter:
    """One of an operation's; `always` says that its absence counts, or that its name alone does not tell of it."""

    name: str
    place: str
    always: bool
    spec: SchemaPath


class Unmarshaller(V31RequestUnmarshaller):
    """The same results as openapi-core's own."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        # An operation is the one object that the finder of paths holds, so that its id stays its own.
        self._known: dict[int, tuple[_Parameter, ...]] = {}

    def _get_parameters(self, parameters: RequestParameters, operation: SchemaPath, path: SchemaPath) -> Parameters:
        validated, errors = Parameters(), []
        for each in self._parameters_of(operation, path):
            if not (each.always or _there(each.name, parameters[each.place])):
                continue
            try:
                getattr(validated, each.place)[each.name] = self._get_parameter(parameters, each.spec)
            except MissingParameter:
                continue
            except ParameterValidationError as fault:
                errors.append(fault)
        if errors:
            raise ParametersError(errors=errors, parameters=validated)
        return validated

    def _parameters_of(self, operation: SchemaPath, path: SchemaPath) -> tuple[_Parameter, ...]:
        """An operation's own come before its path's, and stand for those of the same name and place."""
        if id(operation) not in self._known:
            nothing = SchemaPath.from_dict({})
            found: dict[tuple[str, str], _Parameter] = {}
            for spec in chain(operation.get("parameters", nothing), path.get("parameters", nothing)):
                parameter = _parameter(spec)
                found.setdefault((parameter.name, parameter.place), parameter)
            self._known[id(operation)] = tuple(found.values())
        return self._known[id(operation)]


def _there(name: str, place: Mapping[str, Any]) -> bool:
    """By reading, as openapi-core does: headers are found in any case, and `in` does not know."""
    try:
        place[name]
    except KeyError:
        return False
    return True


def _parameter(spec: SchemaPath) -> _Parameter:
    known = spec.read_value()
    always = known.get("required", False) or known.get("style") == "deepObject" or "default" in (spec / "schema")
    return _Parameter(known["name"], known["in"], always, spec)
