"""openapi.yaml at run time: an event becomes a call or a caller's error, an answer conforms or is ours to mend.

openapi-core validates every HTTP event and answer, driven as `openapi_hooks` says and spoken to as `openapi_messages`
says; nothing else in the house imports it. What comes or goes by another way is held to the same schemas.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from jsonschema_path import SchemaPath
from openapi_core import OpenAPI

from reelay import strict_json
from reelay.errors import BadRequest, CallerError
from reelay.faults import MAX_FAULTS, Checker
from reelay.http_event import MAX_BODY_BYTES, HttpEvent, too_large
from reelay.model import Call, Json, Notice
from reelay.openapi_hooks import config
from reelay.openapi_messages import EMPTY, Request, Response, answer_faults, bad_request, refusal, rule
from reelay.routes import Routes

RESOLVED_PATHS = 4096
"""Places of the document that openapi-core keeps resolved: all of it, several times over."""

_DONE = b"[DONE]"
_JSON = "application/json"
KEY_FIELD = "idempotency_key"
"""What a request that comes as an event may hold beside its own fields."""

_VIDEO = ("prompt", "model", "seconds", "size", "input_reference", "metadata")
"""The fields of a VideoRequest that mean something, in the order of OpenAI's."""


class _Outside(Mapping[str, Any]):
    """Who fetches what a `$ref` to another document leads to, whatever its scheme: nobody. A function that could is one
    that could be made to."""

    def __getitem__(self, scheme: str) -> Any:
        return _refused

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _refused(uri: str) -> Any:
    raise LookupError(f"the contract refers to another document: {uri}")


