"""The hook on the wire: doors under the real awslambdaric, in front of a Runtime API that only records."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reelay.lambda_stream import PRELUDE_LIMIT, TRAILERS_LIMIT, ResponseStream, response_stream
from tests.integration.doors.meeting import Meeting
from tests.integration.doors.recorder import recording

ERROR_TYPE, ERROR_BODY = "lambda-runtime-function-error-type", "lambda-runtime-function-error-body"
SERVER_TRAILERS = 4096  # a Go server's buffer: what is longer cuts the answer off


def play(name: str, **query: Any) -> dict[str, Any]:
    return {"pathParameters": {"play": name}, "queryStringParameters": {key: str(it) for key, it in query.items()}}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "door.log"


def test_the_prelude_is_a_chunk_of_its_own_and_so_is_each_piece(log: Path) -> None:
    with recording("stream", play("pieces"), log=log) as api:
        post = api.post()

        assert post.path == "/2018-06-01/runtime/invocation/id-1/response"
        prelude = json.loads(post.chunks[0].removesuffix(bytes(8)))
        assert prelude == {
            "statusCode": 201,
            "headers": {"Content-Type": "text/event-stream", "X-Door": "stream"},
            "cookies": ["a=1", "b=2"],
        }
        assert post.chunks[1:] == [b"first\n", bytes(8), b"x" * 70_000, b"last\n"]
        assert post.trailers == {}
        assert api.nothing_more()


def test_the_post_says_what_lambda_wants_to_know(log: Path) -> None:
    with recording("stream", play("pieces"), log=log) as api:
        headers = api.post().headers

    assert headers.pop("host").startswith("127.0.0.1:")
    assert headers == {
        "content-type": "application/vnd.awslambda.http-integration-response",
        "lambda-runtime-function-response-mode": "streaming",
        "transfer-encoding": "chunked",
        "trailer": "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
        "lambda-runtime-invocation-id": "token-1",
    }


def test_a_stream_that_the_handler_forgot_is_ended_for_it(log: Path) -> None:
    with recording("stream", play("forgets-the-end"), log=log) as api:
        assert api.post().chunks[1:] == [b"all the same"]
        assert api.nothing_more()


def test_one_process_streams_one_invocation_after_another(log: Path) -> None:
    with recording("stream", play("forgets-the-end"), play("returns"), play("forgets-the-end"), log=log) as api:
        assert api.post().chunks[1:] == [b"all the same"]
        assert json.loads(api.post().body) == {"statusCode": 200, "body": "buffered"}
        assert api.post().chunks[1:] == [b"all the same"]
        assert api.nothing_more()


def test_an_error_before_the_answer_is_posted_by_awslambdaric_itself(log: Path) -> None:
    with recording("stream", play("fails-before"), log=log) as api:
        post = api.post()

        assert post.path == "/2018-06-01/runtime/invocation/id-1/error"
        assert json.loads(post.body)["errorMessage"] == "before the answer"
        assert api.nothing_more()


def test_an_error_in_the_middle_ends_the_stream_with_both_trailers(log: Path) -> None:
    with recording("stream", play("fails-midway"), log=log) as api:
        post = api.post()

        assert post.chunks[1:] == [b"half"]
        assert post.trailers[ERROR_TYPE] == "ValueError"
        error = json.loads(base64.b64decode(post.trailers[ERROR_BODY], validate=True))
        assert error["errorMessage"] == "\U0001f3ac"
        assert error["errorType"] == "ValueError"
        assert "stackTrace" in error
        assert api.nothing_more()


def test_a_long_error_is_cut_to_what_the_runtime_api_reads(log: Path) -> None:
    with recording("stream", play("fails-midway", length=50_000), log=log) as api:
        trailers = api.post().trailers

    assert sum(len(name) + len(value) + 4 for name, value in trailers.items()) < SERVER_TRAILERS
    assert len(trailers[ERROR_BODY]) <= TRAILERS_LIMIT
    error = json.loads(base64.b64decode(trailers[ERROR_BODY], validate=True))
    assert error == {"errorMessage": "\U0001f3ac" * 128, "errorType": "ValueError", "requestId": "id-1"}


def test_an_error_after_the_end_of_the_answer_leaves_the_answer_as_it_is(log: Path) -> None:
    with recording("stream", play("fails-afterwards"), log=log) as api:
        post = api.post()

        assert (post.chunks[1:], post.trailers) == ([b"whole"], {})
        assert api.nothing_more()
    assert "after the answer" in log.read_text()


def test_the_handler_goes_on_after_the_answer_has_ended(log: Path) -> None:
    with Meeting() as meeting, recording("stream", play("paced", meet=meeting.port), log=log) as api:
        meeting.go()
        meeting.go()
        assert meeting.hear() == "[True, True] gone=False"
        assert api.post().chunks[1:] == [b"one", b"two"]
        assert not api.idle.is_set()
        meeting.go()
        assert api.nothing_more()


def test_a_reader_who_has_gone_is_told_by_write_and_the_door_goes_on(log: Path) -> None:
    with (
        Meeting() as meeting,
        recording("stream", play("until-gone", meet=meeting.port), play("returns"), log=log, hang_up_after=3) as api,
    ):
        assert meeting.hear() == "write=False gone=True"
        assert len(api.post().chunks) == 3
        assert json.loads(api.post().body) == {"statusCode": 200, "body": "buffered"}
        assert api.nothing_more()


def test_a_head_larger_than_lambda_reads_is_refused_before_anything_is_sent(log: Path) -> None:
    with recording("stream", play("head-too-large"), log=log) as api:
        post = api.post()

        assert post.path.endswith("/error")
        assert "Lambda reads 16384: send fewer or shorter headers" in json.loads(post.body)["errorMessage"]
        assert api.nothing_more()


def test_an_answer_that_the_runtime_api_refuses_is_noted_in_the_log(log: Path) -> None:
    with recording("stream", play("forgets-the-end"), log=log, status=403) as api:
        api.post()
        assert api.nothing_more()
    assert "the Runtime API answered 403 to a streamed response" in log.read_text()


def test_an_awslambdaric_without_a_hooked_method_stops_the_cold_start(log: Path) -> None:
    with recording("drifted", log=log) as api:
        post = api.post()

    assert post.path == "/2018-06-01/runtime/init/error"
    message = json.loads(post.body)["errorMessage"]
    assert "has no LambdaRuntimeClient.post_invocation_error, which streaming hooks into" in message


def test_there_is_no_stream_outside_an_invocation() -> None:
    with pytest.raises(RuntimeError, match=r"call lambda_stream\.install"):
        response_stream()


@pytest.fixture
def deaf_peer() -> Iterator[str]:
    """The address of a Runtime API that takes connections and never reads a byte."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def test_a_reader_who_takes_nothing_counts_as_gone_after_the_send_time_out(deaf_peer: str) -> None:
    stream = ResponseStream(deaf_peer, "id", None, send_seconds=0.1)
    stream.begin(200, {})

    assert not all(stream.write(b"x" * 1_000_000) for _ in range(100))
    assert stream.gone
    stream.end()


