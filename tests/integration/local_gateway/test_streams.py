"""Answers of doors that stream: what reaches the caller and when, and what breaks the transfer off."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.gateway import Gateway
from tests.integration.doors.meeting import Meeting
from tests.integration.local_gateway.place import Caller, another_caller


def test_each_piece_reaches_the_caller_while_the_door_is_still_writing(caller: Caller) -> None:
    with Meeting() as meeting:
        answer = caller.ask("POST", f"/v1/stream/paced?meet={meeting.port}")
        assert answer.status == 200
        assert answer.piece() == b"one"
        meeting.go()
        assert answer.piece() == b"two"
        meeting.go()
        assert answer.piece() is None
        assert meeting.hear() == "[True, True] gone=False"


def test_the_next_request_is_served_while_a_door_works_on_after_its_answer(caller: Caller) -> None:
    with Meeting() as meeting:
        answer = caller.ask("POST", f"/v1/stream/paced?meet={meeting.port}")
        meeting.go()
        meeting.go()
        assert answer.pieces() == [b"one", b"two"]
        assert caller.ask("POST", "/v1/stream/forgets-the-end").pieces() == [b"all the same"]
        assert meeting.hear()


def test_every_piece_arrives_as_it_was_written(caller: Caller) -> None:
    answer = caller.ask("POST", "/v1/stream/pieces")

    assert answer.status == 201
    assert answer.headers["X-Door"] == "stream"
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert answer.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    assert answer.pieces() == [b"first\n", bytes(8), b"x" * 70_000, b"last\n"]


def test_one_connection_carries_one_answer_after_another(caller: Caller) -> None:
    assert len(caller.ask("POST", "/v1/stream/pieces").pieces()) == 4
    assert caller.ask("POST", "/v1/whole/returns", b'{"body": "whole"}').text() == "whole"
    assert len(caller.ask("POST", "/v1/stream/pieces").pieces()) == 4


def test_an_error_before_the_answer_is_the_templates_own_502(caller: Caller, log: Path) -> None:
    answer = caller.ask("POST", "/v1/stream/fails-before")

    assert answer.status == 502
    assert answer.headers["x-should-retry"] == "false"
    assert answer.json() == {"failed": "Internal server error", "request": answer.headers["x-amzn-RequestId"]}
    assert "502 DEFAULT_5XX ValueError " in log.read_text()


def test_a_head_that_lambda_would_not_read_is_a_502(caller: Caller) -> None:
    assert caller.ask("POST", "/v1/stream/head-too-large").status == 502


def test_an_error_in_mid_stream_breaks_the_transfer_off(caller: Caller, log: Path) -> None:
    answer = caller.ask("POST", "/v1/stream/fails-midway?length=3")

    assert answer.status == 200
    assert answer.piece() == b"half"
    with pytest.raises(ConnectionError):
        answer.piece()
    assert "/v1/stream/fails-midway 200, broken off: ValueError " in log.read_text()


def test_a_long_error_in_mid_stream_leaves_the_worker_fit_for_the_next_call(caller: Caller, gateway: Gateway) -> None:
    with pytest.raises(ConnectionError):
        caller.ask("POST", "/v1/stream/fails-midway?length=50000").pieces()
    with another_caller(gateway) as other:
        assert len(other.ask("POST", "/v1/stream/pieces").pieces()) == 4


def test_a_process_that_ends_in_mid_stream_breaks_the_transfer_off_and_the_next_call_gets_another(
    caller: Caller, gateway: Gateway
) -> None:
    answer = caller.ask("POST", "/v1/stream/exits-midway")
    assert answer.piece() == b"half"
    with pytest.raises(ConnectionError):
        answer.piece()
    with another_caller(gateway) as other:
        assert len(other.ask("POST", "/v1/stream/pieces").pieces()) == 4


def test_an_error_after_the_answer_changes_nothing_for_the_caller(caller: Caller) -> None:
    assert caller.ask("POST", "/v1/stream/fails-afterwards").pieces() == [b"whole"]


def test_a_caller_who_leaves_is_no_concern_of_the_doors(gateway: Gateway) -> None:
    with Meeting() as meeting:
        with another_caller(gateway) as leaver:
            assert leaver.ask("POST", f"/v1/stream/much?meet={meeting.port}").piece() is not None
        assert meeting.hear() == "300 pieces, gone=False"


def test_a_slow_reader_slows_the_door_down_and_loses_nothing(caller: Caller) -> None:
    with Meeting() as meeting:
        answer = caller.ask("POST", f"/v1/stream/much?meet={meeting.port}")
        assert sum(map(len, answer.pieces())) == 300 * 100_000
        assert meeting.hear() == "300 pieces, gone=False"


def test_an_answer_without_a_prelude_on_a_streamed_route_is_a_502(caller: Caller, log: Path) -> None:
    assert caller.ask("POST", "/v1/stream/returns").status == 502
    assert "a streamed route wants eight NULs within 16 KB and got none" in log.read_text()


def test_a_stream_on_a_route_with_cloudformations_word_is_a_502_as_on_aws(caller: Caller) -> None:
    assert caller.ask("POST", "/v1/misspelt/pieces").status == 502


def test_a_stream_that_is_silent_past_the_routes_time_is_broken_off(caller: Caller) -> None:
    with Meeting() as meeting:
        answer = caller.ask("POST", f"/v1/impatient-stream/paced?meet={meeting.port}")
        assert answer.piece() == b"one"
        with pytest.raises(ConnectionError):
            answer.piece()


def test_a_status_that_has_no_body_gets_none(caller: Caller) -> None:
    answer = caller.ask("POST", "/v1/stream/has-no-content")

    assert answer.status == 204
    assert "Transfer-Encoding" not in answer.headers
    assert caller.ask("POST", "/v1/stream/forgets-the-end").pieces() == [b"all the same"]


def test_a_stream_past_its_functions_time_out_is_broken_off(caller: Caller) -> None:
    with Meeting() as meeting:
        answer = caller.ask("POST", f"/v1/short-stream/paced?meet={meeting.port}")
        assert answer.piece() == b"one"
        with pytest.raises(ConnectionError):
            answer.piece()