class Contract:
    """The contract of one function instance; build it once."""

    def __init__(self, document: Json, *, allow_anonymous: bool = False) -> None:
        self._routes = Routes(document["paths"])
        self._components: Json = document["components"]
        self._openapi = OpenAPI(
            SchemaPath.from_dict(dict(document), handlers=_Outside(), resolved_cache_maxsize=RESOLVED_PATHS),
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
        request = Request(route, http)
        result = self._openapi.request_unmarshaller.unmarshal(request)
        errors = list(result.errors)
        if errors:
            raise refusal(errors)
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
            body=self._as_meant(route.operation, result.body or {}),
            raw=request.body,
        )

    def read_event(self, raw: bytes) -> Call:
        """The call in a request that did not come by HTTP: JSON, for createVideo when it has a `prompt` and no
        `messages`, else for createChatCompletion.

        Who may send one is for the source of the event to say, so there is no token. The field `idempotency_key` beside
        the request stands for the header Idempotency-Key. Raises what `read` does for the same body: TooLarge or
        BadRequest.
        """
        if len(raw) > MAX_BODY_BYTES:
            raise too_large()
        if not raw:
            raise bad_request([EMPTY])
        body = strict_json.decode(raw)
        headers = {"content-type": _JSON, **self._named(body)}
        films = isinstance(body, dict) and "prompt" in body and "messages" not in body
        operation = "createVideo" if films else "createChatCompletion"
        faults = self._requests[operation].faults(body)
        if faults:
            raise bad_request(faults)
        return Call(
            operation=operation,
            path=self._routes.of(operation).template,
            request_id="",
            headers=headers,
            body=self._as_meant(operation, body),
            raw=raw,
        )

    def answer_faults(self, operation: str, status: int, headers: Mapping[str, str], body: bytes) -> list[str]:
        """Where an answer breaks the contract, as places and rules without values; [] when it conforms.

        In an event stream each `data:` is checked, and that the last one is `[DONE]`.
        """
        request = Request(self._routes.of(operation), HttpEvent.of({}))
        response = Response(status, headers, body)
        try:
            errors = list(self._openapi.response_validator.iter_errors(request, response))
        except BadRequest as not_json:
            return [not_json.message]
        faults = [fault for error in errors for fault in answer_faults(error)]
        if not faults and response.content_type == "text/event-stream":
            faults = list(islice(self._stream_faults(body), MAX_FAULTS))
        return faults[:MAX_FAULTS]

    def operation(self, event: Mapping[str, Any]) -> str | None:
        """The operation that an event asks for; None for a path or a method that there is not."""
        http = HttpEvent.of(event)
        try:
            return self._routes.match(http.method, http.path).operation
        except CallerError:
            return None

    def error_faults(self, body: bytes) -> list[str]:
        """The same for an error that belongs to no operation."""
        try:
            return [rule(fault) for fault in self._error.faults(strict_json.decode(body))]
        except BadRequest as not_json:
            return [not_json.message]

    def frame_faults(self, frame: bytes) -> list[str]:
        """The same for a piece of an event stream that holds whole events."""
        return [fault for data in _data(frame) if data != _DONE for fault in self._text_faults(data)]

    def _text_faults(self, data: bytes) -> list[str]:
        try:
            return self._data_faults(strict_json.decode(data))
        except BadRequest as not_json:
            return [not_json.message]

    def chunk_faults(self, chunk: Mapping[str, Any]) -> list[str]:
        """The same for the object in one `data:` of an event stream: a ChatCompletionChunk, or an Error."""
        return self._data_faults(dict(chunk))

    def event_faults(self, detail_type: str, detail: Mapping[str, Any]) -> list[str]:
        """The same for the `detail` of an event that goes out; raises KeyError for a type that is not documented."""
        return [rule(fault) for fault in self._details[detail_type].faults(dict(detail))]

    def _named(self, body: Any) -> dict[str, str]:
        """Takes the name of the request out of it, as the header that it stands for."""
        if not isinstance(body, dict) or KEY_FIELD not in body:
            return {}
        key = body.pop(KEY_FIELD)
        faults = self._key.faults(key)
        if faults:
            raise bad_request([fault.within(KEY_FIELD) for fault in faults])
        return {"idempotency-key": key}

    @cached_property
    def _key(self) -> Checker:
        return Checker(self._components["parameters"]["IdempotencyKey"]["schema"], self._components)

    def _as_meant(self, operation: str, body: Json) -> Json:
        """A request in the one form that use cases get, however it was written."""
        if operation != "createVideo":
            return body
        asked = {name: body[name] for name in _VIDEO if name in body}
        asked.setdefault("model", self._schema("VideoRequest")["properties"]["model"]["default"])
        if "seconds" in asked:
            asked["seconds"] = str(int(asked["seconds"]))  # a number in JSON may be written 8.0
        if "input_reference" in asked:
            picture = asked["input_reference"]
            asked["input_reference"] = {"image_url": picture if isinstance(picture, str) else picture["image_url"]}
        return asked

    def _data_faults(self, data: Any) -> list[str]:
        failed = isinstance(data, dict) and data.get("error")
        return [rule(fault) for fault in (self._error if failed else self._chunk).faults(data)]

    @cached_property
    def _chunk(self) -> Checker:
        return self._checker("ChatCompletionChunk")

    @cached_property
    def _error(self) -> Checker:
        return self._checker("Error")

    @cached_property
    def _requests(self) -> dict[str, Checker]:
        return {
            "createChatCompletion": self._checker("ChatCompletionRequest"),
            "createVideo": self._checker("VideoRequest"),
        }

    @cached_property
    def _details(self) -> dict[str, Checker]:
        """By detail type, what the detail of an event is held to."""
        return {
            Notice.COMPLETED: self._checker("CompletedDetail"),
            Notice.FAILED: self._checker("FailedDetail"),
            Notice.ARCHIVED: self._checker("ArchivedDetail"),
        }

    def _checker(self, name: str) -> Checker:
        return Checker(self._schema(name), self._components)

    def _schema(self, name: str) -> Json:
        schema: Json = self._components["schemas"][name]
        return schema

    def _stream_faults(self, body: bytes) -> Iterator[str]:
        events = _data(body)
        if events[-1:] != [_DONE]:
            yield "the stream: expected [DONE] as its last event"
        for number, event in enumerate(events):
            if event != _DONE:
                yield from (f"event {number}: {fault}" for fault in self._text_faults(event))


def _data(stream: bytes) -> list[bytes]:
    """The data of each event, as Reelay writes them: one line each."""
    return [line.removeprefix(b"data:").strip() for line in stream.splitlines() if line.startswith(b"data:")]


def _packaged(name: str) -> bytes:
    return Path(__file__).with_name(name).read_bytes()
