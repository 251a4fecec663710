"""A template's resources: those that exist under its parameters, with the Globals section under them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dev.intrinsics import Resolver
from dev.place import Place


class Resources:
    """The resources of a loaded template, by kind; `place` names what only a deployment can name."""

    def __init__(self, document: Mapping[str, Any], place: Place | None) -> None:
        self._document = document
        self._all: Mapping[str, Any] = document.get("Resources", {})
        self._resolver = Resolver(document, place.names(self._all) if place else None)

    def raw(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Logical ids and properties as they stand, of the resources that exist."""
        for logical, resource in self._all.items():
            if resource["Type"] == kind and self._resolver.holds(resource.get("Condition")):
                yield logical, resource.get("Properties", {})

    def resolved(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """The same, free of intrinsic functions."""
        return ((logical, self.values(properties)) for logical, properties in self.raw(kind))

    def values(self, properties: Any) -> dict[str, Any]:
        """Properties free of intrinsic functions."""
        resolved = self._resolver.resolve(properties)
        return resolved if isinstance(resolved, dict) else {}

    def reference(self, id: str) -> str:
        """What `!Ref id` stands for. Only where a place is given."""
        return str(self._resolver.resolve({"Ref": id}))

    def attribute(self, id: str, name: str) -> str:
        """What `!GetAtt id.name` stands for. Only where a place is given."""
        return str(self._resolver.resolve({"Fn::GetAtt": [id, name]}))

    def globals(self, section: str) -> Mapping[str, Any]:
        """A part of the Globals section as it stands."""
        shared: Mapping[str, Any] = self._document.get("Globals", {}).get(section, {})
        return shared

    def with_globals(self, section: str, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Properties over the globals of their kind, free of intrinsic functions."""
        return self.values(self.over_globals(section, properties))

    def over_globals(self, section: str, properties: Mapping[str, Any]) -> dict[str, Any]:
        """The same as it stands."""
        merged: dict[str, Any] = _laid_over(self.globals(section), properties)
        return merged


def _laid_over(below: Any, above: Any) -> Any:
    """SAM's rule for Globals: mappings are merged, lists come after the shared ones, whatever else replaces."""
    if isinstance(below, dict) and isinstance(above, dict):
        both = {name: _laid_over(below[name], above[name]) for name in below.keys() & above.keys()}
        return below | above | both
    if isinstance(below, list) and isinstance(above, list):
        return below + above
    return above


def referred(value: Any) -> str:
    """The logical id that `!Ref` names; "" for anything else."""
    return str(value["Ref"]) if isinstance(value, dict) and "Ref" in value else ""
