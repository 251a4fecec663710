"""A store that fails costs the caller nothing of the answer, and is tried again."""

from __future__ import annotations

import pytest

from reelay.errors import StoreFailed, UpstreamRefused
from reelay.journal import CALL_SECONDS, RETRY_SECONDS
from reelay.model import End, Failed, Phase
from tests.fakes import Silence
from tests.unit.relay.place import CORE, DONE, HEAD, TASK_LINE, VIDEO, House, chunk


def test_a_store_that_fails_at_the_end_costs_nothing_but_time() -> None:
    house = House(HEAD, chunk("hi", "stop"), DONE, End())
    answer = house.create()
    house.store.broken = {"save"}
    assert list(answer.pieces)[-1] == b"data: [DONE]\n\n"
    phases = [house.record.phase]
    house.store.broken = set()
    answer.then()
    assert [*phases, house.record.phase] == [Phase.SENDING, Phase.COMPLETED]
    assert house.clock.sleeps == []


def test_a_store_that_stays_down_is_tried_until_the_invocation_ends() -> None:
    house = House(HEAD, chunk("hi", "stop"), DONE, End())
    answer = house.create()
    house.store.broken = {"save", "keep_transcript", "index"}
    assert list(answer.pieces)[-1] == b"data: [DONE]\n\n"
    answer.then()
    assert tuple(house.clock.sleeps[: len(RETRY_SECONDS)]) == RETRY_SECONDS
    assert set(house.clock.sleeps[len(RETRY_SECONDS) :]) == {RETRY_SECONDS[-1]}
    assert 900 - RETRY_SECONDS[-1] - CALL_SECONDS <= house.clock.monotonic() <= 900 - CALL_SECONDS
    assert ("verdict not kept", {"record": CORE}) in house.telemetry.alarms
    assert house.record.phase is Phase.SENDING


def test_a_buffered_door_does_not_wait_long_for_a_store_that_is_down() -> None:
    house = House(HEAD, chunk("hi", "stop"), DONE, End())
    answer = house.create(live=False)
    house.store.broken = {"save"}
    list(answer.pieces)
    answer.then()
    assert house.clock.sleeps == [1, 2]


@pytest.mark.parametrize("defect", [OSError(28, "No space left on device"), StoreFailed("down"), ZeroDivisionError()])
@pytest.mark.parametrize("method", ["keep_transcript", "index"])
def test_a_verdict_without_its_transcript_or_marker_beats_none(method: str, defect: Exception) -> None:
    house = House(HEAD, chunk(VIDEO, "stop"), DONE, End())
    house.store.defects[method] = defect
    assert house.said()[-1] == b"data: [DONE]\n\n"
    assert house.record.phase is Phase.COMPLETED
    assert house.telemetry.defects == isinstance(defect, ZeroDivisionError)


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("method", ["save"])
def test_whatever_goes_wrong_while_keeping_the_answer_goes_out(method: str, live: bool) -> None:
    """Not only what the store's port promises to raise."""
    house = House(HEAD, chunk(f"> 排队中 {TASK_LINE} {VIDEO}", "stop"), DONE, End())
    house.store.defects[method] = OSError(28, "No space left on device")
    pieces = house.said(live=live)
    assert pieces[-1] == b"data: [DONE]\n\n"
    assert house.record.phase in (Phase.SENDING, Phase.ACCEPTED)
    assert ("verdict not kept", {"record": CORE}) in house.telemetry.alarms


def test_a_refusal_that_the_store_did_not_take_is_written_after_the_error_is_told() -> None:
    house = House(Failed(UpstreamRefused("no", status=400)))
    house.store.broken = {"save"}
    with pytest.raises(UpstreamRefused) as caught:
        house.create(then=False)
    phases = [house.record.phase]
    house.store.broken = set()
    caught.value.then()
    assert [*phases, house.record.phase] == [Phase.SENDING, Phase.FAILED]


def test_leftovers_that_cannot_be_deleted_cost_nobody_the_answer() -> None:
    def delete() -> None:
        house.store.delete(house.record)
        house.store.fail_once("delete")

    house = House(HEAD, chunk("hi"), delete, chunk(VIDEO, "stop"), DONE, End())
    assert house.said()[-1] == b"data: [DONE]\n\n"
    assert ("leftovers not deleted", {"record": CORE}) in house.telemetry.alarms
    assert house.store.transcripts == {}, "and it is tried again"


def test_media_that_the_record_did_not_take_at_once_are_written_again() -> None:
    house = House(HEAD, chunk(VIDEO, "stop"), DONE, End())
    answer = house.create()
    list(answer.pieces)
    house.archive.meanwhile = lambda: house.store.fail_once("save")
    answer.then()
    assert [media.archived for media in house.record.media] == [True]


def test_a_store_that_fails_in_mid_stream_is_left_alone_for_a_while() -> None:
    words = [each for number in range(20) for each in (Silence(6), chunk(f"进度 {number}%\n"))]
    house = House(HEAD, chunk(TASK_LINE), *words, chunk(None, "stop"), DONE, End())
    answer = house.create()
    house.store.broken = {"keep_transcript"}
    list(answer.pieces)
    answer.then()
    failed = [alarm for alarm in house.telemetry.alarms if alarm[0] == "progress not kept"]
    assert len(failed) == 2
