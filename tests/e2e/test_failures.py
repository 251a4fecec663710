"""Every way in which the upstream has been seen to fail, through the door: what is told, and what is kept."""

from __future__ import annotations

from typing import Any

import pytest

from dev.simulator import Simulator
from reelay.exchange import PIECE_BYTES, REPLY_BYTES
from reelay.model import Phase
from reelay.s3 import s3_client
from tests.e2e.local_house import PROMPT, LocalHouse, Reply
from tests.fakes import FakeClock

# model -> status, code, whether it may have been charged, the phase that stays, calls that reached the upstream
REFUSALS: dict[str, tuple[int, str | None, bool, Phase, int]] = {
    "sim-400-invalid-request": (400, "invalid_request", False, Phase.FAILED, 1),
    "sim-400-bad-request-body": (400, "bad_request_body", False, Phase.FAILED, 1),
    "sim-400-empty-code": (400, "upstream_error", False, Phase.FAILED, 1),
    "sim-400-null-code": (400, "upstream_error", False, Phase.FAILED, 1),
    "sim-sentinel-block": (400, "sentinel_block", False, Phase.FAILED, 1),
    "sim-moderation-blocked": (400, "moderation_blocked", True, Phase.FAILED, 1),
    "sim-401": (401, "invalid_api_key", False, Phase.FAILED, 1),
    "sim-401-expired": (401, "invalid_api_key", False, Phase.FAILED, 1),
    "sim-401-used-up": (401, "invalid_api_key", False, Phase.FAILED, 1),
    "sim-403-quota": (403, "insufficient_user_quota", False, Phase.FAILED, 1),
    "sim-404-model-not-found": (404, "model_not_found", False, Phase.FAILED, 1),
    "sim-408": (408, "upstream_error", True, Phase.UNKNOWN, 1),
    "sim-413": (413, "request_too_large", False, Phase.FAILED, 1),
    "sim-429": (429, "rate_limit_exceeded", False, Phase.FAILED, 3),
    "sim-429-empty": (429, "rate_limit_exceeded", False, Phase.FAILED, 3),
    "sim-503-model-not-found": (503, "model_not_found", False, Phase.FAILED, 1),
    "sim-503-retry-after": (503, "rate_limit_exceeded", False, Phase.FAILED, 3),
    "sim-503": (503, "upstream_error", True, Phase.UNKNOWN, 1),
    "sim-500-do-request-failed": (500, "do_request_failed", True, Phase.UNKNOWN, 1),
    "sim-500-bad-response": (500, "bad_response_status_code", True, Phase.UNKNOWN, 1),
    "sim-502-html": (502, "upstream_broken", True, Phase.UNKNOWN, 1),
    "sim-504-html": (502, "upstream_broken", True, Phase.UNKNOWN, 1),
    "sim-520-html": (502, "upstream_broken", True, Phase.UNKNOWN, 1),
    "sim-521-html": (502, "upstream_broken", True, Phase.UNKNOWN, 1),
    "sim-522-html": (502, "upstream_broken", True, Phase.UNKNOWN, 1),
    "sim-523-html": (502, "upstream_broken", True, Phase.UNKNOWN, 1),
    "sim-524-html": (502, "upstream_broken", True, Phase.UNKNOWN, 1),
    "sim-307": (502, "upstream_broken", True, Phase.UNKNOWN, 1),
    "sim-empty-200": (502, "upstream_broken", True, Phase.UNKNOWN, 1),
    "sim-html-200": (502, "upstream_broken", True, Phase.UNKNOWN, 1),
    "sim-200-error-json": (502, "bad_response", True, Phase.FAILED, 1),
    "sim-closed-at-once": (502, "upstream_broken", True, Phase.UNKNOWN, 1),
    "sim-gzip-bomb": (502, "upstream_broken", True, Phase.UNKNOWN, 1),
}
LATE: dict[str, Phase] = {
    "sim-stream-error": Phase.FAILED,
    "sim-stream-error-no-done": Phase.FAILED,
    "sim-stream-error-late": Phase.FAILED,
    "sim-stream-error-first": Phase.FAILED,
    "sim-long-line": Phase.UNKNOWN,
    "sim-cut": Phase.UNKNOWN,
    "sim-cut-before-task": Phase.UNKNOWN,
    "sim-cut-chunked": Phase.UNKNOWN,
    "sim-cut-mid-frame": Phase.UNKNOWN,
    "sim-chunk-size-cut": Phase.UNKNOWN,
    "sim-content-length-lies": Phase.UNKNOWN,
    "sim-reset": Phase.UNKNOWN,
}


@pytest.fixture
def patient(simulator: Simulator, bucket: str, aws_environment: None) -> LocalHouse:  # noqa: ARG001 - where S3 is
    """A house whose pauses between attempts take no time."""
    return LocalHouse(simulator, s3_client(), bucket, FakeClock())


def assert_is_told(house: LocalHouse, reply: Reply, status: int, code: str | None, *, charged: bool) -> None:
    """The envelope, in words that are neither HTML nor the prompt, with what to do next."""
    assert (reply.status, reply.error["code"]) == (status, code)
    assert set(reply.error) == {"message", "type", "param", "code"}
    assert reply.error["message"]
    assert "<" not in reply.error["message"]
    assert PROMPT not in reply.error["message"]
    assert (reply.headers.get("x-should-retry") == "false") == (charged or code == "model_not_found")
    assert house.house.contract.answer_faults("createChatCompletion", reply.status, reply.headers, reply.body) == []


