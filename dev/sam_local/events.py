"""The samples in events/: which function each is for, and what it has to answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dev.sam_local import ROOT, NotSo
from dev.template import Template

INTAKE = "IntakeFunction"
"""What no route, queue or schedule brings is a direct invocation, and this function takes those."""

SAMPLES = tuple(sorted((ROOT / "events").glob("*.json")))


def read(sample: Path) -> dict[str, Any]:
    """The event in a file."""
    event: dict[str, Any] = json.loads(sample.read_text())
    return event


def function_of(event: Mapping[str, Any], template: Template) -> str:
    """The logical id of the function that gets such an event; raises NotSo for a route that the template has not."""
    if "httpMethod" in event:
        return _of_route(str(event["httpMethod"]), str(event["resource"]), template)
    queues = {str(record.get("eventSourceARN", "")).rpartition("-")[2] for record in event.get("Records", ())}
    rules = {str(resource).rpartition("reelay-")[2] for resource in event.get("resources", ())}
    taken = [source.function for source in template.around.sources if source.queue.id in queues]
    fired = [schedule.function for schedule in template.around.schedules if schedule.rule in rules]
    return next(iter(taken + fired), INTAKE)


def _of_route(method: str, path: str, template: Template) -> str:
    for route in template.routes:
        if (route.method, route.path) == (method, path):
            return route.function
    raise NotSo(f"The template has no route {method} {path}.")


def fault(event: Mapping[str, Any], answer: Any) -> str | None:
    """What is wrong with a function's answer to a sample; None where nothing is.

    A sample that names a completion names one that nobody made; a page's file may be of another version.
    """
    told = answer if isinstance(answer, dict) else {}
    if "errorType" in told:
        return f"it failed with {told['errorType']}"
    if "httpMethod" in event:
        status = told.get("statusCode")
        return None if status in _well(event) else f"it answered {status}"
    if "error" in told or told.get("batchItemFailures"):
        return "it did not take what it was given"
    return None


def _well(event: Mapping[str, Any]) -> tuple[int, ...]:
    named = set(event.get("pathParameters") or ())
    if named & {"completion_id", "video_id"}:
        return (404,)
    return (200, 404) if "file" in named else (200,)
