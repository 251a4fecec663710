"""Which route a request takes, and what the gateway answers in words of its own where it takes none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.local_gateway.place import Caller


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
