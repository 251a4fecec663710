"""Which operation a method and a path name: a route table made from the contract's paths, matched from end to end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

from reelay.errors import MethodNotAllowed, NotFound

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
"""The keys of a path item that are operations (OpenAPI 3.1, Path Item Object)."""

_VARIABLE = re.compile(r"\{([^{}/]+)\}")


@dataclass(frozen=True, slots=True)
class Route:
    """An operation, and the values of its path's variables with percent-encoding undone once."""

    operation: str
    method: str
    template: str
    takes_body: bool
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Path:
    pattern: re.Pattern[str]
    routes: Mapping[str, Route]


class Routes:
    """The contract's paths; of several that match, the one with the fewest variables counts, as OpenAPI says."""

    def __init__(self, paths: Mapping[str, Any]) -> None:
        self._paths = sorted(
            (_Path(_pattern(template), _routes(template, item)) for template, item in paths.items()),
            key=lambda path: path.pattern.groups,
        )
        self._by_operation = {route.operation: route for path in self._paths for route in path.routes.values()}

    def match(self, method: str, path: str) -> Route:
        """The route of a request; methods are case-sensitive and slashes count (RFC 9110, RFC 3986).

        Raises NotFound, or MethodNotAllowed with the methods that the path has.
        """
        for each in self._paths:
            found = each.pattern.fullmatch(path)
            if found is None:
                continue
            if method not in each.routes:
                raise MethodNotAllowed("This path does not have that method.", [*each.routes])
            variables = {name: unquote(value) for name, value in found.groupdict().items()}
            return replace(each.routes[method], variables=variables)
        raise NotFound("No such path. GET /openapi.yaml tells which there are.")

    def of(self, operation: str) -> Route:
        """The route of an operationId; raises KeyError for one that the contract does not have."""
        return self._by_operation[operation]


def _pattern(template: str) -> re.Pattern[str]:
    """Variables and what stands between them alternate in the split template."""
    parts = enumerate(_VARIABLE.split(template))
    return re.compile("".join(f"(?P<{part}>[^/]+)" if odd % 2 else re.escape(part) for odd, part in parts))


def _routes(template: str, item: Mapping[str, Any]) -> dict[str, Route]:
    return {
        method.upper(): Route(item[method]["operationId"], method.upper(), template, "requestBody" in item[method])
        for method in METHODS
        if method in item
    }
