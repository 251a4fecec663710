"""Parameters that are not there are passed over, and nothing else differs from openapi-core's own reading."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema_path import SchemaPath
from openapi_core import OpenAPI, V31RequestUnmarshaller

import reelay
from reelay.http_event import HttpEvent
from reelay.openapi_hooks import config
from reelay.openapi_messages import Request
from reelay.openapi_parameters import Unmarshaller
from reelay.routes import Routes
from tests.contract.proxy_events import AUTHORIZED, rest_event

DOCUMENT: dict[str, Any] = json.loads(Path(reelay.__file__).with_name("openapi.json").read_bytes())
ROUTES = Routes(DOCUMENT["paths"])
OURS_CONFIG = config(DOCUMENT["components"], allow_anonymous=False)
SPEC = SchemaPath.from_dict(DOCUMENT)
OURS = OpenAPI(SPEC, config=OURS_CONFIG).request_unmarshaller
STOCK_CONFIG = replace(OURS_CONFIG, request_unmarshaller_cls=V31RequestUnmarshaller)
THEIRS = OpenAPI(SPEC, config=STOCK_CONFIG).request_unmarshaller

PATHS = (
    ("GET", "/v1/chat/completions"),
    ("POST", "/v1/chat/completions"),
    ("GET", "/v1/chat/completions/chatcmpl-01kmbq6b80g00000000000000a"),
    ("GET", "/v1/chat/completions/nobodys/messages"),
    ("GET", "/v1/videos"),
    ("POST", "/v1/videos"),
    ("GET", "/v1/videos/video_01kmbq6b80g00000000000000a/content"),
)
VALUES = st.sampled_from(("", "1", "0", "asc", "x", "true", "video", "wait=10", "respond-async", "é", "a" * 300))
HEADERS = st.dictionaries(
    st.sampled_from(("Accept", "accept", "IDEMPOTENCY-KEY", "X-Stainless-Retry-Count", "Prefer", "X-Forwarded-Host")),
    VALUES,
)
QUERY = st.dictionaries(
    st.sampled_from(("limit", "after", "order", "model", "metadata[a]", "metadata[]", "metadata", "redirect")),
    VALUES | st.lists(VALUES, min_size=2, max_size=2),
)


def test_it_is_the_one_that_is_used() -> None:
    assert type(OURS) is Unmarshaller
    assert type(THEIRS) is V31RequestUnmarshaller


@settings(max_examples=300)
@given(where=st.sampled_from(PATHS), headers=HEADERS, query=QUERY)
def test_it_reads_what_openapi_core_reads_and_finds_the_same_faults(
    where: tuple[str, str], headers: dict[str, str], query: dict[str, Any]
) -> None:
    sent = {**AUTHORIZED, "Content-Type": "application/json", **headers}
    event = rest_event(*where, headers=sent, query=query, body="{}")
    assert told(OURS, event) == told(THEIRS, event)


@pytest.mark.parametrize("value", ["k", "x" * 300])
def test_a_header_in_any_case_is_read(value: str) -> None:
    event = rest_event("POST", "/v1/chat/completions", headers={**AUTHORIZED, "idempotency-KEY": value}, body="{}")
    assert told(OURS, event) == told(THEIRS, event)
    assert "Idempotency-Key" in repr(told(OURS, event))


def told(reader: Any, event: dict[str, Any]) -> Any:
    """What is read, and what is wrong with it: everything but the body; or how the reading ended."""
    http = HttpEvent.of(event)
    try:
        result = reader.unmarshal(Request(ROUTES.match(http.method, http.path), http))
    except Exception as refused:  # noqa: BLE001 - whatever it is, it has to be the same
        return type(refused), str(refused)
    read = vars(result.parameters) if result.parameters else None
    return read, [(type(error), getattr(error, "name", ""), repr(error.__cause__)) for error in result.errors]
