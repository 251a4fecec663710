"""Properties of what reads requests: each takes any bytes, and raises where a promise is broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from dev.contract_files import write_contract_files
from dev.gateway.events import Admitted, Request, proxy_event
from dev.gateway.routes import Match
from dev.template import Route
from reelay import multipart, strict_json
from reelay.contract import Contract
from reelay.errors import CallerError
from reelay.http_event import HttpEvent
from reelay.triggers import Asked, Dropped, of_event, of_message
from tests.fuzz.samples import mangled

BOUNDARY = "fuzz"
PATHS = ("/v1/chat/completions", "/v1/videos")
CONTENT_TYPES = ("application/json", f"multipart/form-data; boundary={BOUNDARY}")
ANYWHERE = Match(Route("ANY", "/{proxy+}", "RelayFunction", streams=False, timeout=30), {})


@cache
def contract() -> Contract:
    """The contract of the documented API, let in without a token too, so that no input stops at the door."""
    write_contract_files()
    return Contract.load(allow_anonymous=True)


def json_text(data: bytes) -> None:
    """What is taken is what the standard library takes; all else is a caller's error."""
    value = _judged(partial(strict_json.decode, data))
    if value is not None:
        assert value == json.loads(data)
        assert json.loads(json.dumps(value, allow_nan=False)) == value


def form(data: bytes) -> None:
    """A form of texts and pictures, or a caller's error; the input is what follows the first boundary."""
    for body in (data, f"--{BOUNDARY}".encode() + data):
        fields = _judged(partial(multipart.decode, body, BOUNDARY)) or {}
        assert len(fields) <= multipart.MAX_FIELDS
        json.dumps(fields, ensure_ascii=False).encode()


def event(data: bytes) -> None:
    """A sample with any one place changed is a call or a caller's error, and at least one request to the triggers."""
    changed = mangled(data)
    HttpEvent.of(changed)
    _judged(partial(contract().read, changed))
    _asked(of_event(changed, "request-1"))
    records = changed.get("Records")
    for record in records if isinstance(records, list) else ():
        if isinstance(record, dict):
            _asked(of_message(record))


def body(data: bytes) -> None:
    """Any body, by HTTP at either door and in a message, is a call or a caller's error."""
    for path, kind in ((path, kind) for path in PATHS for kind in CONTENT_TYPES):
        _judged(partial(contract().read, _post(path, kind, data)))
    _judged(partial(contract().read_event, data))


def message(data: bytes) -> None:
    """Any body of a message is requests, each with bytes and a name."""
    _asked(of_message({"messageId": "m-1", "body": data.decode("utf-8", "replace")}))


def gateway(data: bytes) -> None:
    """The local gateway's event says what came: method, path and, whatever its bytes, the body."""
    head, _, sent = data.partition(b"\n")
    path, _, query = f"/{head.decode('latin-1')}".partition("?")
    headers = [("Content-Type", query), ("X-Fuzz", path), ("x-fuzz", query)]
    request = Request("POST", path, path, query, headers, sent, "127.0.0.1", 1)
    for binary in (frozenset[str](), frozenset({"*/*"})):
        made = HttpEvent.of(json.loads(json.dumps(proxy_event(request, ANYWHERE, "live", binary, Admitted()))))
        assert (made.method, made.path, made.body()) == ("POST", path, sent)


def _post(path: str, kind: str, data: bytes) -> dict[str, Any]:
    request = Request("POST", path, path, "", [("Content-Type", kind)], data, "127.0.0.1", 1)
    return proxy_event(request, ANYWHERE, "live", frozenset({"multipart/form-data"}), Admitted())


def _judged(work: Callable[[], Any]) -> Any:
    """What it returns, or None after a caller's error that can be sent; anything else is raised."""
    refused: CallerError | None = None
    try:
        return work()
    except CallerError as error:
        refused = error
    assert 400 <= refused.status < 500
    json.dumps(refused.body(), ensure_ascii=False).encode()
    return None


def _asked(wanted: tuple[Asked | Dropped, ...]) -> None:
    for each in wanted:
        assert each.name
        assert isinstance(each, Dropped) or isinstance(each.body, bytes)
