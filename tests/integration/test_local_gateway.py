"""The local gateway: HTTP in front, doors under the real awslambdaric behind, everything said over sockets."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import urllib.parse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import urllib3

from dev.gateway import FunctionFailed, Gateway
from dev.gateway.events import Request
from dev.gateway.guard import Guard
from dev.template import Authorizer, Route
from tests.fakes import FakeClock
from tests.integration.doors.meeting import PATIENCE_SECONDS, Meeting

DOORS = Path(__file__).parent / "doors"
MANY = 8


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gateway") / "gateway.log"


@pytest.fixture(scope="module")
def gateway(log: Path) -> Iterator[Gateway]:
    with Gateway(DOORS / "template.yaml", {"BUCKET_NAME": "local-bucket"}, log=log) as running:
        yield running


class Answer:
    """A reply read off the socket; `pieces` are the chunks as they were framed."""

    def __init__(self, connection: socket.socket) -> None:
        self._stream = connection.makefile("rb")
        self.status = int(self._stream.readline().split()[1])
        self.headers = http.client.parse_headers(self._stream)

    def piece(self) -> bytes | None:
        """The next chunk; None after the last. Raises ConnectionError where the transfer is broken off."""
        size = self._stream.readline()
        if not size:
            raise ConnectionError
        data = self._stream.read(int(size, 16) + 2)[:-2]
        return data or None

    def pieces(self) -> list[bytes]:
        return list(iter(self.piece, None))

    def text(self) -> str:
        return self._stream.read(int(self.headers["Content-Length"])).decode()

    def json(self) -> Any:
        return json.loads(self.text())

    def close(self) -> None:
        self._stream.close()


class Caller:
    """One connection to the gateway, used for any number of requests."""

    def __init__(self, gateway: Gateway, stop: ExitStack) -> None:
        target = urllib.parse.urlsplit(gateway.url)
        address = (target.hostname or "", target.port or 0)
        self.connection = stop.enter_context(socket.create_connection(address, PATIENCE_SECONDS))
        self._stop = stop

    def ask(self, method: str, target: str, body: bytes | None = None, *headers: str) -> Answer:
        length = [] if body is None else [f"Content-Length: {len(body)}"]
        lines = [f"{method} {target} HTTP/1.1", "Host: api.test", *headers, *length, "", ""]
        self.connection.sendall("\r\n".join(lines).encode("latin-1") + (body or b""))
        return self.answer()

    def answer(self) -> Answer:
        answer = Answer(self.connection)
        self._stop.callback(answer.close)
        return answer


@pytest.fixture
def caller(gateway: Gateway) -> Iterator[Caller]:
    with ExitStack() as stop:
        yield Caller(gateway, stop)


@contextmanager
def another_caller(gateway: Gateway) -> Iterator[Caller]:
    with ExitStack() as stop:
        yield Caller(gateway, stop)


def returned(caller: Caller, response: Any) -> Answer:
    """What a caller gets when the buffered door returns `response`."""
    return caller.ask("POST", "/v1/whole/returns", json.dumps(response).encode())


# ── Streams ──────────────────────────────────────────────────────────────────────────────────────────────────────────


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


# ── Buffered answers ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_proxy_response_becomes_a_reply(caller: Caller) -> None:
    headers = {"X-One": "1", "X-True": True, "Content-Type": "text/plain"}
    many = {"X-Many": ["a", "b"], "X-One": ["1", "2"]}
    answer = returned(caller, {"statusCode": 418, "headers": headers, "multiValueHeaders": many, "body": "Tee ☕"})

    assert answer.status == 418
    assert answer.headers.get_all("X-One") == ["1", "2"]
    assert answer.headers.get_all("X-Many") == ["a", "b"]
    assert answer.headers["X-True"] == "true"
    assert answer.headers["Content-Type"] == "text/plain"
    assert answer.headers["x-amzn-RequestId"]
    assert answer.text() == "Tee ☕"


def test_nothing_in_a_proxy_response_has_to_be_there(caller: Caller) -> None:
    answer = returned(caller, {})

    assert (answer.status, answer.headers["Content-Type"], answer.text()) == (200, "application/json", "")


def test_headers_that_api_gateway_sends_itself_are_renamed(caller: Caller) -> None:
    headers = {"Date": "then", "Content-Length": "99", "Transfer-Encoding": "chunked", "WWW-Authenticate": "Bearer"}
    answer = returned(caller, {"statusCode": 401, "headers": headers, "body": "no"})

    assert answer.headers["x-amzn-Remapped-Date"] == "then"
    assert answer.headers["x-amzn-Remapped-Content-Length"] == "99"
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "Transfer-Encoding" not in answer.headers
    assert answer.text() == "no"


@pytest.mark.parametrize(
    "response",
    [
        "a string",
        None,
        ["a list"],
        {"statusCode": 200, "body": {"not": "a string"}},
        {"statusCode": 200, "cookies": ["HTTP APIs have them, REST APIs do not"]},
        {"statusCode": "OK", "body": ""},
        {"statusCode": 99, "body": ""},
        {"statusCode": 200, "headers": {"X-Number": 1}},
        {"statusCode": 200, "headers": {"X-Split": "a\r\nb: c"}},
        {"statusCode": 200, "headers": {"X-Wide": "☕"}},
        {"statusCode": 200, "headers": {"X Space": "a"}},
        {"statusCode": 200, "headers": ["a list"]},
        {"statusCode": 200, "multiValueHeaders": {"X": "no list"}},
    ],
)
def test_whatever_is_no_proxy_response_is_a_502(caller: Caller, response: Any) -> None:
    answer = returned(caller, response)

    assert (answer.status, answer.json()["failed"]) == (502, "Internal server error")


def test_a_base64_body_is_decoded_for_a_caller_who_asks_for_a_binary_type(caller: Caller) -> None:
    response = {"body": base64.b64encode(b"\x89PNG").decode(), "isBase64Encoded": True}
    body = json.dumps(response).encode()

    assert caller.ask("POST", "/v1/whole/returns", body, "Accept: text/html").text() == "iVBORw=="
    binary = caller.ask("POST", "/v1/whole/returns", body, "Accept: image/png, */*")
    assert binary.headers["Content-Length"] == "4"


def test_a_result_larger_than_lambda_takes_is_a_502(caller: Caller) -> None:
    assert caller.ask("POST", "/v1/whole/is-large").status == 502


def test_an_error_of_a_buffered_door_is_a_502_and_its_words_stay_inside(caller: Caller) -> None:
    answer = caller.ask("POST", "/v1/whole/fails")

    assert answer.status == 502
    assert "words" not in answer.text()


def test_a_process_that_ends_is_a_502_and_the_next_call_gets_another(caller: Caller) -> None:
    assert caller.ask("POST", "/v1/whole/exits").status == 502
    assert caller.ask("POST", "/v1/whole/shows").status == 200


def test_a_route_that_is_slower_than_its_time_is_a_504_and_the_door_works_on(caller: Caller) -> None:
    with Meeting() as meeting:
        answer = caller.ask("POST", f"/v1/impatient/waits?meet={meeting.port}")
        assert (answer.status, answer.json()) == (504, {"slow": "INTEGRATION_TIMEOUT"})
        process = meeting.hear()
        meeting.go()
        assert process
        assert meeting.hear() == " done"


def test_a_function_past_its_time_out_is_ended_and_the_next_call_gets_another(caller: Caller, log: Path) -> None:
    with Meeting() as meeting:
        answer = caller.ask("POST", f"/v1/short/waits?meet={meeting.port}")
        assert answer.status == 502
        first = meeting.hear()
        assert meeting.hear() == ""
    assert caller.ask("POST", "/v1/short/shows").json()["process"] != int(first)
    assert "ShortFunction: ended after 1 s, its time-out" in log.read_text()


def test_a_stream_past_its_functions_time_out_is_broken_off(caller: Caller) -> None:
    with Meeting() as meeting:
        answer = caller.ask("POST", f"/v1/short-stream/paced?meet={meeting.port}")
        assert answer.piece() == b"one"
        with pytest.raises(ConnectionError):
            answer.piece()


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


# ── Routes and the gateway's own words ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/"),
        ("GET", "/live"),
        ("GET", "/v1/nowhere"),
        ("GET", "/v1/stream/pieces"),
        ("OPTIONS", "/v1/stream/pieces"),
        ("POST", "/v1/things/fixed"),
        ("GET", "/other/v1/things/a"),
        ("GET", "/v1/loud"),
        ("GET", "/v1/things"),
    ],
)
def test_an_unknown_method_and_path_is_answered_in_the_templates_own_words(
    caller: Caller, method: str, target: str
) -> None:
    answer = caller.ask(method, target)

    assert answer.status == 404
    assert answer.headers["X-Said-By"] == "the template"
    assert answer.headers["X-Request"] == answer.headers["x-amzn-RequestId"]
    assert answer.json() == {"error": {"message": "no such path", "was": "Missing Authentication Token"}}


@pytest.mark.parametrize(
    ("method", "target", "resource", "parameters"),
    [
        ("GET", "/v1/things/fixed", "/v1/things/fixed", None),
        ("GET", "/v1/things/fixed/", "/v1/things/fixed", None),
        (
            "GET",
            "/v1/things/a%2Fb/parts/%20",
            "/v1/things/{thing-id}/parts/{part}",
            {"thing-id": "a%2Fb", "part": "%20"},
        ),
        ("GET", "/v1/things/a/parts/b/c", "/v1/things/{rest+}", {"rest": "a/parts/b/c"}),
        ("DELETE", "/v1/things/a", "/v1/things/{rest+}", {"rest": "a"}),
        ("OPTIONS", "/v1/things/a", "/v1/things/{rest+}", {"rest": "a"}),
    ],
)
def test_the_most_exact_path_wins(
    caller: Caller, method: str, target: str, resource: str, parameters: dict[str, str] | None
) -> None:
    event = caller.ask(method, target).json()["event"]

    assert (event["resource"], event["pathParameters"]) == (resource, parameters)
    assert (event["httpMethod"], event["path"]) == (method, target)


def test_head_is_answered_without_a_body(caller: Caller) -> None:
    assert int(caller.ask("HEAD", "/v1/things/a").headers["Content-Length"]) > 0
    assert caller.ask("GET", "/v1/things/a").json()["event"]["httpMethod"] == "GET"


@pytest.mark.parametrize("target", ["/live/v1/things/a", "/v1/things/a"])
def test_the_stage_may_stand_before_the_path_and_is_not_part_of_it(caller: Caller, target: str) -> None:
    event = caller.ask("GET", target).json()["event"]

    assert event["path"] == "/v1/things/a"
    assert event["requestContext"]["path"] == target
    assert event["requestContext"]["stage"] == "live"


def test_a_body_larger_than_api_gateway_takes_is_a_413(caller: Caller) -> None:
    answer = caller.ask("POST", "/v1/whole/shows", b"x" * (10 * 1024 * 1024 + 1))

    assert (answer.status, answer.json()) == (413, {"message": "Request Too Long"})
    assert answer.headers["Connection"] == "close"


def test_an_event_larger_than_lambda_takes_is_a_413(caller: Caller) -> None:
    assert caller.ask("POST", "/v1/whole/shows", b"x" * (6 * 1024 * 1024)).status == 413
    assert caller.ask("POST", "/v1/whole/shows", b"x" * (6 * 1024 * 1024 - 10_000)).status == 200


@pytest.mark.parametrize("header", ["Content-Length: some", "Content-Length: -1", "Transfer-Encoding: chunked"])
def test_a_body_that_is_not_framed_as_http_says_is_a_400(caller: Caller, header: str) -> None:
    assert caller.ask("POST", "/v1/whole/shows", None, header, "X-After: 1\r\n\r\nno size").status == 400


def test_a_door_that_cannot_be_imported_is_a_502_and_the_log_says_why(caller: Caller, log: Path) -> None:
    assert caller.ask("GET", "/v1/broken").status == 502
    assert "BrokenFunction could not start: RuntimeError" in log.read_text()
    assert "the settings are wrong: BUCKET_NAME is missing" in log.read_text()


def test_a_hook_that_does_not_fit_the_runtime_is_a_502_and_the_log_says_why(caller: Caller, log: Path) -> None:
    assert caller.ask("GET", "/v1/drifted").status == 502
    assert "has no LambdaRuntimeClient.post_invocation_error, which streaming hooks into" in log.read_text()


def test_a_function_that_is_not_there_is_an_integration_failure(caller: Caller, log: Path) -> None:
    answer = caller.ask("GET", "/v1/not-there")

    assert (answer.status, answer.json()["failed"]) == (504, "Network error communicating with endpoint")
    assert "MissingFunction cannot be started" in log.read_text()


# ── Events ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def shown(caller: Caller, body: bytes | None = None, *headers: str, query: str = "") -> Any:
    return caller.ask("POST", f"/v1/whole/shows{query}", body, *headers).json()["event"]


def test_headers_come_as_last_and_as_all_values(caller: Caller) -> None:
    event = shown(caller, b"{}", "X-Many: a", "x-many: b", "Authorization: Bearer t", "Connection: keep-alive")

    assert event["headers"]["X-Many"] == "b"
    assert event["multiValueHeaders"]["X-Many"] == ["a", "b"]
    assert event["headers"]["Authorization"] == "Bearer t"
    assert event["headers"]["Host"] == "api.test"
    assert not {name.lower() for name in event["headers"]} & {"connection", "content-length"}


def test_the_gateway_adds_where_the_request_came_from(caller: Caller) -> None:
    event = shown(caller, b"{}", "X-Forwarded-For: 192.0.2.1", "User-Agent: test")

    assert event["headers"]["X-Forwarded-For"] == "192.0.2.1, 127.0.0.1"
    assert event["headers"]["X-Forwarded-Proto"] == "http"
    assert event["headers"]["X-Amzn-Trace-Id"].startswith("Root=1-")
    assert event["requestContext"]["identity"] == {"sourceIp": "127.0.0.1", "userAgent": "test"}
    assert event["requestContext"]["resourcePath"] == "/v1/whole/{play}"
    assert event["requestContext"]["httpMethod"] == "POST"


def test_query_values_are_decoded_and_come_as_last_and_as_all_values(caller: Caller) -> None:
    event = shown(caller, query="?metadata%5Bk%5D=a%20b&Q=1&q=2&Q=3+4&empty=")

    assert event["queryStringParameters"] == {"metadata[k]": "a b", "Q": "3 4", "q": "2", "empty": ""}
    assert event["multiValueQueryStringParameters"] == {
        "metadata[k]": ["a b"], "Q": ["1", "3 4"], "q": ["2"], "empty": [""],
    }  # fmt: skip


def test_what_is_not_there_is_null(caller: Caller) -> None:
    event = caller.ask("GET", "/v1/things/fixed").json()["event"]

    absent = ["queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "stageVariables", "body"]
    assert [event[name] for name in absent] == [None] * 5
    assert event["isBase64Encoded"] is False


@pytest.mark.parametrize("content_type", ["application/json", "text/plain; charset=utf-8", "application/x+json", ""])
def test_text_comes_as_it_is(caller: Caller, content_type: str) -> None:
    event = shown(caller, "☕".encode(), *([f"Content-Type: {content_type}"] if content_type else []))

    assert (event["body"], event["isBase64Encoded"]) == ("☕", False)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data; boundary=b", b"--b\r\nplain\r\n--b--"),
        ("image/png", b"\x89PNG"),
        ("application/json", b'{"a": "\xff"}'),
        ("video/mp4", b"plain"),
        ("multipart/form-data; boundary=b", bytes(range(256)) * 16_000),
    ],
)
def test_bytes_come_in_base64(caller: Caller, content_type: str, body: bytes) -> None:
    event = shown(caller, body, f"Content-Type: {content_type}")

    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == body


def test_bytes_of_a_type_that_the_template_does_not_declare_are_warned_about(caller: Caller, log: Path) -> None:
    shown(caller, b"\xff", "Content-Type: audio/ogg")
    shown(caller, b"\xff", "Content-Type: image/png")

    assert "BinaryMediaTypes does not name audio/ogg" in log.read_text()
    assert "BinaryMediaTypes does not name image/png" not in log.read_text()


def test_a_chunked_body_is_put_together_after_100_continue(caller: Caller) -> None:
    caller.connection.sendall(
        b"POST /v1/whole/shows HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
    )
    assert caller.connection.recv(100).startswith(b"HTTP/1.1 100 ")
    caller.connection.sendall(b'4;ext=1\r\n{"a"\r\n3\r\n:1}\r\n0\r\nX-Trailer: 1\r\n\r\n')

    assert caller.answer().json()["event"]["body"] == '{"a":1}'


# ── Functions ────────────────────────────────────────────────────────────────────────────────────────────────────────


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


# ── Authorizer and API keys ──────────────────────────────────────────────────────────────────────────────────────────

TEMPLATES_KEY = "key-00000000-0000-4000-8000-000000000000"
EVERYTHING = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}
LOCKED = "arn:aws:execute-api:us-east-1:123456789012:local/live/GET/v1/locked"


@pytest.fixture(scope="module")
def locked_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("locked") / "gateway.log"


@pytest.fixture(scope="module")
def locked_gateway(locked_log: Path) -> Iterator[Gateway]:
    with Gateway(DOORS / "locked.yaml", {}, log=locked_log, keys=["given"]) as running:
        yield running


@pytest.fixture
def locked(locked_gateway: Gateway) -> Iterator[Caller]:
    with another_caller(locked_gateway) as caller:
        yield caller


def says(*statements: Any, **more: Any) -> str:
    """A token that makes the authorizer answer so; `more` goes over the rest of the answer."""
    answer = {
        "principalId": "somebody",
        "policyDocument": {"Version": "2012-10-17", "Statement": list(statements)},
        "usageIdentifierKey": "given",
    }
    return "Bearer " + base64.urlsafe_b64encode(json.dumps(answer | more).encode()).decode()


def knock(caller: Caller, token: str, path: str = "/v1/locked", method: str = "GET") -> Answer:
    return caller.ask(method, path, None, f"Authorization: {token}")


@pytest.mark.parametrize(
    "headers",
    [
        [],
        ["Authorization:"],
        ["Authorization: Basic Zm9v"],
        ["Authorization: Bearer"],
        [f"Authorization: {says(EVERYTHING)} more"],
        [f"Authorization: x{says(EVERYTHING)}"],
        [f"X-Api-Key: {TEMPLATES_KEY}"],
        ["Authorization: Bearer unauthorized"],
    ],
)
def test_a_token_that_is_missing_malformed_or_refused_is_a_401(locked: Caller, headers: list[str]) -> None:
    answer = locked.ask("GET", "/v1/locked", None, *headers)

    assert (answer.status, answer.json()) == (401, {"who": "are you"})
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_malformed_token_never_reaches_the_authorizer(locked: Caller, locked_log: Path) -> None:
    assert knock(locked, "Bearer fails!").status == 401
    assert "does not match the ValidationExpression" in locked_log.read_text()


def test_who_is_let_in_is_known_to_the_door(locked: Caller) -> None:
    context = {"payer": "them", "count": 3, "share": 0.5, "paid": True, "was": "{event}", "asked": "{arn}"}
    shown = knock(locked, says(EVERYTHING, context=context)).json()["event"]

    assert shown["requestContext"]["authorizer"] == {
        "principalId": "somebody",
        "payer": "them",
        "count": "3",
        "share": "0.5",
        "paid": "true",
        "was": "TOKEN authorizationToken methodArn type",
        "asked": LOCKED,
    }
    assert shown["requestContext"]["identity"]["apiKey"] == "given"


@pytest.mark.parametrize(
    "statements",
    [
        [EVERYTHING | {"Resource": LOCKED}],
        [EVERYTHING | {"Resource": LOCKED.replace("GET/v1/locked", "*")}],
        [EVERYTHING | {"Resource": LOCKED.replace("GET", "G?T")}],
        [EVERYTHING | {"Resource": [LOCKED + "/not", "arn:*:local/*/GET/*"]}],
        [EVERYTHING | {"Action": ["s3:*", "Execute-API:*"]}],
        [EVERYTHING | {"Action": "*"}],
        [EVERYTHING, EVERYTHING | {"Effect": "Deny", "Resource": LOCKED + "/*"}],
    ],
)
def test_a_policy_that_allows_the_method_lets_it_pass(locked: Caller, statements: list[Any]) -> None:
    assert knock(locked, says(*statements)).status == 200


@pytest.mark.parametrize(
    "statements",
    [
        [],
        [EVERYTHING | {"Effect": "Deny"}],
        [EVERYTHING, EVERYTHING | {"Effect": "Deny", "Resource": "*/GET/v1/*"}],
        [EVERYTHING | {"Resource": LOCKED + "/*"}],
        [EVERYTHING | {"Resource": LOCKED.removesuffix("ed")}],
        [EVERYTHING | {"Resource": LOCKED.upper()}],
        [EVERYTHING | {"Resource": LOCKED.replace(".", "*").replace("GET", "[A-Z]*")}],
        [EVERYTHING | {"Resource": LOCKED.replace("GET", "POST")}],
        [EVERYTHING | {"Action": "execute-api:ManageConnections"}],
    ],
)
def test_a_policy_that_does_not_allow_the_method_is_a_403(
    locked: Caller, locked_log: Path, statements: list[Any]
) -> None:
    answer = knock(locked, says(*statements))

    assert (answer.status, answer.json()) == (403, {"message": "User is not authorized to access this resource"})
    assert "GET /v1/locked 403 ACCESS_DENIED" in locked_log.read_text()


@pytest.mark.parametrize(
    "token",
    [
        "Bearer fails",
        "Bearer AAAA",
        says(EVERYTHING, principalId=None),
        says(EVERYTHING, policyDocument={}),
        says(EVERYTHING, context={"nested": {}}),
        says(EVERYTHING, context=["a list"]),
        says(EVERYTHING, usageIdentifierKey=1),
        says("a word"),
        says(EVERYTHING | {"Effect": "Perhaps"}),
        says(EVERYTHING | {"Resource": [1]}),
        says(EVERYTHING | {"Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.1"}}}),
        "Bearer " + base64.urlsafe_b64encode(b"null").decode(),
    ],
)
def test_an_authorizer_that_fails_or_gives_no_answer_is_a_500_and_lets_nobody_in(locked: Caller, token: str) -> None:
    answer = knock(locked, token)

    assert (answer.status, answer.json()) == (500, {"failed": "AUTHORIZER_CONFIGURATION_ERROR"})


def test_an_authorizer_that_cannot_be_started_is_a_500(locked: Caller, locked_log: Path) -> None:
    assert knock(locked, says(EVERYTHING), "/v1/unguarded").status == 500
    assert "MissingFunction cannot be asked" in locked_log.read_text()


@pytest.mark.parametrize("key", ["given", TEMPLATES_KEY])
def test_a_key_on_a_plan_lets_pass(locked: Caller, key: str) -> None:
    assert knock(locked, says(EVERYTHING, usageIdentifierKey=key)).status == 200


@pytest.mark.parametrize("key", [None, "", "unknown", "disabled", "spare", "without-plan", "of-nothing"])
def test_any_other_key_is_a_403(locked: Caller, locked_log: Path, key: str | None) -> None:
    answer = knock(locked, says(EVERYTHING, usageIdentifierKey=key))

    assert (answer.status, answer.json()) == (403, {"message": "Forbidden"})
    assert "GET /v1/locked 403 INVALID_API_KEY" in locked_log.read_text()


def test_the_header_of_keys_does_not_count_where_the_authorizer_names_them(locked: Caller) -> None:
    token = f"Authorization: {says(EVERYTHING, usageIdentifierKey='unknown')}"
    assert locked.ask("GET", "/v1/locked", None, token, "X-Api-Key: given").status == 403


def test_the_header_of_keys_counts_where_the_api_names_no_other_source(locked: Caller) -> None:
    assert locked.ask("GET", "/v1/with-key-header").status == 403
    assert locked.ask("GET", "/v1/with-key-header", None, "X-Api-Key: unknown").status == 403
    event = locked.ask("GET", "/v1/with-key-header", None, "X-Api-Key: given").json()["event"]
    assert event["requestContext"]["identity"]["apiKey"] == "given"
    assert "authorizer" not in event["requestContext"]


def test_a_route_without_a_key_still_asks_the_authorizer(locked: Caller) -> None:
    assert locked.ask("GET", "/v1/keyless").status == 401
    event = knock(locked, says(EVERYTHING, usageIdentifierKey=None), "/v1/keyless").json()["event"]
    assert event["requestContext"]["authorizer"] == {"principalId": "somebody"}
    assert "apiKey" not in event["requestContext"]["identity"]


def test_an_open_route_asks_nobody(locked: Caller) -> None:
    event = locked.ask("GET", "/v1/open", None, "Authorization: Bearer fails").json()["event"]

    assert "authorizer" not in event["requestContext"]


def test_an_unknown_path_asks_nobody(locked: Caller) -> None:
    assert knock(locked, "Bearer fails", "/v1/nowhere").json() == {"message": "Missing Authentication Token"}


def test_of_two_tokens_the_authorizer_gets_the_last_and_the_door_both(locked: Caller) -> None:
    first, last = says(EVERYTHING, principalId="first"), says(EVERYTHING, principalId="last")
    answer = locked.ask("GET", "/v1/locked", None, f"Authorization: {first}", f"authorization: {last}")
    event = answer.json()["event"]

    assert event["requestContext"]["authorizer"]["principalId"] == "last"
    assert event["multiValueHeaders"]["Authorization"] == [first, last]
    swapped = locked.ask("GET", "/v1/locked", None, f"Authorization: {first}", "Authorization: Bearer unauthorized")
    assert swapped.status == 401


def test_an_answer_is_remembered_by_token_and_for_every_method(locked: Caller) -> None:
    token = says(EVERYTHING | {"Resource": "{arn}"}, context={"nonce": "{nonce}"})
    seen = [knock(locked, token).json()["event"]["requestContext"]["authorizer"]["nonce"] for _ in range(2)]
    other = says(EVERYTHING | {"Resource": "{arn}"}, context={"nonce": "{nonce}"}, principalId="other")

    assert seen[0] == seen[1]
    assert (
        knock(locked, token, "/v1/locked/part", "POST").status == 403
    )  # the policy of the first method counts here too
    assert knock(locked, other, "/v1/locked/part", "POST").status == 200


def test_an_authorizer_that_is_to_forget_is_asked_each_time_with_the_header_of_its_own(locked: Caller) -> None:
    token = f"X-Token: {says(EVERYTHING, context={'nonce': '{nonce}'})}"
    events = [locked.ask("GET", "/v1/forgetful", None, token).json()["event"] for _ in range(2)]

    assert len({event["requestContext"]["authorizer"]["nonce"] for event in events}) == 2


def test_an_answer_counts_for_its_seconds_and_no_longer() -> None:
    clock, asked = FakeClock(), []

    def invoke(_function: str, event: Any) -> Any:
        asked.append(event["authorizationToken"])
        return {"principalId": "somebody", "policyDocument": {"Statement": EVERYTHING}}

    guard = Guard(invoke, frozenset(), clock.monotonic)
    route = Route("GET", "/", "Door", False, 29.0, Authorizer("Keeper", "Authorization", None, 300.0))
    request = Request("GET", "/", "/", "", [("Authorization", "a")], b"", "127.0.0.1", 80)
    for wait in (0, 299.9, 0.1, 299.9):
        clock.advance(wait)
        guard.admit(route, request, LOCKED)

    assert asked == ["a", "a"]


def test_no_token_and_no_key_is_on_the_log(locked: Caller, locked_log: Path) -> None:
    refused = says(EVERYTHING, usageIdentifierKey="a-secret-of-somebodys")
    for token in (refused, says(EVERYTHING, context={"nested": {}}), f"{refused} more"):
        assert knock(locked, token).status in (401, 403, 500)
        assert token.removeprefix("Bearer ") not in locked_log.read_text()
    assert "a-secret-of-somebodys" not in locked_log.read_text()