@pytest.mark.case("silent-after-send", "upstream-401", "model-not-found", "error-in-200", "gzip-bomb", "html-served")
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("model", REFUSALS)
def test_an_error_of_the_upstream_keeps_its_meaning(patient: LocalHouse, model: str, stream: bool) -> None:
    status, code, charged, phase, posts = REFUSALS[model]
    reply = patient.create(model, stream=stream)
    assert_is_told(patient, reply, status, code, charged=charged)
    assert patient.simulator.posts == posts
    record = patient.only_record()
    assert (record.phase, record.completion) == (phase, None)
    assert record.problem is not None
    assert record.problem.charged == charged


@pytest.mark.case("cut-anywhere", "error-event", "endless-line")
@pytest.mark.parametrize("model", LATE)
def test_a_stream_that_breaks_off_is_never_taken_for_a_whole_one(house: LocalHouse, model: str) -> None:
    reply = house.create(model)
    record = house.only_record()
    assert (record.phase, record.completion, house.simulator.posts) == (LATE[model], None, 1)
    if reply.status == 200:
        *_, error, done = reply.frames
        assert done == "[DONE]"
        assert set(error["error"]) == {"message", "type", "param", "code"}
        assert house.house.contract.chunk_faults(error) == []
    else:  # nothing had been said yet, so the status still could
        assert (reply.status, reply.headers["x-should-retry"]) == (502, "false")
    sent = b"".join(frame.data for frame in house.simulator.sent)
    transcript = house.transcript(f"chatcmpl-{record.id}")
    assert transcript
    assert sent.startswith(transcript) or transcript.startswith(sent)


@pytest.mark.case("cut-anywhere")
@pytest.mark.parametrize("model", LATE)
def test_a_whole_answer_that_breaks_off_is_an_error_that_nobody_repeats(house: LocalHouse, model: str) -> None:
    reply = house.create(model, stream=False)
    record = house.only_record()
    assert (record.phase, record.completion, house.simulator.posts) == (Phase.UNKNOWN, None, 1)
    assert reply.status in (500, 502)
    assert reply.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("model", ["sim-400-invalid-request", "sim-429", "sim-500-do-request-failed", "sim-413"])
def test_the_upstreams_own_request_id_is_in_a_header(patient: LocalHouse, model: str) -> None:
    reply = patient.create(model)
    assert reply.headers["x-upstream-request-id"].startswith("2")
    assert reply.headers["x-request-id"]


def test_a_busy_upstream_says_when_to_come_back(patient: LocalHouse) -> None:
    for model in ("sim-429", "sim-429-empty", "sim-503-retry-after"):
        assert int(patient.create(model).headers["Retry-After"]) >= 1


@pytest.mark.case("busy-then-fine")
def test_a_busy_upstream_that_recovers_costs_one_accepted_call(patient: LocalHouse) -> None:
    reply = patient.create("sim-429-then-ok")
    assert ".mp4" in reply.content
    assert patient.simulator.posts == 2
    clock: Any = patient.house.clock
    assert sum(clock.sleeps) >= patient.simulator.retry_after


@pytest.mark.case("unreachable")
def test_an_upstream_that_is_not_there_is_told_without_a_charge(
    simulator: Simulator, bucket: str, aws_environment: None  # noqa: ARG001 - sets where S3 is
) -> None:  # fmt: skip
    nowhere = LocalHouse(simulator, s3_client(), bucket, FakeClock(), upstream_base_url="http://127.0.0.1:9/v1")
    reply = nowhere.create("sora-2")
    assert_is_told(nowhere, reply, 502, "upstream_unreachable", charged=False)
    assert nowhere.only_record().phase is Phase.FAILED


def test_a_failed_completion_tells_its_failure_again_and_no_client_repeats_it(house: LocalHouse) -> None:
    house.create("sim-cut")
    again = house.call("GET", f"/v1/chat/completions/chatcmpl-{house.only_record().id}")
    assert (again.status, again.error["code"]) == (502, "outcome_unknown")
    assert again.headers["x-should-retry"] == "false"
    assert house.call("GET", "/v1/chat/completions").json["data"] == []


@pytest.mark.case("silent-after-send", "endless-stream")
@pytest.mark.parametrize(
    ("model", "stream", "status"),
    [
        ("sim-silence", True, 504),
        ("sim-silence", False, 504),
        ("sim-silence-after-head", True, 504),
        ("sim-silence-after-head", False, 504),
        ("sim-silence-mid-stream", False, 504),
        ("sim-silence-mid-stream", True, 200),
        ("sim-endless-drip", True, 200),
        ("sim-endless-drip", False, 504),
    ],
)
def test_silence_and_endless_answers_end_with_the_time_there_is(
    house: LocalHouse, model: str, stream: bool, status: int
) -> None:
    reply = house.hurried(model, stream=stream, seconds=1.0)
    assert reply.status == status
    error = reply.frames[-2]["error"] if status == 200 else reply.error
    assert error["code"] == "upstream_timeout"
    assert house.simulator.posts == 1
    assert house.only_record().phase is Phase.UNKNOWN


@pytest.mark.case("endless-stream")
def test_an_endless_flood_ends_at_the_largest_reply_that_is_read(house: LocalHouse) -> None:
    reply = house.create("sim-endless-flood")
    assert reply.frames[-2]["error"]["code"] == "outcome_unknown"
    assert 0 <= REPLY_BYTES - house.only_record().transcript_bytes < PIECE_BYTES
