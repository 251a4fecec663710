"""Functions as processes: their environment, how many there are, when one is ended, and calls without HTTP."""

from __future__ import annotations

import socket
import urllib.parse
from contextlib import ExitStack
from pathlib import Path

import pytest
import urllib3

from dev.gateway import FunctionFailed, Gateway
from tests.integration.doors.meeting import PATIENCE_SECONDS, Meeting
from tests.integration.local_gateway.place import DOORS, Caller, another_caller

MANY = 8


def test_a_function_past_its_time_out_is_ended_and_the_next_call_gets_another(caller: Caller, log: Path) -> None:
    with Meeting() as meeting:
        answer = caller.ask("POST", f"/v1/short/waits?meet={meeting.port}")
        assert answer.status == 502
        first = meeting.hear()
        assert meeting.hear() == ""
    assert caller.ask("POST", "/v1/short/shows").json()["process"] != int(first)
    assert "ShortFunction: ended after 1 s, its time-out" in log.read_text()


def test_a_worker_is_kept_and_another_is_started_only_while_it_is_busy(gateway: Gateway, caller: Caller) -> None:
    with Meeting() as meeting, another_caller(gateway) as other:
        # A worker that has just answered may not be back yet when the next call comes; then a second one serves it.
        served = [caller.ask("POST", "/v1/whole/shows").json()["process"] for _ in range(6)]
        assert len(set(served)) < len(served)
        other.connection.sendall(f"POST /v1/whole/waits?meet={meeting.port} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        busy = int(meeting.hear())
        second = caller.ask("POST", "/v1/whole/shows").json()["process"]
        assert second != busy
        meeting.go()
        assert other.answer().text() == "waited"


def test_a_door_finds_what_lambda_would_give_it(caller: Caller) -> None:
    shows = caller.ask("POST", "/v1/whole/shows").json()
    environment = shows["environment"]

    assert shows["folder"] == environment["LAMBDA_TASK_ROOT"] == str(DOORS / "whole")
    assert shows["function"] == environment["AWS_LAMBDA_FUNCTION_NAME"] == "WholeFunction"
    assert environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert environment["_HANDLER"] == "app.handler"
    assert environment["AWS_REGION"] == "us-east-1"
    assert 19_000 < shows["remaining"] <= 20_000


def test_a_doors_variables_are_the_templates_under_those_of_the_stack(caller: Caller) -> None:
    environment = caller.ask("POST", "/v1/whole/shows").json()["environment"]

    assert environment["GREETING"] == "hello, us-east-1"
    assert (environment["SHARED"], environment["LOUD"]) == ("own", "no")
    assert environment["BUCKET_NAME"] == "local-bucket"
    assert "PYTEST_CURRENT_TEST" not in environment


def test_a_function_can_be_invoked_directly(gateway: Gateway) -> None:
    assert gateway.invoke("WholeFunction", {"Records": [1]}) == {"direct": {"Records": [1]}}


def test_a_page_in_a_browser_may_not_invoke_functions(gateway: Gateway) -> None:
    path = "/2015-03-31/functions/WholeFunction/invocations"
    for headers, status in (({}, 200), ({"Origin": "https://a.example"}, 403)):
        assert (
            urllib3.request("POST", gateway.url + path, body=b"{}", headers=headers, timeout=PATIENCE_SECONDS).status
            == status
        )


def test_a_direct_caller_is_told_how_a_function_failed(gateway: Gateway) -> None:
    with pytest.raises(FunctionFailed) as raised:
        gateway.invoke("WholeFunction", {"resource": "/", "pathParameters": {"play": "fails"}})

    assert raised.value.kind == "ValueError"
    assert raised.value.payload["errorMessage"] == "words of the caller's"


def test_many_streams_run_at_once(gateway: Gateway) -> None:
    with ExitStack() as stop:
        meetings = [stop.enter_context(Meeting()) for _ in range(MANY)]
        answers = [Caller(gateway, stop).ask("POST", f"/v1/stream/paced?meet={meeting.port}") for meeting in meetings]
        assert [answer.piece() for answer in answers] == [b"one"] * MANY
        for meeting in meetings:
            meeting.go()
        assert [answer.piece() for answer in answers] == [b"two"] * MANY


def test_a_gateway_that_is_closed_leaves_no_process_and_no_port(tmp_path: Path) -> None:
    with Gateway(DOORS / "template.yaml", {}, log=tmp_path / "log") as short, another_caller(short) as waiting:
        process = waiting.ask("POST", "/v1/whole/shows").json()["process"]
        target = urllib.parse.urlsplit(short.url)

    assert not Path(f"/proc/{process}").exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((target.hostname or "", target.port or 0), PATIENCE_SECONDS)
