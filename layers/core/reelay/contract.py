"""openapi.yaml at run time: an event becomes a call or a caller's error, an answer conforms or is ours to mend.

openapi-core validates every event and answer, driven as `openapi_hooks` says; nothing else in the house imports it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from jsonschema_path import SchemaPath
from openapi_core import OpenAPI
from openapi_core.casting.schemas.exceptions import CastError
from openapi_core.datatypes import RequestParameters
from openapi_core.deserializing.styles.exceptions import EmptyQueryParameterValue
from openapi_core.templating.media_types.exceptions import MediaTypeNotFound
from openapi_core.templating.responses.exceptions import ResponseNotFound
from openapi_core.validation.request.exceptions import MissingRequiredRequestBody, ParameterValidationError
from openapi_core.validation.response.exceptions import HeaderValidationError

from reelay import strict_json
from reelay.errors import BadRequest, CallerError, UnsupportedMediaType
from reelay.faults import MAX_FAULTS, Checker, Fault, wrong_type
from reelay.http_event import HttpEvent, media_type
from reelay.model import Call, Json
from reelay.openapi_hooks import Faulty, config
from reelay.routes import Route, Routes

RESOLVED_PATHS = 4096
"""Places of the document that openapi-core keeps resolved: all of it, several times over."""

_DONE = b"[DONE]"


class Contract:
    """The contract of one function instance; build it once."""

    def __init__(self, document: Json, *, allow_anonymous: bool = False) -> None:
        self._routes = Routes(document["paths"])
        self._components: Json = document["components"]
        self._openapi = OpenAPI(
            SchemaPath.from_dict(dict(document), resolved_cache_maxsize=RESOLVED_PATHS),
            config=config(self._components, allow_anonymous=allow_anonymous),
        )

    @classmethod
    def load(cls, *, allow_anonymous: bool = False) -> Contract:
        """The contract packaged with the code; that it is valid OpenAPI is proved by the tests, not here.

        With `allow_anonymous` a request without an Authorization header is let in; a malformed one never is.
        """
        return cls(json.loads(_packaged("openapi.json")), allow_anonymous=allow_anonymous)

    @cached_property
    def yaml(self) -> bytes:
        """openapi.yaml as it is written."""
        return _packaged("openapi.yaml")

    @cached_property
    def json(self) -> bytes:
        """The same document as JSON."""
        return _packaged("openapi.json")

    def read(self, event: Mapping[str, Any]) -> Call:
        """The call in a Lambda proxy event, parameters cast and defaults filled in.

        Raises only CallerErrors: NotFound and MethodNotAllowed by path; then Unauthorized; then TooLarge,
        UnsupportedMediaType, and BadRequest whose message names up to five faults and whose `param` is the first.
        """
        http = HttpEvent.of(event)
        route = self._routes.match(http.method, http.path)
        request = _Request(route, http)
        result = self._openapi.request_unmarshaller.unmarshal(request)
        errors = list(result.errors)
        if errors:
            raise _refusal(errors)
        headers = dict(result.parameters.header)
        if "content-type" in http.headers:
            headers["content-type"] = http.headers["content-type"]
        return Call(
            operation=route.operation,
            path=http.shown_path,
            request_id=http.request_id,
            token=(result.security or {}).get("bearer"),
            parameters={**result.parameters.query, **result.parameters.path},
            headers={name.lower(): str(value) for name, value in headers.items()},
            body=result.body or {},
            raw=request.body,
        )

    def answer_faults(self, operation: str, status: int, headers: Mapping[str, str], body: bytes) -> list[str]:
        """Where an answer breaks the contract, as places and rules without values; [] when it conforms.

        In an event stream each `data:` is checked, and that the last one is `[DONE]`.
        """
        request = _Request(self._routes.of(operation), HttpEvent.of({}))
        response = _Response(status, headers, body)
        try:
            errors = list(self._openapi.response_validator.iter_errors(request, response))
        except BadRequest as not_json:
            return [not_json.message]
        faults = [fault for error in errors for fault in _answer_faults(error)]
        if not faults and response.content_type == "text/event-stream":
            faults = list(islice(self._event_faults(body), MAX_FAULTS))
        return faults[:MAX_FAULTS]

    def chunk_faults(self, chunk: Mapping[str, Any]) -> list[str]:
        """The same for the object in one `data:` of an event stream: a ChatCompletionChunk, or an Error."""
        return self._data_faults(dict(chunk))

    def _data_faults(self, data: Any) -> list[str]:
        failed = isinstance(data, dict) and data.get("error")
        return [_rule(fault) for fault in (self._error if failed else self._chunk).faults(data)]

    @cached_property
    def _chunk(self) -> Checker:
        return Checker(self._components["schemas"]["ChatCompletionChunk"], self._components)

    @cached_property
    def _error(self) -> Checker:
        return Checker(self._components["schemas"]["Error"], self._components)

    def _event_faults(self, body: bytes) -> Iterator[str]:
        events = [line.removeprefix(b"data:").strip() for line in body.splitlines() if line.startswith(b"data:")]
        if events[-1:] != [_DONE]:
            yield "the stream: expected [DONE] as its last event"
        for number, event in enumerate(events):
            if event == _DONE:
                continue
            try:
                data = strict_json.decode(event)
            except BadRequest as not_json:
                yield f"event {number}: {not_json.message}"
                continue
            yield from (f"event {number}: {fault}" for fault in self._data_faults(data))


def _packaged(name: str) -> bytes:
    return Path(__file__).with_name(name).read_bytes()


def _refusal(errors: Sequence[Exception]) -> CallerError:
    faults: list[Fault] = []
    for error in errors:
        cause = error.__cause__
        if isinstance(cause, MediaTypeNotFound):
            return UnsupportedMediaType("Expected Content-Type: application/json, with charset=utf-8 or without.")
        if isinstance(error, MissingRequiredRequestBody):
            faults.append(Fault("", "required, but empty"))
        elif isinstance(error, ParameterValidationError):
            faults += [fault.within(error.name) for fault in _parameter_faults(cause)]
        elif isinstance(cause, Faulty):
            faults += cause.faults
    told = "; ".join(str(fault) for fault in faults[:MAX_FAULTS])
    return BadRequest(
        told or "The request does not conform to openapi.yaml.", param=(faults[0].place or None) if faults else None
    )


def _parameter_faults(cause: BaseException | None) -> list[Fault]:
    match cause:
        case Faulty():
            return cause.faults
        case EmptyQueryParameterValue() | CastError(value=""):
            return [Fault("", "expected a value", "none")]
        case CastError():
            return [wrong_type(cause.type or "string", cause.value)]
    return [Fault("", "required, but missing")]


def _answer_faults(error: Exception) -> list[str]:
    cause = error.__cause__
    if isinstance(error, ResponseNotFound):
        return [f"status {error.http_status}: not documented"]
    if isinstance(cause, MediaTypeNotFound):
        return ["Content-Type: not documented for this status"]
    if isinstance(error, HeaderValidationError):
        return [_rule(fault.within(error.name)) for fault in _parameter_faults(cause)]
    if isinstance(cause, Faulty):
        return [_rule(fault) for fault in cause.faults]
    return [_rule(Fault("", "required, but empty"))]


def _rule(fault: Fault) -> str:
    """The fault without what came."""
    return str(replace(fault, got=""))


class _Request:
    """What openapi-core asks for (`openapi_core.protocols.Request`, `SupportsPathPattern`).

    `host_url` is empty: paths are matched as they are, never joined to a URL, and nothing depends on Host.
    """

    host_url = ""

    def __init__(self, route: Route, http: HttpEvent) -> None:
        self.method = route.method
        self.path = self.path_pattern = route.template
        self.content_type = media_type(http.headers.get("content-type", ""))
        self.parameters = RequestParameters(
            query=http.query, header=_AnyCase(http.headers), cookie={}, path=dict(route.variables)
        )
        self._read = http.body if route.takes_body else bytes

    @cached_property
    def body(self) -> bytes:
        """Read after path, token and parameters are known to be good, and only where a body means something."""
        return self._read()


class _Response:
    """`openapi_core.protocols.Response`."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status_code = status
        self.headers = _AnyCase({name.lower(): value for name, value in headers.items()})
        self.content_type = media_type(self.headers.get("content-type", ""))
        self.data = body


class _AnyCase(dict[str, str]):
    """Headers by lower-case name, found under any."""

    def __missing__(self, name: str) -> str:
        folded = name.lower()
        if folded == name:
            raise KeyError(name)
        return self[folded]
