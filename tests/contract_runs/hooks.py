"""What schemathesis cannot know of the contract from openapi.yaml alone; schemathesis.toml has it loaded.

No check is loosened here: cases are made to mean what they are to mean, where one value depends on another, and one
check stands for one that schemathesis.toml switches off.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import schemathesis
from schemathesis.generation import GenerationMode
from schemathesis.generation.meta import CoverageScenario, TestPhase, coverage_scenario

if TYPE_CHECKING:
    from schemathesis import Case as AnyCase
    from schemathesis import CheckContext, HookContext, Response

    Case = AnyCase[Any]

CHAT = "/v1/chat/completions"
KEY = "Idempotency-Key"
KEY_CHARACTERS = 255
"""The longest key that openapi.yaml takes."""

FORM = "multipart/form-data"
FORM_FIELDS = 16
FORM_NAME_BYTES = 128
"""How many fields a form may have, and how long their names; openapi.yaml has these limits in words, for no schema
can say them."""

EVENT = {
    "type": "object",
    "required": ["data"],
    "properties": {
        "data": {
            "if": {"not": {"const": "[DONE]"}},
            "then": {
                "contentMediaType": "application/json",
                "contentSchema": {
                    "anyOf": [
                        {"$ref": "#/components/schemas/ChatCompletionChunk"},
                        {"$ref": "#/components/schemas/Error"},
                    ]
                },
            },
        }
    },
}
"""An event of a stream, as openapi.yaml has it in words. OpenAPI has a place for it from 3.2 on, `itemSchema`, which
schemathesis reads in 3.1 too; without it, each event would be held to the schema of the whole text."""


@schemathesis.hook
def before_load_schema(_context: HookContext, raw_schema: dict[str, Any]) -> None:
    """Say what the events of a stream hold."""
    content = raw_schema["paths"][CHAT]["post"]["responses"]["200"]["content"]
    content["text/event-stream"] = {"itemSchema": EVENT}


@schemathesis.hook
def before_call(_context: HookContext, case: Case, _kwargs: dict[str, Any]) -> None:
    """The last word on a case before it is sent."""
    if case.operation.path == CHAT and isinstance(case.body, dict):
        case.body = {name: value for name, value in case.body.items() if not _in_the_way(case, name)}
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    if case.headers and KEY in case.headers:
        case.headers[KEY] = _key_of(case)
    if case.operation.path.endswith("/messages") and "after" in (case.query or {}):
        case.query["after"] = _first_message(case.path_parameters["completion_id"])
    if case.media_type == FORM and isinstance(case.body, dict):
        case.body = dict(_fields(case.body))


@schemathesis.check
def undeclared_method(_context: CheckContext, response: Response, case: Case) -> None:
    """What API Gateway answers for a method that a path does not have: 404 in OpenAI's envelope, never 405."""
    if coverage_scenario(case) is CoverageScenario.UNSPECIFIED_HTTP_METHOD:
        assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")


def _in_the_way(case: Case, name: str) -> bool:
    """Links go on from JSON that is kept: no stream, no `store: false`."""
    return name in ("stream", "store") and case.meta is not None and case.meta.phase.name is TestPhase.STATEFUL


def _key_of(case: Case) -> str:
    """A key of this case's own: the document shows one for all, and sent with another body it is 422."""
    own = hashlib.sha256(case.id.encode()).hexdigest()[:16]
    return f"{case.headers[KEY][: KEY_CHARACTERS - len(own)]}{own}"


def _first_message(completion: str) -> str:
    """A message's id holds its completion's, which no schema can ask for; of another completion it is 400."""
    return f"{completion.replace('video_', 'chatcmpl-')}-0"


def _fields(body: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """A form's fields as `encoding` says, `a[b]` for the key `b` of `a`; schemathesis sends objects there as JSON."""
    flat = (pair for name, value in body.items() for pair in _spread(name, value))
    return islice((pair for pair in flat if 0 < len(pair[0].encode()) <= FORM_NAME_BYTES), FORM_FIELDS)


def _spread(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """A field, or those of an object; a list would be the same name more than once, and null has no text."""
    if isinstance(value, dict):
        inside = ((f"{name}[{key}]", inner) for key, inner in value.items() if not set(key) & set("[]"))
        yield from (pair for pair in inside if isinstance(pair[1], str | float | int))
    elif not isinstance(value, list):
        yield name, value
