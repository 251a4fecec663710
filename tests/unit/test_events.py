"""A record as the world is told of it: facts for everybody, the answer itself only beside the file that asked."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from reelay import events
from reelay.contract import Contract
from reelay.errors import BadRequest
from reelay.ids import completion_id, video_id
from reelay.model import Media, MediaKind, Notice, Phase, Problem, Record
from tests.fakes import NOON, TENANT, new_record

SECRET = "the caller's own words"
SOURCE = "https://files.example/a.mp4?sig=hidden"
ARCHIVED = Media(MediaKind.VIDEO, SOURCE, key="k", size=3, sha256="ab" * 32, content_type="video/mp4")
GONE = Media(MediaKind.THUMBNAIL, "https://files.example/a.webp", reason="the host answered 404")
PROBLEM = Problem(SECRET, "upstream_error", "messages[0]", "upstream_broken", 502, charged=True)
ENDED = new_record(
    finished=int(NOON) + 60,
    metadata={"project": "space-dogs"},
    request={"model": "sora-2", "messages": [{"role": "user", "content": SECRET}]},
    drop="inbox/a dog.json",
)
COMPLETED = replace(
    ENDED,
    phase=Phase.COMPLETED,
    completion={"id": completion_id(ENDED.id), "choices": [{"message": {"content": f"{SECRET} {SOURCE}"}}]},
    media=(ARCHIVED, GONE),
)
FAILED = replace(ENDED, phase=Phase.FAILED, problem=PROBLEM)
UNKNOWN = replace(FAILED, phase=Phase.UNKNOWN)
TOLD = [(COMPLETED, Notice.COMPLETED), (COMPLETED, Notice.ARCHIVED), (FAILED, Notice.FAILED), (UNKNOWN, Notice.FAILED)]


@pytest.fixture(scope="module")
def contract() -> Contract:
    return Contract.load()


def test_a_completion_is_told_by_its_names_and_labels() -> None:
    event = events.told(COMPLETED, Notice.COMPLETED)
    assert event.notice == "Completion Completed"
    assert event.detail == {
        "notice_id": f"{ENDED.id}.completed",
        "id": completion_id(ENDED.id),
        "video_id": video_id(ENDED.id),
        "tenant": TENANT,
        "model": "sora-2",
        "status": "completed",
        "created": int(NOON),
        "finished": int(NOON) + 60,
        "metadata": {"project": "space-dogs"},
        "error": None,
        "drop": "inbox/a dog.json",
    }


@pytest.mark.parametrize("record", [FAILED, UNKNOWN])
def test_a_failure_is_told_without_its_words(record: Record) -> None:
    detail = events.told(record, Notice.FAILED).detail
    assert detail["status"] == "failed"
    assert detail["error"] == {"type": "upstream_error", "code": "upstream_broken", "status": 502, "charged": True}


def test_media_are_told_by_where_they_are_read_from() -> None:
    archived, gone = events.told(COMPLETED, Notice.ARCHIVED).detail["media"]
    assert archived == {
        "kind": "video",
        "status": "archived",
        "content": f"/v1/videos/{video_id(ENDED.id)}/content?variant=video",
        "size": 3,
        "sha256": "ab" * 32,
        "content_type": "video/mp4",
    }
    assert (gone["kind"], gone["status"], gone["content"]) == ("thumbnail", "unavailable", None)


@pytest.mark.parametrize(("record", "notice"), TOLD)
def test_every_event_is_one_of_the_contract(contract: Contract, record: Record, notice: Notice) -> None:
    for each in (record, replace(record, drop=None, metadata={}), replace(record, model="", media=record.media[:1])):
        assert contract.event_faults(notice, events.told(each, notice).detail) == []


@pytest.mark.parametrize(("record", "notice"), TOLD)
def test_no_event_holds_content(record: Record, notice: Notice) -> None:
    detail = json.dumps(events.told(record, notice).detail)
    assert SECRET not in detail
    assert "hidden" not in detail
    assert "404" not in detail
    assert "messages[0]" not in detail


def test_an_event_does_not_change_when_its_record_does() -> None:
    labels = {"a": "b"}
    event = events.told(replace(COMPLETED, metadata=labels), Notice.COMPLETED)
    labels["a"] = "c"
    assert event.detail["metadata"] == {"a": "b"}


def test_what_lies_beside_a_file_is_the_completion_with_its_labels_and_media() -> None:
    outcome: dict[str, Any] = dict(events.outcome(COMPLETED))
    media = outcome.pop("media")
    assert outcome == {**(COMPLETED.completion or {}), "metadata": {"project": "space-dogs"}}
    assert [(each["source"], each["reason"]) for each in media] == [(m.source, m.reason) for m in COMPLETED.media]
    assert media[0]["content"] == events.content_path(COMPLETED, ARCHIVED)


@pytest.mark.parametrize("record", [FAILED, UNKNOWN])
def test_or_the_error_in_the_same_words_as_over_http(record: Record) -> None:
    error = {"message": SECRET, "type": "upstream_error", "param": "messages[0]", "code": "upstream_broken"}
    assert events.outcome(record) == {"id": completion_id(record.id), "error": error}
    assert BadRequest("x", param="y").body()["error"].keys() == error.keys()


def test_only_what_is_archived_can_be_read() -> None:
    assert events.content_path(COMPLETED, GONE) is None


def test_every_outcome_can_be_written() -> None:
    for record in (COMPLETED, FAILED, UNKNOWN, replace(COMPLETED, completion=None, media=())):
        json.dumps(events.outcome(record))
