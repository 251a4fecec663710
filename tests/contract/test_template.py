"""template.yaml as CloudFormation will see it, held to openapi.yaml, to the doors and to the promises about the bucket.

The transform is AWS's own (aws-sam-translator), run offline.
"""

from __future__ import annotations

import ast
import copy
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from boto3.session import Session
from samtranslator.parser.parser import Parser  # type: ignore[import-untyped]  # AWS ships no types
from samtranslator.translator.translator import Translator  # type: ignore[import-untyped]  # AWS ships no types
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]  # AWS ships no types

from dev import template as local
from reelay import settings
from reelay.admission import KEY_SECONDS

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
FUNCTIONS = sorted(
    name for name, resource in TEMPLATE["Resources"].items() if resource["Type"] == "AWS::Serverless::Function"
)
VERBS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
INTEGRATION = "x-amazon-apigateway-integration"
STREAMED = {("POST", "/v1/chat/completions")}

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
DEVELOPMENT_ONLY = {"UPSTREAM_PLAIN_HTTP", "ALLOW_ANONYMOUS", "MEDIA_TRUSTED_ORIGINS"}


@cache
def cloud() -> dict[str, Any]:
    """The template after AWS's transform, with the parameters' defaults."""
    packaged = copy.deepcopy(TEMPLATE)
    for resource in packaged["Resources"].values():
        for code in ("CodeUri", "ContentUri"):  # folders become S3 URIs, as `sam package` does
            if code in resource["Properties"]:
                resource["Properties"][code] = f"s3://packages/{resource['Properties'][code]}"
    translator = Translator({}, Parser(), boto_session=Session(region_name="eu-central-1"))
    document: dict[str, Any] = translator.translate(packaged, {})
    return document


def resources(kind: str) -> dict[str, dict[str, Any]]:
    return {name: resource for name, resource in cloud()["Resources"].items() if resource["Type"] == kind}