def test_an_answer_that_is_not_acknowledged_in_time_raises_nothing(deaf_peer: str) -> None:
    stream = ResponseStream(deaf_peer, "id", None, send_seconds=0.1)
    stream.begin(200, {})
    stream.end()

    assert stream.gone


def test_a_runtime_api_that_is_not_there_counts_as_a_reader_who_has_gone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    stream = ResponseStream(address, "id", None)
    stream.begin(200, {})

    assert stream.gone
    assert not stream.write(b"piece")
    assert not stream.write(b"")
    stream.end()


def test_the_steps_of_a_stream_have_one_order(deaf_peer: str) -> None:
    stream = ResponseStream(deaf_peer, "id", None, send_seconds=0.1)
    with pytest.raises(RuntimeError, match="begun and not ended"):
        stream.write(b"too early")
    stream.begin(200, {})
    with pytest.raises(RuntimeError, match="called before"):
        stream.begin(200, {})
    stream.end()
    with pytest.raises(RuntimeError, match="begun and not ended"):
        stream.write(b"too late")


def test_the_largest_head_that_lambda_reads_is_sent(deaf_peer: str) -> None:
    frame = len(json.dumps({"statusCode": 200, "headers": {"X": ""}}, separators=(",", ":"))) + 8
    stream = ResponseStream(deaf_peer, "id", None, send_seconds=0.1)
    with pytest.raises(ValueError, match=f"take {PRELUDE_LIMIT + 1} bytes"):
        stream.begin(200, {"X": "x" * (PRELUDE_LIMIT - frame + 1)})
    stream.begin(200, {"X": "x" * (PRELUDE_LIMIT - frame)})
    assert not stream.gone
    stream.end()
