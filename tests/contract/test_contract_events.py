"""Requests that did not come by HTTP are held to the same contract, and so is what is told to the world."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reelay.contract import Contract
from reelay.errors import CallerError
from reelay.model import Notice
from tests.contract.bad_inputs import CHAT, MIB, PROMPT, VIDEOS, request
from tests.contract.proxy_events import rest_event

CORE = "01kmbq6b80g00000000000000a"
VIDEO = {"prompt": "a dog in space", "seconds": 8}
MEDIA = {
    "kind": "video",
    "status": "archived",
    "content": f"/v1/videos/video_{CORE}/content?variant=video",
    "size": 5,
    "sha256": "0" * 64,
    "content_type": "video/mp4",
}
DETAIL: dict[str, Any] = {
    "notice_id": f"{CORE}.completed",
    "id": f"chatcmpl-{CORE}",
    "video_id": f"video_{CORE}",
    "tenant": "t",
    "model": "sora-2",
    "status": "completed",
    "created": 1795424400,
    "finished": 1795424610,
    "metadata": {"project": "trailer"},
    "error": None,
    "drop": None,
}
FAILURE = {"type": "upstream_error", "code": "outcome_unknown", "status": 502, "charged": True}
SAMPLES = {
    Notice.COMPLETED: DETAIL,
    Notice.FAILED: DETAIL | {"status": "failed", "error": FAILURE},
    Notice.ARCHIVED: DETAIL | {"media": [MEDIA]},
}


def refused(contract: Contract, raw: bytes) -> CallerError:
    with pytest.raises(CallerError) as caught:
        contract.read_event(raw)
    return caught.value


# ── Events in ──


def test_a_chat_completion_is_asked_for_by_an_event(contract: Contract) -> None:
    raw = json.dumps(request(stream=True, new=1), indent=1).encode()
    call = contract.read_event(raw)
    assert (call.operation, call.body, call.raw) == ("createChatCompletion", json.loads(raw), raw)
    assert (call.path, call.request_id, call.token, call.parameters) == (CHAT, "", None, {})
    assert call.headers == {"content-type": "application/json"}


def test_a_video_is_asked_for_by_an_event_that_has_a_prompt(contract: Contract) -> None:
    call = contract.read_event(json.dumps({**VIDEO, "new": 1}).encode())
    assert (call.operation, call.path) == ("createVideo", VIDEOS)
    assert call.body == {"prompt": "a dog in space", "model": "sora-2", "seconds": "8"}


def test_an_event_with_messages_is_a_chat_completion_even_with_a_prompt(contract: Contract) -> None:
    assert contract.read_event(json.dumps(request(prompt="x")).encode()).operation == "createChatCompletion"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, ""),
        (CHAT, "null"),
        (CHAT, "[]"),
        (CHAT, '"prompt"'),
        (CHAT, "{"),
        (CHAT, "{}"),
        (CHAT, "[" * 100_000),
        (CHAT, '{"prompt":"x","prompt":"x"}'),
        (CHAT, json.dumps(request(temperature=float("nan")))),
        (CHAT, json.dumps(request(messages=[{"role": "robot", "content": PROMPT}]))),
        (CHAT, json.dumps({"prompt": PROMPT, "messages": []})),
        (CHAT, "x" * 7 * MIB),
        (VIDEOS, json.dumps({"prompt": ""})),
        (VIDEOS, json.dumps({"prompt": PROMPT, "seconds": "4s", "size": 5})),
        (VIDEOS, json.dumps({"prompt": PROMPT, "input_reference": {"file_id": "f"}})),
    ],
)
def test_an_event_is_refused_as_the_same_request_by_http_is(contract: Contract, path: str, body: str) -> None:
    with pytest.raises(CallerError) as by_http:
        contract.read(rest_event("POST", path, body=body))
    error = refused(contract, body.encode())
    assert type(error) is type(by_http.value)
    assert error.body() == by_http.value.body()
    assert PROMPT not in error.message


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"\xef\xbb\xbf{}", json.dumps(VIDEO).encode("utf-16")])
def test_an_event_is_utf8_without_a_mark(contract: Contract, raw: bytes) -> None:
    assert refused(contract, raw).code == "invalid_json"


def test_an_event_needs_no_token_whatever_the_setting(contract: Contract) -> None:
    assert contract.read_event(json.dumps(VIDEO).encode()).token is None
    assert Contract.load(allow_anonymous=True).read_event(json.dumps(VIDEO).encode()).token is None


# ── Events out ──


@pytest.mark.parametrize("notice", Notice)
def test_what_is_told_conforms(contract: Contract, notice: Notice) -> None:
    assert contract.event_faults(notice, SAMPLES[notice]) == []
    assert contract.event_faults(notice.value, SAMPLES[notice] | {"drop": "inbox/a.json", "metadata": {}}) == []


@pytest.mark.parametrize("notice", Notice)
@pytest.mark.parametrize("missing", sorted(DETAIL))
def test_what_is_told_is_whole(contract: Contract, notice: Notice, missing: str) -> None:
    partial = {name: value for name, value in SAMPLES[notice].items() if name != missing}
    assert f"{missing}: required, but missing" in contract.event_faults(notice, partial)


@pytest.mark.parametrize("notice", Notice)
@pytest.mark.parametrize("name", ["prompt", "request", "completion", "message", "source", "link"])
def test_there_is_no_room_for_content(contract: Contract, notice: Notice, name: str) -> None:
    assert contract.event_faults(notice, SAMPLES[notice] | {name: PROMPT}) == [f"{name}: not expected here"]


@pytest.mark.parametrize(
    ("notice", "change", "fault"),
    [
        (Notice.COMPLETED, {"id": f"video_{CORE}"}, "id: expected the id of a completion"),
        (Notice.COMPLETED, {"video_id": CORE}, "video_id: expected the id of a video"),
        (Notice.COMPLETED, {"status": "failed"}, 'status: expected "completed"'),
        (Notice.COMPLETED, {"error": FAILURE}, "error: expected null"),
        (Notice.COMPLETED, {"media": [MEDIA]}, "media: expected null"),
        (Notice.COMPLETED, {"metadata": {"k": 5}}, "metadata.k: expected a string"),
        (Notice.FAILED, {"error": None}, "error: expected an object"),
        (Notice.FAILED, {"status": "completed"}, 'status: expected "failed"'),
        (Notice.FAILED, {"error": {**FAILURE, "message": "m"}}, "error.message: not expected here"),
        (Notice.FAILED, {"error": {**FAILURE, "status": 200}}, "error.status: expected at least 400"),
        (Notice.ARCHIVED, {"media": None}, "media: expected an array"),
        (Notice.ARCHIVED, {"media": []}, "media: expected at least 1 item"),
        (Notice.ARCHIVED, {"media": [{**MEDIA, "source": "s"}]}, "media[0].source: not expected here"),
        (
            Notice.ARCHIVED,
            {"media": [{**MEDIA, "content": "https://x"}]},
            "media[0].content: expected a path of this contract",
        ),
        (Notice.ARCHIVED, {"media": [{**MEDIA, "sha256": "x"}]}, "media[0].sha256: expected 64 hexadecimal digits"),
    ],
)
def test_what_does_not_conform_is_told_by_place_and_rule(
    contract: Contract, notice: Notice, change: Any, fault: str
) -> None:
    assert contract.event_faults(notice, SAMPLES[notice] | change) == [fault]


def test_media_are_told_of_where_there_are_some(contract: Contract) -> None:
    assert contract.event_faults(Notice.ARCHIVED, DETAIL) == ["media: required, but missing"]
    nothing = dict.fromkeys(["content", "size", "sha256", "content_type"])
    gone = {"kind": "thumbnail", "status": "unavailable", **nothing}
    assert contract.event_faults(Notice.ARCHIVED, DETAIL | {"media": [MEDIA, gone]}) == []


def test_an_event_that_is_not_in_the_contract_is_a_defect_of_the_caller(contract: Contract) -> None:
    with pytest.raises(KeyError):
        contract.event_faults("Completion Begun", DETAIL)
