"""The life of a record: every phase met by every fact."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reelay.jobs import (
    PROGRESS_SECONDS,
    Archived,
    Fact,
    Finished,
    InDoubt,
    Overdue,
    Progressed,
    Refused,
    Relabelled,
    Step,
    next_step,
)
from reelay.model import Media, MediaKind, Phase, Problem, Record

NOW = 1_795_510_800
PROBLEM = Problem("words", "upstream_error", None, "upstream_error", 502, charged=True)
COMPLETION = {"id": "chatcmpl-x", "choices": []}
RECORD = Record(id="01k9zzzzzzzzzzzzzzzzzzzzzz", tenant="a" * 32, created=NOW, updated=NOW, model="sora-2", stream=True)
SEEN_TASK = Progressed(task_id="task_01k7e5w9z5f2d91pekrqy59rwc", status="queued")


@pytest.mark.parametrize(
    ("phase", "fact", "after"),
    [
        (Phase.SENDING, Progressed(status="queued"), Phase.SENDING),
        (Phase.SENDING, SEEN_TASK, Phase.ACCEPTED),
        (Phase.SENDING, Finished(COMPLETION), Phase.COMPLETED),
        (Phase.SENDING, Refused(PROBLEM), Phase.FAILED),
        (Phase.SENDING, InDoubt(PROBLEM), Phase.UNKNOWN),
        (Phase.ACCEPTED, SEEN_TASK, Phase.ACCEPTED),
        (Phase.ACCEPTED, Finished(COMPLETION), Phase.COMPLETED),
        (Phase.ACCEPTED, Refused(PROBLEM), Phase.FAILED),
        (Phase.ACCEPTED, InDoubt(PROBLEM), Phase.UNKNOWN),
        (Phase.COMPLETED, SEEN_TASK, Phase.COMPLETED),
        (Phase.COMPLETED, Finished({"id": "other"}), Phase.COMPLETED),
        (Phase.COMPLETED, Refused(PROBLEM), Phase.COMPLETED),
        (Phase.COMPLETED, InDoubt(PROBLEM), Phase.COMPLETED),
        (Phase.FAILED, SEEN_TASK, Phase.FAILED),
        (Phase.FAILED, Finished(COMPLETION), Phase.FAILED),
        (Phase.FAILED, Refused(PROBLEM), Phase.FAILED),
        (Phase.FAILED, InDoubt(PROBLEM), Phase.FAILED),
        (Phase.UNKNOWN, SEEN_TASK, Phase.UNKNOWN),
        (Phase.UNKNOWN, Finished(COMPLETION), Phase.COMPLETED),
        (Phase.UNKNOWN, Refused(PROBLEM), Phase.UNKNOWN),
        (Phase.UNKNOWN, InDoubt(PROBLEM), Phase.UNKNOWN),
    ],
)
def test_each_phase_meets_each_fact(phase: Phase, fact: Fact, after: Phase) -> None:
    step = next_step(replace(RECORD, phase=phase), fact, NOW + 1)
    assert step.record.phase is after
    assert step.write == (step.record.phase is not phase)


def test_a_completed_record_keeps_its_first_completion() -> None:
    completed = next_step(RECORD, Finished(COMPLETION), NOW).record
    assert next_step(completed, Finished({"id": "other"}), NOW).record.completion == COMPLETION


def test_a_late_answer_turns_doubt_into_a_completion_without_a_problem() -> None:
    unknown = next_step(RECORD, InDoubt(PROBLEM), NOW).record
    completed = next_step(unknown, Finished(COMPLETION), NOW).record
    assert (completed.phase, completed.problem, completed.completion) == (Phase.COMPLETED, None, COMPLETION)


def test_progress_alone_is_written_at_most_every_few_seconds() -> None:
    accepted = next_step(RECORD, SEEN_TASK, NOW).record
    fact = Progressed(status="in_progress", percent=36)
    assert not next_step(accepted, fact, NOW + PROGRESS_SECONDS - 1).write
    assert next_step(accepted, fact, NOW + PROGRESS_SECONDS).write


def test_progress_that_did_not_change_is_never_written() -> None:
    accepted = next_step(RECORD, SEEN_TASK, NOW).record
    assert not next_step(accepted, SEEN_TASK, NOW + 1000).write


def test_progress_never_goes_back() -> None:
    ahead = replace(RECORD, phase=Phase.ACCEPTED, progress=69)
    assert next_step(ahead, Progressed(percent=44, status="in_progress"), NOW + 60).record.progress == 69


def test_a_record_that_keeps_nothing_never_holds_content() -> None:
    secret = replace(RECORD, keeps=False)
    assert next_step(secret, Finished(COMPLETION), NOW).record.completion is None
    media = (Media(MediaKind.VIDEO, "https://example.com/a.mp4", reason="gone"),)
    assert next_step(secret, Archived(media), NOW) == next_step(secret, Archived(()), NOW)


@pytest.mark.parametrize("phase", Phase)
def test_an_open_record_past_its_lease_is_in_doubt_and_no_other_is(phase: Phase) -> None:
    record = replace(RECORD, phase=phase, lease=NOW + 10, task_id=SEEN_TASK.task_id)
    assert next_step(record, Overdue(), NOW + 9) == Step(record, write=False)
    late = next_step(record, Overdue(), NOW + 10)
    if phase in (Phase.SENDING, Phase.ACCEPTED):
        assert late.record.phase is Phase.UNKNOWN
        assert late.record.problem
        assert str(SEEN_TASK.task_id) in late.record.problem.message
        assert late.record.problem.code == "outcome_unknown"
    else:
        assert not late.write


def test_metadata_and_media_change_in_any_phase() -> None:
    media = (Media(MediaKind.VIDEO, "https://example.com/a.mp4", key="k"),)
    for phase in Phase:
        record = replace(RECORD, phase=phase)
        assert next_step(record, Relabelled({"a": "b"}), NOW).record.metadata == {"a": "b"}
        assert next_step(record, Archived(media), NOW).record.media == media
