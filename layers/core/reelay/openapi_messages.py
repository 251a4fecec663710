"""What openapi-core is given, a request or an answer, and what its errors say in the words of the house."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from openapi_core.casting.schemas.exceptions import CastError
from openapi_core.datatypes import RequestParameters
from openapi_core.deserializing.styles.exceptions import EmptyQueryParameterValue
from openapi_core.templating.media_types.exceptions import MediaTypeNotFound
from openapi_core.templating.responses.exceptions import ResponseNotFound
from openapi_core.validation.request.exceptions import MissingRequiredRequestBody, ParameterValidationError
from openapi_core.validation.response.exceptions import HeaderValidationError

from reelay.errors import BadRequest, CallerError, UnsupportedMediaType
from reelay.faults import MAX_FAULTS, Fault, wrong_type
from reelay.http_event import MULTIPART, HttpEvent, media_type
from reelay.openapi_hooks import Faulty
from reelay.routes import Route

_KINDS = {
    "application/json": "application/json, with charset=utf-8 or without",
    MULTIPART: f"{MULTIPART} with its boundary",
}
"""The kinds of body that operations read, as people are told of them."""

EMPTY = Fault("", "required, but empty")
"""The fault of a body that is not there."""


def refusal(errors: Sequence[Exception]) -> CallerError:
    """What the errors of a request, at least one, come to: the media type alone, or the first few faults."""
    faults: list[Fault] = []
    for error in errors:
        cause = error.__cause__
        if isinstance(cause, MediaTypeNotFound):
            kinds = ", or ".join(_KINDS[kind] for kind in cause.availableMimetypes)
            return UnsupportedMediaType(f"Expected Content-Type: {kinds}.")
        if isinstance(error, MissingRequiredRequestBody):
            faults.append(EMPTY)
        elif isinstance(error, ParameterValidationError):
            faults += [fault.within(error.name) for fault in _parameter_faults(cause)]
        elif isinstance(cause, Faulty):
            faults += cause.faults
    return bad_request(faults)


def bad_request(faults: Sequence[Fault]) -> BadRequest:
    """The error that names up to MAX_FAULTS of these faults, the place of the first as its `param`."""
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


def answer_faults(error: Exception) -> list[str]:
    """Where an answer breaks the contract, as one of its errors says, without values."""
    cause = error.__cause__
    if isinstance(error, ResponseNotFound):
        return [f"status {error.http_status}: not documented"]
    if isinstance(cause, MediaTypeNotFound):
        return ["Content-Type: not documented for this status"]
    if isinstance(error, HeaderValidationError):
        return [rule(fault.within(error.name)) for fault in _parameter_faults(cause)]
    if isinstance(cause, Faulty):
        return [rule(fault) for fault in cause.faults]
    return [rule(EMPTY)]


def rule(fault: Fault) -> str:
    """The fault without what came."""
    return str(replace(fault, got=""))


class Request:
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


class Response:
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
