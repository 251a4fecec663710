"""Every route of the template, asked of start-api once, each with its sample of events/ where it has one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from dev.sam_local import NotSo, events
from dev.sam_local.api import Api
from dev.sam_local.telling import step
from dev.template import Route, Template

PAGES = {"docs": "/docs", "studio": "/"}
"""Which public page names the files below such a path."""

MAKES = ("POST", "/v1/videos")
"""Asked first, so that there is a job to read, to remix and, last, to delete."""

_SAMPLES = {(event.get("httpMethod"), event.get("resource")): event for event in map(events.read, events.SAMPLES)}
"""One for each route; of several samples for one route the last will do."""


def ask_every(api: Api, template: Template, name: str) -> None:
    """`name` is a completion that is there, and goes at the end. Raises NotSo for a route that does not answer well."""
    names = {"{completion_id}": name}
    for route in sorted(template.routes, key=_order):
        body = step(f"{route.method} {route.path}", partial(_ask, api, route, names))
        if (route.method, route.path) == MAKES:
            names["{video_id}"] = json.loads(body)["id"]


def _order(route: Route) -> tuple[bool, bool]:
    return route.method == "DELETE", (route.method, route.path) != MAKES


def _ask(api: Api, route: Route, names: Mapping[str, str]) -> bytes:
    sample: Mapping[str, Any] = _SAMPLES.get((route.method, route.path), {"httpMethod": route.method})
    answer = api.send(sample, _path(api, route, names))
    if answer.status not in (200, 302):
        raise NotSo(f"{route.method} {route.path} was answered {answer.status}: {answer.data[:300]!r}")
    return answer.data


def _path(api: Api, route: Route, names: Mapping[str, str]) -> str:
    if "{file}" in route.path:
        return _file(api, route.path.split("/")[1])
    path = route.path
    for place, name in names.items():
        path = path.replace(place, name)
    return path


def _file(api: Api, folder: str) -> str:
    """The path of a file that a public page names. Raises NotSo when it names none."""
    found = re.search(rf"/?{folder}/[0-9a-f]+/[\w.-]+", api.get(PAGES[folder], key=False).data.decode())
    if not found:
        raise NotSo(f"The page {PAGES[folder]} names no file.")
    return "/" + found[0].lstrip("/")