def routes() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in cloud()["Resources"]["Api"]["Properties"]["Body"]["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation[INTEGRATION]


def gateway_responses() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = cloud()["Resources"]["Api"]["Properties"]["Body"][
        "x-amazon-apigateway-gateway-responses"
    ]
    return found


def allowed() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement that allows something, with the role or policy that holds it."""
    for name, role in resources("AWS::IAM::Role").items():
        for policy in role["Properties"]["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                yield name, statement
    for name, policy in resources("AWS::IAM::ManagedPolicy").items():
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            yield name, statement


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


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


def test_the_chat_route_streams_for_fifteen_minutes() -> None:
    [chat] = [found for method, path, found in routes() if (method, path) in STREAMED]
    assert integration_uri(chat).endswith("/functions/${RelayFunction.Arn}/response-streaming-invocations")
    assert chat["responseTransferMode"] == "STREAM"
    assert chat["timeoutInMillis"] == 900_000


def test_every_other_route_is_buffered_because_its_door_answers_in_one_piece() -> None:
    for method, path, integration in routes():
        if (method, path) not in STREAMED:
            assert integration_uri(integration).endswith("/functions/${ResultsFunction.Arn}/invocations")
            assert "responseTransferMode" not in integration


def test_the_api_may_invoke_the_function_behind_every_route() -> None:
    granted = {
        (permission["Properties"]["FunctionName"]["Ref"], permission["Properties"]["SourceArn"]["Fn::Sub"][0])
        for permission in resources("AWS::Lambda::Permission").values()
        if permission["Properties"]["Principal"] == "apigateway.amazonaws.com"
    }
    arn = "arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${__ApiId__}/${__Stage__}/"
    expected = set()
    for method, path, integration in routes():
        function = re.search(r"\$\{(\w+)\.Arn\}", integration_uri(integration))
        assert function is not None
        # In a permission each path parameter is a star.
        expected.add((function[1], arn + method + re.sub(r"\{\w+\}", "*", path)))
    assert granted == expected


def test_no_function_gives_up_before_its_route_does_and_none_outlives_it() -> None:
    for _, _, integration in routes():
        function = re.search(r"\$\{(\w+)\.Arn\}", integration_uri(integration))
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


# Doors


def test_every_door_has_a_function_and_every_function_a_door_with_a_handler() -> None:
    functions = {
        resource["Properties"]["CodeUri"]
        for resource in TEMPLATE["Resources"].values()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    assert functions == {path.parent.relative_to(ROOT).as_posix() for path in ROOT.glob("functions/*/app.py")}
    for function in resources("AWS::Lambda::Function").values():
        assert function["Properties"]["Handler"] == "app.handler"
    for door in functions:
        module = ast.parse((ROOT / door / "app.py").read_text(encoding="utf-8"))
        assert "handler" in {node.name for node in module.body if isinstance(node, ast.FunctionDef)}


def test_every_function_and_the_layer_are_built_by_a_target_of_their_makefile() -> None:
    for name, resource in TEMPLATE["Resources"].items():
        if "Metadata" not in resource:
            assert resource["Type"] not in {"AWS::Serverless::Function", "AWS::Serverless::LayerVersion"}
            continue
        properties, metadata = resource["Properties"], resource["Metadata"]
        folder = metadata.get("ContextPath") or properties.get("CodeUri") or properties["ContentUri"]
        makefile = (ROOT / folder / "Makefile").read_text(encoding="utf-8")
        assert (metadata["BuildMethod"], metadata["WorkingDirectory"]) == ("makefile", ".")
        assert re.search(rf"^build-{name}\b.*:$|^build-\w+ .*\bbuild-{name}:$", makefile, re.MULTILINE)


def test_the_layer_is_built_for_the_runtime_and_the_processor_of_the_functions() -> None:
    makefile = (ROOT / "layers/core/Makefile").read_text(encoding="utf-8")
    version = re.search(r"--python-version (\S+)", makefile)
    architecture = re.search(r"^ARCHITECTURE \?= (\S+)$", makefile, re.MULTILINE)
    assert version is not None
    assert architecture is not None
    assert architecture[1] == TEMPLATE["Parameters"]["Architecture"]["Default"]
    for function in resources("AWS::Lambda::Function").values():
        assert function["Properties"]["Runtime"] == f"python{version[1]}"
        assert function["Properties"]["Architectures"] == [{"Ref": "Architecture"}]
        assert function["Properties"]["RuntimeManagementConfig"] == {"UpdateRuntimeOn": "FunctionUpdate"}


class Asked(dict[str, str]):
    """An environment that remembers which variables it was asked for."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        super().__init__(variables)
        self.names: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_settings_take_the_environment_of_every_function_and_read_all_of_it(name: str) -> None:
    function = local.read(ROOT / "template.yaml").functions[name]
    declared = {"BUCKET_NAME": "what-only-aws-knows", **function.environment}
    environment = Asked(declared)
    settings.read(environment)
    assert {variable for variable in declared if not variable.startswith("POWERTOOLS_")} <= environment.names


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_function_records_events_or_answers_and_none_can_be_put_into_development_mode(name: str) -> None:
    variables = cloud()["Resources"][name]["Properties"]["Environment"]["Variables"]
    assert variables["POWERTOOLS_LOGGER_LOG_EVENT"] == "false"
    assert variables["POWERTOOLS_TRACER_CAPTURE_RESPONSE"] == "false"
    assert variables["POWERTOOLS_TRACER_CAPTURE_ERROR"] == "false"
    assert variables.keys().isdisjoint(DEVELOPMENT_ONLY)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_writes_to_a_declared_log_that_is_not_kept_for_ever(name: str) -> None:
    log = cloud()["Resources"][name]["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]
    assert cloud()["Resources"][log]["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    assert TEMPLATE["Parameters"]["LogRetentionDays"]["Default"] > 0


# Parameters


@pytest.mark.parametrize(
    ("parameter", "value", "taken"),
    [
        ("UpstreamBaseUrl", "https://v98store.com/v1", True),
        ("UpstreamBaseUrl", "http://v98store.com/v1", False),
        ("UpstreamBaseUrl", "https://key@v98store.com/v1", False),
        ("UpstreamBaseUrl", "https://v98store.com/v1?key=1", False),
        ("UpstreamBaseUrl", "https://v98store.com/v1/", False),
        ("MediaAllowedHosts", "", True),
        ("MediaAllowedHosts", "filesystem.site,cdn.example.com", True),
        ("MediaAllowedHosts", "https://filesystem.site", False),
        ("MediaAllowedHosts", "filesystem.site, cdn.example.com", False),
    ],
)
def test_a_parameter_refuses_what_the_settings_could_not_use(parameter: str, value: str, taken: bool) -> None:
    assert bool(re.fullmatch(TEMPLATE["Parameters"][parameter]["AllowedPattern"], value)) is taken


def test_the_upstream_is_the_one_the_settings_know() -> None:
    assert TEMPLATE["Parameters"]["UpstreamBaseUrl"]["Default"] == settings.UPSTREAM_BASE_URL


def test_every_parameter_and_output_says_what_it_is_for() -> None:
    for entry in (*TEMPLATE["Parameters"].values(), *TEMPLATE["Outputs"].values()):
        assert entry["Description"].endswith(".")


# The bucket


def test_the_bucket_is_private_encrypted_and_without_access_lists() -> None:
    [bucket] = resources("AWS::S3::Bucket").values()
    properties = bucket["Properties"]
    assert properties["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }
    assert properties["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    [encryption] = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert "VersioningConfiguration" not in properties  # what a caller deletes is gone


def test_the_bucket_outlives_the_stack() -> None:
    [bucket] = resources("AWS::S3::Bucket").values()
    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def test_unfinished_uploads_are_dropped_after_a_day_and_nothing_else_unless_asked() -> None:
    [bucket] = resources("AWS::S3::Bucket").values()
    uploads, claims, expiry = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
    assert (claims["Prefix"], claims["ExpirationInDays"]) == ("claims/", 2)
    assert claims["ExpirationInDays"] * 24 * 3600 > KEY_SECONDS
    assert uploads["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert "ExpirationInDays" not in uploads
    condition, rule, otherwise = expiry["Fn::If"]
    assert rule["ExpirationInDays"] == {"Ref": "RetentionDays"}
    assert otherwise == {"Ref": "AWS::NoValue"}
    assert cloud()["Conditions"][condition] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "RetentionDays"}, 0]}]}
    assert TEMPLATE["Parameters"]["RetentionDays"]["Default"] == 0


def test_the_bucket_refuses_whoever_comes_without_tls() -> None:
    [policy] = resources("AWS::S3::BucketPolicy").values()
    [statement] = policy["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [{"Fn::GetAtt": ["Bucket", "Arn"]}, {"Fn::Sub": "${Bucket.Arn}/*"}]


# Permissions


def test_nobody_is_allowed_a_wildcard() -> None:
    for _, statement in allowed():
        assert not [action for action in listed(statement["Action"]) if "*" in action]
        unbounded = "*" in listed(statement["Resource"])
        # X-Ray's two actions have no resources to name.
        assert not unbounded or all(action.startswith("xray:Put") for action in listed(statement["Action"]))


def test_every_function_has_a_role_of_its_own_that_aws_adds_nothing_to() -> None:
    roles = {name: found["Properties"]["Role"] for name, found in resources("AWS::Lambda::Function").items()}
    assert sorted(role["Fn::GetAtt"][0] for role in roles.values()) == sorted(resources("AWS::IAM::Role"))
    for role in resources("AWS::IAM::Role").values():
        ours = {"Fn::If": ["Traced", [{"Ref": "TracePolicy"}], {"Ref": "AWS::NoValue"}]}
        assert role["Properties"]["ManagedPolicyArns"] == ours


def test_objects_are_touched_only_below_the_tenants_and_claims_by_the_relay() -> None:
    below = {"Fn::Sub": "${Bucket.Arn}/tenants/*"}
    for role, statement in allowed():
        actions = {action for action in listed(statement["Action"]) if action.startswith("s3:")}
        if actions == {"s3:ListBucket"}:
            assert statement["Resource"] == {"Fn::GetAtt": ["Bucket", "Arn"]}
            # IfExists: a GetObject names no prefix, and without the permission a missing key would be a 403.
            prefixes = listed(statement["Condition"]["StringLikeIfExists"]["s3:prefix"])
            assert prefixes == ["tenants/*", "claims/*"] if role == "RelayRole" else ["tenants/*"]
        elif actions and statement["Resource"] != below:
            assert actions == {"RelayRole": {"s3:GetObject", "s3:PutObject"}, "ResultsRole": {"s3:PutObject"}}[role]
            assert statement["Resource"] == {"Fn::Sub": "${Bucket.Arn}/claims/*"}


def test_each_role_may_do_with_objects_what_its_door_does() -> None:
    granted: dict[str, set[str]] = {}
    for role, statement in allowed():
        s3 = {action.removeprefix("s3:") for action in listed(statement["Action"]) if action.startswith("s3:")}
        granted[role] = granted.get(role, set()) | s3
    records = {"GetObject", "PutObject", "DeleteObject", "ListBucket"}
    assert granted == {"RelayRole": records | {"AbortMultipartUpload"}, "ResultsRole": records, "TracePolicy": set()}


def test_each_role_writes_only_its_own_log() -> None:
    logs = {
        role: statement["Resource"]
        for role, statement in allowed()
        if any(action.startswith("logs:") for action in listed(statement["Action"]))
    }
    assert logs == {
        "RelayRole": {"Fn::GetAtt": ["RelayLogs", "Arn"]},
        "ResultsRole": {"Fn::GetAtt": ["ResultsLogs", "Arn"]},
    }
