"""Which route a method and path belong to, as a REST API decides it: fixed words before {names} before {proxy+}."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from dev.template import Route

_NAME = re.compile(r"\{([^{}+]+)(\+?)\}\Z")


@dataclass(frozen=True, slots=True)
class Match:
    """A route and the values of its path's names, percent-encoded as they came."""

    route: Route
    parameters: dict[str, str]


class Routes:
    """The routes of one API."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._by_path: dict[str, dict[str, Route]] = {}
        for route in routes:
            self._by_path.setdefault(route.path, {})[route.method] = route
        self._patterns = [(re.compile(_pattern(path)), path) for path in sorted(self._by_path, key=_order)]

    def find(self, method: str, path: str) -> Match | None:
        """The first path that fits, if it has the method or ANY. A slash at the end makes no difference."""
        for pattern, template in self._patterns:
            if found := pattern.fullmatch(path.removesuffix("/") or "/"):
                methods = self._by_path[template]
                route = methods.get(method) or methods.get("ANY")
                # Names may hold hyphens, which groups of regular expressions cannot.
                names = [name[1] for word in template.split("/") if (name := _NAME.match(word))]
                return Match(route, dict(zip(names, found.groups(), strict=True))) if route else None
        return None


def _pattern(path: str) -> str:
    return "/".join(_word_pattern(word) for word in path.split("/"))


def _word_pattern(word: str) -> str:
    name = _NAME.match(word)
    if name is None:
        return re.escape(word)
    return "(.+)" if name[2] else "([^/]+)"


def _order(path: str) -> list[int]:
    """Sorts `/a/b` before `/a/{b}` before `/a/{b+}`, word by word."""
    return [0 if (name := _NAME.match(word)) is None else 2 if name[2] else 1 for word in path.split("/")]
