"""The Videos API: whatever way a video is asked for, use cases get one form of it; what leaves conforms."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import OpenAI

from reelay.contract import Contract
from reelay.errors import CallerError, Unforeseen
from tests.contract.bad_inputs import MIB, VIDEOS
from tests.contract.proxy_events import (
    AUTHORIZED,
    FORM,
    JSON,
    TOKEN,
    form_body,
    form_event,
    form_part,
    http_api_event,
    rest_event,
)

VIDEO = "video_01kmbq6b80g00000000000000a"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
AS_DATA_URL = "data:image/png;base64," + base64.b64encode(PNG).decode()
JOB: dict[str, Any] = {
    "id": VIDEO,
    "object": "video",
    "model": "sora-2",
    "status": "queued",
    "progress": 0,
    "created_at": 1760326800,
    "completed_at": None,
    "expires_at": None,
    "prompt": "p",
    "size": None,
    "seconds": None,
    "remixed_from_video_id": None,
    "error": None,
}
HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-store", "x-request-id": "r"}


def read(contract: Contract, body: Any) -> Any:
    call = contract.read(rest_event("POST", VIDEOS, body=body))
    assert call.operation == "createVideo"
    return call.body


def refused(contract: Contract, event: Any) -> str:
    with pytest.raises(CallerError) as caught:
        contract.read(event)
    return caught.value.message


# ── What is taken ──


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ({}, {}),
        (
            {"model": "veo3", "size": "1280x720", "seconds": "12"},
            {"model": "veo3", "size": "1280x720", "seconds": "12"},
        ),
        ({"seconds": 8}, {"seconds": "8"}),
        ({"seconds": 99.0}, {"seconds": "99"}),
        ({"size": "10x99999"}, {"size": "10x99999"}),
        ({"input_reference": "https://e.x/a"}, {"input_reference": {"image_url": "https://e.x/a"}}),
        ({"input_reference": AS_DATA_URL}, {"input_reference": {"image_url": AS_DATA_URL}}),
        (
            {"input_reference": {"image_url": "https://e.x/a?b=c", "file_id": None, "detail": "low"}},
            {"input_reference": {"image_url": "https://e.x/a?b=c"}},
        ),
        ({"n": 4, "metadata": {"a": "b"}, "messages": []}, {"metadata": {"a": "b"}}),
    ],
)
def test_a_video_in_json_is_put_in_one_form(contract: Contract, asked: Any, meant: Any) -> None:
    assert read(contract, {"prompt": "p", **asked}) == {"prompt": "p", "model": "sora-2", **meant}


def test_a_video_in_a_form_is_put_in_the_same(contract: Contract) -> None:
    fields = [
        form_part("prompt", "ein Hund, 狗"),
        form_part("seconds", "4"),
        form_part("size", "720x1280"),
        form_part("input_reference", PNG, "dog.png", "Content-Type: image/png"),
        form_part("quality", "high"),
    ]
    call = contract.read(form_event(*fields))
    assert call.operation == "createVideo"
    assert call.body == {
        "prompt": "ein Hund, 狗",
        "model": "sora-2",
        "seconds": "4",
        "size": "720x1280",
        "input_reference": {"image_url": AS_DATA_URL},
    }
    assert call.raw == form_body(*fields)
    assert call.headers["content-type"] == FORM["Content-Type"]
    assert call.token == TOKEN


@pytest.mark.parametrize("name", ["input_reference", "input_reference[image_url]"])
@pytest.mark.parametrize("link", ["https://e.x/a.png", AS_DATA_URL])
def test_a_form_refers_to_a_picture_by_link_too(contract: Contract, name: str, link: str) -> None:
    body = contract.read(form_event(form_part("prompt", "p"), form_part(name, link))).body
    assert body["input_reference"] == {"image_url": link}


@pytest.mark.parametrize("boundary", ["===============1==", "a b:c", "----=_Part_1.2"])
def test_a_form_may_have_any_boundary_that_mime_allows(contract: Contract, boundary: str) -> None:
    headers = {**AUTHORIZED, "content-type": f'multipart/form-data; boundary="{boundary}"'}
    body = form_body(form_part("prompt", "p"), boundary=boundary)
    assert contract.read(rest_event("POST", VIDEOS, headers=headers, body=body)).body["prompt"] == "p"


def test_a_form_of_texts_may_come_as_text(contract: Contract) -> None:
    body = form_body(form_part("prompt", "p")).decode()
    assert contract.read(rest_event("POST", VIDEOS, headers=FORM, body=body)).body["prompt"] == "p"
    event = http_api_event("POST", VIDEOS, headers=FORM, body=body)
    assert contract.read(event).body["prompt"] == "p"


def test_the_longest_prompt_and_a_large_picture_are_taken(contract: Contract) -> None:
    picture = PNG + b"x" * 5 * MIB
    started = time.process_time()
    body = contract.read(
        form_event(form_part("prompt", "狗" * 32_000), form_part("input_reference", picture, "a"))
    ).body
    assert time.process_time() - started < 2, "CPU seconds; 0.2 is usual on one slow core"
    assert len(body["prompt"]) == 32_000
    assert base64.b64decode(body["input_reference"]["image_url"].partition(",")[2]) == picture


def test_headers_that_say_how_a_video_is_asked_for_are_handed_on(contract: Contract) -> None:
    headers = {**JSON, "Idempotency-Key": "k", "X-Stainless-Retry-Count": "1", "Accept": "*/*", "Prefer": "wait=1"}
    for path in (VIDEOS, f"{VIDEOS}/{VIDEO}/remix"):
        call = contract.read(rest_event("POST", path, headers=headers, body={"prompt": "p"}))
        assert call.headers == {
            "idempotency-key": "k",
            "x-stainless-retry-count": "1",
            "accept": "*/*",
            "content-type": "application/json",
        }


def test_a_remix_is_a_prompt_for_an_earlier_video(contract: Contract) -> None:
    call = contract.read(rest_event("POST", f"{VIDEOS}/{VIDEO}/remix", body={"prompt": "at night"}))
    assert (call.operation, call.body, call.parameters) == ("remixVideo", {"prompt": "at night"}, {"video_id": VIDEO})
    assert call.path == f"/live{VIDEOS}/{VIDEO}/remix"


@pytest.mark.parametrize(("method", "operation"), [("GET", "getVideo"), ("DELETE", "deleteVideo")])
def test_a_path_names_a_video(contract: Contract, method: str, operation: str) -> None:
    call = contract.read(rest_event(method, f"{VIDEOS}/{VIDEO}"))
    assert (call.operation, call.parameters) == (operation, {"video_id": VIDEO})


def test_videos_are_listed_newest_first_by_default(contract: Contract) -> None:
    call = contract.read(rest_event("GET", VIDEOS))
    assert (call.operation, call.parameters) == ("listVideos", {"limit": 20, "order": "desc"})
    query = {"limit": "100", "order": "asc", "after": VIDEO}
    assert contract.read(rest_event("GET", VIDEOS, query=query)).parameters == {
        "limit": 100,
        "order": "asc",
        "after": VIDEO,
    }


# ── What OpenAI's own client sends ──


def sent(contract: Contract, ask: Callable[[Any], object]) -> Any:
    """The call that the contract reads in what an OpenAI client sends; nothing leaves the process."""
    calls = []

    def take(request: httpx2.Request) -> httpx2.Response:
        headers = {name: value for name, value in request.headers.items() if name != "authorization"}
        headers |= AUTHORIZED
        query, body = dict(request.url.params), request.read() or None
        calls.append(
            contract.read(rest_event(request.method, request.url.path, headers=headers, query=query, body=body))
        )
        return httpx2.Response(200, json=JOB)

    with OpenAI(
        api_key="k", base_url="http://reelay/v1", http_client=httpx2.Client(transport=httpx2.MockTransport(take))
    ) as client:
        ask(client.videos)
    [call] = calls
    return call


@pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning")
@pytest.mark.parametrize(
    ("ask", "meant"),
    [
        (lambda videos: videos.create(prompt="p"), {}),
        (
            lambda videos: videos.create(prompt="p", model="sora-2-pro", seconds="8", size="1280x720"),
            {"model": "sora-2-pro", "seconds": "8", "size": "1280x720"},
        ),
        (
            lambda videos: videos.create(prompt="p", input_reference=PNG),
            {"input_reference": {"image_url": AS_DATA_URL}},
        ),
        (
            lambda videos: videos.create(prompt="p", input_reference=('dög".png', PNG, "image/png")),
            {"input_reference": {"image_url": AS_DATA_URL}},
        ),
        (
            lambda videos: videos.create(
                prompt="p", extra_body={"input_reference": {"image_url": "https://e.x/a"}, "metadata": {"a": "b"}}
            ),
            {"input_reference": {"image_url": "https://e.x/a"}, "metadata": {"a": "b"}},
        ),
    ],
)
def test_what_openais_client_sends_for_a_video_is_read(
    contract: Contract, ask: Callable[[Any], object], meant: Any
) -> None:
    call = sent(contract, ask)
    assert call.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert call.headers["x-stainless-retry-count"] == "0"
    assert (call.operation, call.body) == ("createVideo", {"prompt": "p", "model": "sora-2", **meant})


@pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning")
@pytest.mark.parametrize(
    ("ask", "operation"),
    [
        (lambda videos: videos.retrieve(VIDEO), "getVideo"),
        (lambda videos: videos.delete(VIDEO), "deleteVideo"),
        (lambda videos: videos.list(limit=2, order="asc", after=VIDEO), "listVideos"),
        (lambda videos: videos.remix(VIDEO, prompt="at night"), "remixVideo"),
    ],
)
def test_what_openais_client_sends_else_is_read(
    contract: Contract, ask: Callable[[Any], object], operation: str
) -> None:
    assert sent(contract, ask).operation == operation


# ── What is refused, in words ──


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"prompt": ""}, "prompt: expected at least 1 character, got 0"),
        ({"prompt": "p", "seconds": "4s"}, "seconds: expected a whole number of seconds from 1 to 99"),
        ({"prompt": "p", "seconds": 100}, "seconds: expected at most 99, got 100"),
        ({"prompt": "p", "size": "720p"}, "size: expected width x height in pixels, as in 1280x720"),
        (
            {"prompt": "p", "input_reference": "http://e.x/a.png"},
            "input_reference: expected an https link, or a picture as a data URL",
        ),
        (
            {"prompt": "p", "input_reference": {"image_url": "http://e.x/a.png"}},
            "input_reference.image_url: expected an https link, or a picture as a data URL",
        ),
        (
            {"prompt": "p", "input_reference": {"file_id": "file-1"}},
            (
                "input_reference.file_id: expected no file_id, for Reelay keeps no files; send the picture itself, or "
                "its link as image_url"
            ),
        ),
        ({"prompt": "p", "input_reference": {}}, "input_reference.image_url: required, but missing"),
    ],
)
def test_messages_say_what_a_video_may_be(contract: Contract, body: Any, message: str) -> None:
    assert refused(contract, rest_event("POST", VIDEOS, body=body)) == message


def test_a_form_is_held_to_the_same_rules_in_the_same_words(contract: Contract) -> None:
    event = form_event(form_part("prompt", "p"), form_part("input_reference[image_url]", "http://e.x/a"))
    expected = "input_reference.image_url: expected an https link, or a picture as a data URL"
    assert refused(contract, event) == expected


def test_the_kinds_of_body_that_an_operation_reads_are_named(contract: Contract) -> None:
    headers = {**AUTHORIZED, "Content-Type": "text/plain"}
    assert refused(contract, rest_event("POST", VIDEOS, headers=headers, body="x")) == (
        "Expected Content-Type: application/json, with charset=utf-8 or without, or multipart/form-data with its "
        "boundary."
    )
    assert refused(contract, rest_event("POST", f"{VIDEOS}/x/remix", headers=headers, body="x")) == (
        "Expected Content-Type: application/json, with charset=utf-8 or without."
    )


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_FIELDS = st.sampled_from(["prompt", "model", "seconds", "size", "input_reference"])
_PICTURES = st.fixed_dictionaries({}, optional={"image_url": _VALUES, "file_id": _VALUES})


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(_FIELDS, _VALUES | _PICTURES))
def test_no_value_of_any_field_is_more_than_a_callers_error(contract: Contract, body: Any) -> None:
    try:
        read(contract, json.dumps({"prompt": "p", **body}))
    except CallerError as error:
        assert 400 <= error.status < 500  # noqa: PT017 - whether it raises is not the point


# ── What leaves ──


def faults(contract: Contract, body: Any, operation: str, **headers: str) -> list[str]:
    return contract.answer_faults(operation, 200, HEADERS | headers, json.dumps(body).encode())


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"status": "in_progress", "progress": 99, "size": "1280x720", "seconds": "8"},
        {"status": "completed", "progress": 100, "completed_at": 1760327000, "expires_at": 1760330000},
        {"status": "failed", "error": {"code": "outcome_unknown", "message": "m", "param": None}},
        {"prompt": None, "remixed_from_video_id": VIDEO},
    ],
)
def test_videos_in_every_state_conform(contract: Contract, change: Any) -> None:
    job = {**JOB, **change}
    location = {"Location": f"/live{VIDEOS}/{VIDEO}", "x-reelay-replayed": "true"}
    assert faults(contract, job, "createVideo", **location) == []
    assert faults(contract, job, "remixVideo", **location) == []
    assert faults(contract, job, "getVideo", **{"openai-poll-after-ms": "5000"}) == []
    page = {"object": "list", "data": [job], "first_id": VIDEO, "last_id": VIDEO, "has_more": False}
    assert faults(contract, page, "listVideos") == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"object": "chat.completion"}, 'object: expected "video"'),
        ({"status": "unknown"}, 'status: expected one of "queued", "in_progress", "completed", "failed"'),
        ({"progress": 101}, "progress: expected at most 100"),
        ({"progress": 0.5}, "progress: expected an integer"),
        ({"seconds": 8}, "seconds: expected a string or null"),
        ({"error": "e"}, "error: expected an object or null"),
        ({"error": {"code": None, "message": "m"}}, "error.code: expected a string"),
    ],
)
def test_a_video_that_does_not_conform_is_told_by_place_and_rule(contract: Contract, change: Any, fault: str) -> None:
    assert faults(contract, {**JOB, **change}, "getVideo") == [fault]


@pytest.mark.parametrize("missing", sorted(JOB))
def test_a_video_is_whole(contract: Contract, missing: str) -> None:
    partial = {name: value for name, value in JOB.items() if name != missing}
    assert faults(contract, partial, "createVideo") == [f"{missing}: required, but missing"]


def test_a_deletion_of_a_video_conforms(contract: Contract) -> None:
    body = {"id": VIDEO, "object": "video.deleted", "deleted": True}
    assert faults(contract, body, "deleteVideo") == []
    assert faults(contract, body | {"object": "x"}, "deleteVideo") == ['object: expected "video.deleted"']


def test_the_time_to_wait_is_digits(contract: Contract) -> None:
    assert faults(contract, JOB, "getVideo", **{"openai-poll-after-ms": "5 s"}) == [
        "openai-poll-after-ms: expected a number of milliseconds"
    ]


@pytest.mark.parametrize("operation", ["createVideo", "remixVideo"])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 415, 418, 422, 429, 500, 502, 503, 504])
def test_a_video_fails_in_every_way_that_a_completion_does(contract: Contract, operation: str, status: int) -> None:
    body = json.dumps(Unforeseen().body()).encode()
    assert contract.answer_faults(operation, status, HEADERS, body) == []
