"""template.yaml held to openapi.yaml, to the doors' time-outs, and to what callers are promised of the gateway."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from reelay.identity import OWN_PREFIX
from tests.contract.cloud import ROOT, TEMPLATE, cloud, resources

VERBS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
INTEGRATION = "x-amazon-apigateway-integration"
STREAMED = {("POST", "/v1/chat/completions"), ("POST", "/v1/videos"), ("POST", "/v1/videos/{video_id}/remix")}
PUBLIC = {
    ("GET", path)
    for path in (
        "/openapi.yaml", "/openapi.json", "/docs", "/docs/{version}/{file}", "/", "/studio/{version}/{file}",
    )
}  # fmt: skip

GATEWAY_STATUS = {
    "MISSING_AUTHENTICATION_TOKEN": 404,
    "INVALID_SIGNATURE": 404,
    "UNAUTHORIZED": 401,
    "ACCESS_DENIED": 403,
    "INVALID_API_KEY": 403,
    "REQUEST_TOO_LARGE": 413,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "THROTTLED": 429,
    "QUOTA_EXCEEDED": 429,
    "INTEGRATION_TIMEOUT": 504,
    "INTEGRATION_FAILURE": 502,
    "DEFAULT_4XX": None,
    "DEFAULT_5XX": None,
}
MAYBE_CHARGED = {"INTEGRATION_TIMEOUT", "INTEGRATION_FAILURE", "DEFAULT_5XX"}


def routes() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in cloud()["Resources"]["Api"]["Properties"]["Body"]["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation[INTEGRATION]


def gateway_responses() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = cloud()["Resources"]["Api"]["Properties"]["Body"][
        "x-amazon-apigateway-gateway-responses"
    ]
    return found


def integration_uri(integration: Mapping[str, Any]) -> str:
    uri: str = integration["uri"]["Fn::Sub"]
    return uri


# Routes


def test_every_operation_of_the_contract_has_a_route_and_every_route_an_operation() -> None:
    contract = yaml.safe_load((ROOT / "openapi.yaml").read_text(encoding="utf-8"))
    operations = {
        (method.upper(), path) for path, item in contract["paths"].items() for method in item if method in VERBS
    }
    assert {(method, path) for method, path, _ in routes()} == operations


def test_the_routes_that_pay_stream_for_fifteen_minutes() -> None:
    paying = [found for method, path, found in routes() if (method, path) in STREAMED]
    assert len(paying) == len(STREAMED)
    for route in paying:
        assert integration_uri(route).endswith("/functions/${RelayFunctionAliaslive}/response-streaming-invocations")
        assert route["responseTransferMode"] == "STREAM"
        assert route["timeoutInMillis"] == 900_000


def test_every_other_route_is_buffered_because_its_door_answers_in_one_piece() -> None:
    for method, path, integration in routes():
        if (method, path) not in STREAMED:
            assert integration_uri(integration).endswith("/functions/${ResultsFunctionAliaslive}/invocations")
            assert "responseTransferMode" not in integration


def test_the_api_may_invoke_the_function_behind_every_route() -> None:
    granted = {
        (permission["Properties"]["FunctionName"]["Ref"], permission["Properties"]["SourceArn"]["Fn::Sub"][0])
        for permission in resources("AWS::Lambda::Permission").values()
        if permission["Properties"]["Principal"] == "apigateway.amazonaws.com"
        and permission["Properties"]["FunctionName"] != {"Fn::GetAtt": ["AuthorizerFunction", "Arn"]}
    }
    arn = "arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${__ApiId__}/${__Stage__}/"
    expected = set()
    for method, path, integration in routes():
        alias = re.search(r"\$\{(\w+)\}/", integration_uri(integration))
        assert alias is not None
        # In a permission each path parameter is a star.
        expected.add((alias[1], arn + method + re.sub(r"\{\w+\}", "*", path)))
    assert granted == expected


def test_no_function_gives_up_before_its_route_does_and_none_outlives_it() -> None:
    for _, _, integration in routes():
        function = re.search(r"\$\{(\w+)Aliaslive\}", integration_uri(integration))
        assert function is not None
        seconds = cloud()["Resources"][function[1]]["Properties"]["Timeout"]
        assert seconds * 1000 == integration.get("timeoutInMillis", 29_000)


def test_the_endpoint_is_regional_because_an_edge_endpoint_cuts_after_30_seconds_of_silence() -> None:
    assert cloud()["Resources"]["Api"]["Properties"]["EndpointConfiguration"] == {"Types": ["REGIONAL"]}


def test_there_is_one_stage_and_the_base_url_names_it() -> None:
    [stage] = resources("AWS::ApiGateway::Stage").values()
    [deployment] = resources("AWS::ApiGateway::Deployment").values()
    assert "StageName" not in deployment["Properties"]
    assert cloud()["Outputs"]["ApiUrl"]["Value"]["Fn::Sub"].endswith(f"/{stage['Properties']['StageName']}/v1")


# What the gateway answers by itself


def test_the_gateway_answers_with_the_statuses_the_contract_knows() -> None:
    statuses = {kind: response.get("statusCode") for kind, response in gateway_responses().items()}
    assert statuses == {kind: str(status) if status else None for kind, status in GATEWAY_STATUS.items()}


@pytest.mark.parametrize("kind", sorted(GATEWAY_STATUS))
def test_a_gateway_response_is_the_openai_envelope_in_words_of_ours(kind: str) -> None:
    response = gateway_responses()[kind]
    [(content_type, body)] = response["responseTemplates"].items()
    error = json.loads(body)["error"]
    assert content_type == "application/json"
    assert response["responseParameters"]["gatewayresponse.header.Content-Type"] == "'application/json'"
    assert json.loads(body).keys() == {"error"}
    assert error.keys() == {"message", "type", "param", "code"}
    assert all(isinstance(error[key], str) and error[key] for key in ("message", "type", "code"))
    # API Gateway's own message repeats the Authorization header when a path is unknown.
    assert "$context" not in body


def test_only_what_may_have_been_charged_tells_openai_sdks_not_to_try_again() -> None:
    headers = {kind: response["responseParameters"] for kind, response in gateway_responses().items()}
    silenced = {kind: found.get("gatewayresponse.header.x-should-retry") for kind, found in headers.items()}
    assert silenced == {kind: "'false'" if kind in MAYBE_CHARGED else None for kind in GATEWAY_STATUS}


def test_a_missing_key_is_told_which_scheme_to_use_and_a_throttled_caller_when_to_come_back() -> None:
    found = gateway_responses()
    assert found["UNAUTHORIZED"]["responseParameters"]["gatewayresponse.header.WWW-Authenticate"] == "'Bearer'"
    assert found["THROTTLED"]["responseParameters"]["gatewayresponse.header.Retry-After"] == "'1'"


# Who may call


def test_every_route_but_the_contracts_and_the_studios_asks_the_authorizer_and_needs_a_key_on_a_plan() -> None:
    body = cloud()["Resources"]["Api"]["Properties"]["Body"]
    assert cloud()["Resources"]["Api"]["Properties"]["ApiKeySourceType"] == "AUTHORIZER"
    for path, methods in body["paths"].items():
        for method, operation in methods.items():
            schemes = {name for each in operation.get("security", []) for name in each}
            expected = set() if (method.upper(), path) in PUBLIC else {"Keys", "api_key"}
            assert schemes == expected, (method, path)


def test_the_authorizer_is_asked_with_the_token_alone_and_remembered_for_minutes() -> None:
    scheme = cloud()["Resources"]["Api"]["Properties"]["Body"]["components"]["securitySchemes"]["Keys"]
    authorizer = scheme["x-amazon-apigateway-authorizer"]
    assert (scheme["name"], authorizer["type"], authorizer["authorizerResultTtlInSeconds"]) == (
        "Authorization", "token", 300,
    )  # fmt: skip
    expression = re.compile(authorizer["identityValidationExpression"])
    for header, taken in (
        ("Bearer rk-0123456789abcdefghij", True), ("bearer sk-1", True), ("Basic abc", False), ("Bearer", False),
        ("Bearer a, Bearer b", False), ("", False),
    ):  # fmt: skip
        assert bool(expression.fullmatch(header)) is taken


def test_callers_with_keys_of_their_own_are_let_in_only_when_the_operator_says_so() -> None:
    assert TEMPLATE["Parameters"]["AllowCallerKeys"]["Default"] == "no"
    for name in ("CallersKey", "CallersPlan", "CallersPlanKey"):
        assert TEMPLATE["Resources"][name]["Condition"] == "CallerKeys"
    key = TEMPLATE["Resources"]["CallersKey"]["Properties"]["Value"]
    told = TEMPLATE["Resources"]["AuthorizerFunction"]["Properties"]["Environment"]["Variables"]["CALLERS_KEY"]
    assert told["Fn::If"] == ["CallerKeys", key, ""]
    assert not key["Fn::Join"][1][0].startswith(OWN_PREFIX)


def test_every_plan_has_limits() -> None:
    for plan in resources("AWS::ApiGateway::UsagePlan").values():
        throttle = plan["Properties"]["Throttle"]
        assert throttle == {"RateLimit": {"Ref": "KeyRate"}, "BurstLimit": {"Ref": "KeyBurst"}}
