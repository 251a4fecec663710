"""What goes wrong before, during and after the answer: what the caller is told, and what counts as doubt."""

from __future__ import annotations

import json

import pytest

from reelay.errors import ReelayError, Unforeseen, UpstreamBroken, UpstreamRefused, UpstreamSilent, UpstreamUnreachable
from reelay.ids import completion_id
from reelay.model import Answer, Data, End, Failed, Phase
from reelay.relay import Begun
from tests.fakes import Silence, new_record
from tests.unit.relay.place import CORE, HEAD, TASK, TASK_LINE, House, chunk


def test_a_refusal_before_the_first_byte_keeps_its_status() -> None:
    house = House(Silence(19), Failed(UpstreamRefused("no such model", status=404, code="model_not_found"), b"raw"))
    with pytest.raises(UpstreamRefused) as caught:
        house.create()
    assert (caught.value.status, house.record.phase) == (404, Phase.FAILED)
    assert caught.value.headers["Content-Location"] == f"/live/v1/chat/completions/{completion_id(CORE)}"
    assert house.store.transcripts[CORE] == b"raw"


@pytest.mark.parametrize("stream", [True, False])
def test_a_failure_after_the_first_byte_is_told_in_the_answer(stream: bool) -> None:
    house = House(Silence(21), Failed(UpstreamSilent("nothing came", charged=True)), stream=stream)
    pieces = house.said()
    last = pieces[1].removeprefix(b"data: ") if stream else pieces[1]
    assert json.loads(last)["error"]["message"] == "nothing came"
    assert pieces[2:] == ([b"data: [DONE]\n\n"] if stream else [])
    assert house.record.phase is Phase.UNKNOWN


@pytest.mark.parametrize(
    ("error", "phase"),
    [
        (UpstreamSilent("silent", charged=True), Phase.UNKNOWN),
        (UpstreamBroken("html", charged=True), Phase.UNKNOWN),
        (UpstreamRefused("moderated", status=400, charged=True), Phase.FAILED),
        (UpstreamRefused("408", status=408, charged=True), Phase.UNKNOWN),
        (UpstreamRefused("503", status=503, code="model_not_found"), Phase.FAILED),
    ],
)
def test_doubt_is_what_may_have_been_charged_without_a_word_about_the_job(error: ReelayError, phase: Phase) -> None:
    house = House(Failed(error))
    with pytest.raises(ReelayError):
        house.create()
    assert house.record.phase is phase
    assert (("OutcomeUnknown", 1, "Count") in house.telemetry.counts) is (phase is Phase.UNKNOWN)


@pytest.mark.parametrize(
    ("error", "upstreams"),
    [
        (UpstreamSilent("silent", charged=True), True),
        (UpstreamBroken("html", charged=True), True),
        (UpstreamUnreachable("no way"), True),
        (UpstreamRefused("500", status=500), True),
        (UpstreamRefused("503", status=503, code="model_not_found"), False),
        (UpstreamRefused("moderated", status=400, charged=True), False),
    ],
)
def test_what_is_the_upstreams_own_fault_is_counted_apart(error: ReelayError, upstreams: bool) -> None:
    house = House(Failed(error))
    with pytest.raises(ReelayError):
        house.create()
    assert ("UpstreamFailures", 1, "Count") in house.telemetry.counts
    assert (("UpstreamServerErrors", 1, "Count") in house.telemetry.counts) is upstreams


def test_an_answer_that_is_cut_is_doubt_and_names_the_task() -> None:
    task = "task_01k7e5w9z5f2d91pekrqy59rwc"
    house = House(HEAD, chunk(f"> ID: `{task}`\n> 排队中"), End())
    last = json.loads(house.said()[-2].removeprefix(b"data: "))["error"]
    assert last["code"] == "outcome_unknown"
    assert task in last["message"]
    assert (house.record.phase, house.record.task_id) == (Phase.UNKNOWN, task)


@pytest.mark.parametrize("error", [UpstreamBroken("reset", charged=True), UpstreamSilent("silent", charged=True)])
def test_a_failure_in_mid_stream_names_the_job(error: ReelayError) -> None:
    last = json.loads(House(HEAD, chunk(TASK_LINE), Failed(error)).said()[-2].removeprefix(b"data: "))["error"]
    assert TASK in last["message"]
    assert completion_id(CORE) in last["message"]
    assert last["code"] == ("outcome_unknown" if isinstance(error, UpstreamBroken) else "upstream_timeout")


def test_a_defect_in_mid_stream_is_doubt_and_an_error_frame() -> None:
    def defect() -> None:
        raise ZeroDivisionError

    house = House(HEAD, chunk("hi"), defect, End())
    assert json.loads(house.said()[-2].removeprefix(b"data: "))["error"]["code"] == "internal_error"
    assert house.record.phase is Phase.UNKNOWN
    assert house.exchange.closed
    assert house.telemetry.defects == 1


def test_a_defect_once_money_may_be_taken_is_counted_and_answered_as_charged() -> None:
    def broken() -> Answer:
        raise ZeroDivisionError

    house = House(End())
    line = house.upstream.dial(900)
    with pytest.raises(Unforeseen) as caught:
        house.relay.charged(Begun(new_record(), line, "sk-1"), broken)
    assert (caught.value.charged, house.telemetry.defects, line.closed) == (True, 1, True)


@pytest.mark.parametrize("code", ["model_not_found", "invalid_api_key", "sentinel_block"])
def test_an_error_after_the_job_had_begun_may_have_been_charged_whatever_its_code(code: str) -> None:
    error = Data(b"data: " + json.dumps({"error": {"message": "no", "code": code}}).encode() + b"\n\n")
    house = House(HEAD, chunk(TASK_LINE), error, End())
    house.said()
    assert house.record.problem
    assert house.record.problem.charged
