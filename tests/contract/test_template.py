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
from reelay.bus import SOURCE
from reelay.drops import INBOX
from reelay.identity import OWN_PREFIX
from reelay.model import Notice
from reelay.relay import LEASE_MARGIN_SECONDS

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
FUNCTIONS = sorted(
    name for name, resource in TEMPLATE["Resources"].items() if resource["Type"] == "AWS::Serverless::Function"
)
VERBS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
INTEGRATION = "x-amazon-apigateway-integration"
STREAMED = {("POST", "/v1/chat/completions"), ("POST", "/v1/videos"), ("POST", "/v1/videos/{video_id}/remix")}

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
WEBHOOK = "WebhookRole"
OUR_RULES = {"CompletionRequestedRule", "InboxRule"}
RECORDS = "GetObject PutObject DeleteObject"
OBJECTS: dict[str, dict[str, str]] = {
    "AuthorizerRole": {},
    "RelayRole": {
        "tenants": f"{RECORDS} AbortMultipartUpload", "claims": "GetObject PutObject", "open": "PutObject DeleteObject",
        "guard": "GetObject", "tallies": "GetObject PutObject",
    },
    "ResultsRole": {"tenants": RECORDS, "claims": "PutObject", "open": "DeleteObject"},
    "IntakeRole": {
        "tenants": RECORDS, "claims": "GetObject PutObject", "open": "PutObject DeleteObject",
        "inbox": "GetObject", "outbox": "PutObject", "tallies": "GetObject PutObject",
    },
    "WorkerRole": {
        "tenants": f"{RECORDS} AbortMultipartUpload", "claims": "PutObject", "open": "PutObject DeleteObject",
        "outbox": "PutObject", "guard": "GetObject",
    },
    "SweepRole": {"tenants": "GetObject PutObject", "open": "PutObject DeleteObject"},
}  # fmt: skip
TAKES = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
HANDS_ON = ("sqs:SendMessage", "JobsQueue")
TELLS = ("events:PutEvents", "EventBus")
OTHERS = {
    "AuthorizerRole": set(),
    "RelayRole": {HANDS_ON, TELLS, ("secretsmanager:GetSecretValue", "ServiceKey")},
    "ResultsRole": set(),
    "IntakeRole": {
        HANDS_ON, TELLS, ("sqs:SendMessage", "RequestsDeadLetters"), *((action, "RequestsQueue") for action in TAKES),
    },
    "WorkerRole": {
        HANDS_ON, TELLS, ("secretsmanager:GetSecretValue", "ServiceKey"), *((action, "JobsQueue") for action in TAKES),
    },
    "SweepRole": {HANDS_ON},
    WEBHOOK: {("events:InvokeApiDestination", "WebhookDestination")},
}  # fmt: skip
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


def _stated(kind: str) -> dict[str, dict[str, Any]]:
    """Those that stand in the template itself, not made by the transform."""
    return {name: found for name, found in resources(kind).items() if name in TEMPLATE["Resources"]}


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
    for name, role in _stated("AWS::IAM::Role").items():
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


def test_the_routes_that_pay_stream_for_fifteen_minutes() -> None:
    paying = [found for method, path, found in routes() if (method, path) in STREAMED]
    assert len(paying) == len(STREAMED)
    for route in paying:
        assert integration_uri(route).endswith("/functions/${RelayFunction.Arn}/response-streaming-invocations")
        assert route["responseTransferMode"] == "STREAM"
        assert route["timeoutInMillis"] == 900_000


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
        and permission["Properties"]["FunctionName"] != {"Fn::GetAtt": ["AuthorizerFunction", "Arn"]}
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
        assert re.search(rf"^(?:build-\w+ )*build-{name}(?: build-\w+)*:$", makefile, re.MULTILINE)


def test_the_layer_is_built_for_the_runtime_and_the_processor_of_the_functions() -> None:
    makefile = (ROOT / "layers/core/Makefile").read_text(encoding="utf-8")
    version = re.search(r"^LAYER_PYTHON \?= (\S+)$", makefile, re.MULTILINE)
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
    settings.callers_key(environment) if name == "AuthorizerFunction" else settings.read(environment)
    if name == "AuthorizerFunction":  # what all functions share is not for it
        declared = {"CALLERS_KEY": declared["CALLERS_KEY"]}
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
    assert (claims["Prefix"], claims["ExpirationInDays"]) == ("claims/", 15)
    letters = max(found["MessageRetentionPeriod"] for found in map(queue, ("RequestsDeadLetters", "JobsDeadLetters")))
    assert claims["ExpirationInDays"] * 24 * 3600 > max(KEY_SECONDS, letters)
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
    assert sorted(role["Fn::GetAtt"][0] for role in roles.values()) == sorted(
        {*resources("AWS::IAM::Role")} - {WEBHOOK}
    )
    for name in sorted({*resources("AWS::IAM::Role")} - {WEBHOOK}):
        tracing = {"Fn::If": ["Traced", [{"Ref": "TracePolicy"}], {"Ref": "AWS::NoValue"}]}
        assert resources("AWS::IAM::Role")[name]["Properties"]["ManagedPolicyArns"] == tracing


@pytest.mark.parametrize("role", sorted(OBJECTS))
def test_each_role_may_do_with_objects_what_its_door_does_and_no_more(role: str) -> None:
    granted: dict[str, set[str]] = {}
    for name, statement in allowed():
        actions = {action.removeprefix("s3:") for action in listed(statement["Action"]) if action.startswith("s3:")}
        if name == role and actions and actions != {"ListBucket"}:
            (place,) = re.findall(r"\$\{Bucket\.Arn\}/(\w+)/\*", statement["Resource"]["Fn::Sub"])
            granted[place] = granted.get(place, set()) | actions
    assert granted == {place: set(actions.split()) for place, actions in OBJECTS[role].items()}


def test_the_bucket_is_listed_only_below_what_a_door_reads() -> None:
    for role, statement in allowed():
        if "s3:ListBucket" in listed(statement["Action"]):
            assert statement["Action"] == "s3:ListBucket"
            assert statement["Resource"] == {"Fn::GetAtt": ["Bucket", "Arn"]}
            # IfExists: a GetObject names no prefix, and without the permission a missing key would be a 403.
            prefixes = listed(statement["Condition"]["StringLikeIfExists"]["s3:prefix"])
            read = {place for place, actions in OBJECTS[role].items() if "GetObject" in actions}
            walks = {"open"} if role == "SweepRole" else set()
            assert {prefix.removesuffix("/*") for prefix in prefixes} == read | walks


@pytest.mark.parametrize("role", sorted(OTHERS))
def test_each_role_reaches_the_queues_the_bus_and_the_secret_that_its_door_needs(role: str) -> None:
    granted = set()
    for name, statement in allowed():
        for action in listed(statement["Action"]):
            if name == role and not action.startswith(("s3:", "logs:")):
                resource = statement["Resource"]
                granted.add((action, resource.get("Ref") or resource["Fn::GetAtt"][0]))
    assert granted == OTHERS[role]


def test_each_role_writes_only_its_own_log() -> None:
    logs = {
        role: statement["Resource"]
        for role, statement in allowed()
        if any(action.startswith("logs:") for action in listed(statement["Action"]))
    }
    assert logs == {role: {"Fn::GetAtt": [role.replace("Role", "Logs"), "Arn"]} for role in OBJECTS}


# Events in and out


def queue(name: str) -> dict[str, Any]:
    found: dict[str, Any] = resources("AWS::SQS::Queue")[name]["Properties"]
    return found


def source(function: str) -> dict[str, Any]:
    """The queue that feeds a function."""
    found: dict[str, Any]
    (found,) = [
        mapping["Properties"]
        for mapping in resources("AWS::Lambda::EventSourceMapping").values()
        if mapping["Properties"]["FunctionName"] == {"Ref": function}
    ]
    return found


@pytest.mark.parametrize(("function", "name"), [("IntakeFunction", "RequestsQueue"), ("WorkerFunction", "JobsQueue")])
def test_a_queue_outwaits_its_function_and_what_fails_often_becomes_a_dead_letter(function: str, name: str) -> None:
    mapping = source(function)
    assert mapping["EventSourceArn"] == {"Fn::GetAtt": [name, "Arn"]}
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    seconds = cloud()["Resources"][function]["Properties"]["Timeout"]
    assert queue(name)["VisibilityTimeout"] > seconds
    redrive = queue(name)["RedrivePolicy"]
    dead = redrive["deadLetterTargetArn"]["Fn::GetAtt"][0]
    assert (redrive["maxReceiveCount"], queue(dead)["MessageRetentionPeriod"]) == (5, 14 * 24 * 3600)


def test_a_message_comes_back_only_after_the_lease_of_the_worker_that_died() -> None:
    seconds = cloud()["Resources"]["WorkerFunction"]["Properties"]["Timeout"]
    assert queue("JobsQueue")["VisibilityTimeout"] > seconds + LEASE_MARGIN_SECONDS


def test_what_events_can_spend_at_a_time_is_a_parameter() -> None:
    mapping = source("WorkerFunction")
    assert mapping["BatchSize"] == 1
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "WorkerConcurrency"}}
    assert TEMPLATE["Parameters"]["WorkerConcurrency"]["MinValue"] == 2


def test_files_and_bus_events_end_on_the_requests_queue_or_as_dead_letters() -> None:
    rules = {name: rule["Properties"] for name, rule in resources("AWS::Events::Rule").items() if name in OUR_RULES}
    assert rules["InboxRule"]["EventPattern"] == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [{"Ref": "Bucket"}]}, "object": {"key": [{"prefix": INBOX}]}},
    }
    assert "EventBusName" not in rules["InboxRule"]
    assert rules["CompletionRequestedRule"]["EventPattern"] == {"detail-type": ["Completion Requested"]}
    assert rules["CompletionRequestedRule"]["EventBusName"] == {"Ref": "EventBus"}
    for rule in rules.values():
        (target,) = rule["Targets"]
        assert target["Arn"] == {"Fn::GetAtt": ["RequestsQueue", "Arn"]}
        assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["RequestsDeadLetters", "Arn"]}}
    [bucket] = resources("AWS::S3::Bucket").values()
    assert bucket["Properties"]["NotificationConfiguration"] == {
        "EventBridgeConfiguration": {"EventBridgeEnabled": True}
    }


def test_only_the_stacks_rules_may_send_to_its_queues_from_outside_its_roles() -> None:
    for policy in resources("AWS::SQS::QueuePolicy").values():
        statements = policy["Properties"]["PolicyDocument"]["Statement"]
        denied = [each for each in statements if each["Effect"] == "Deny"]
        assert [each["Condition"] for each in denied] == [{"Bool": {"aws:SecureTransport": "false"}}]
        for each in statements:
            if each["Effect"] == "Allow":
                assert each["Principal"] == {"Service": "events.amazonaws.com"}
                assert each["Action"] == "sqs:SendMessage"
                arns = listed(each["Condition"]["ArnEquals"]["aws:SourceArn"])
                assert {arn["Fn::GetAtt"][0] for arn in arns} <= {*OUR_RULES, "WebhookRule"}


def test_a_record_outlives_every_event_that_may_still_ask_for_it() -> None:
    letters = queue("RequestsDeadLetters")["MessageRetentionPeriod"]
    days = TEMPLATE["Parameters"]["RetentionDays"]["AllowedValues"]
    assert days[0] == 0
    assert all(each * 24 * 3600 > letters for each in days[1:])


def test_an_asynchronous_invocation_that_could_not_be_kept_is_a_dead_letter() -> None:
    intake = cloud()["Resources"]["IntakeFunction"]["Properties"]
    assert intake["DeadLetterConfig"] == {"TargetArn": {"Fn::GetAtt": ["RequestsDeadLetters", "Arn"]}}


def test_the_worker_may_send_to_its_own_queue_for_as_long_as_a_job_may_be_asked_after() -> None:
    assert cloud()["Resources"]["WorkerFunction"]["Properties"]["RecursiveLoop"] == "Allow"


def test_no_event_of_ours_asks_for_a_completion() -> None:
    assert {notice.value for notice in Notice}.isdisjoint({"Completion Requested"})


def test_the_webhook_is_there_only_with_a_url_and_only_with_a_key() -> None:
    webhook = [name for name, found in TEMPLATE["Resources"].items() if name.startswith("Webhook")]
    assert {TEMPLATE["Resources"][name]["Condition"] for name in webhook} == {"Webhook"}
    assert cloud()["Conditions"]["Webhook"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "WebhookUrl"}, ""]}]}
    (assertion,) = TEMPLATE["Rules"]["WebhookHasKey"]["Assertions"]
    unset = TEMPLATE["Parameters"]["WebhookKey"]["Default"]
    assert assertion["Assert"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "WebhookKey"}, unset]}]}
    assert TEMPLATE["Parameters"]["WebhookKey"]["NoEcho"] is True
    rule = resources("AWS::Events::Rule")["WebhookRule"]["Properties"]
    assert rule["EventPattern"] == {"source": [SOURCE]}


def test_the_services_key_stands_in_no_template() -> None:
    assert TEMPLATE["Resources"]["ServiceKey"]["Properties"].keys() == {"Description"}


def test_the_sweep_comes_before_anybody_has_waited_long_and_ends_before_the_next_one() -> None:
    event = TEMPLATE["Resources"]["SweepFunction"]["Properties"]["Events"]["Every5Minutes"]["Properties"]
    assert event["Schedule"] == "rate(5 minutes)"
    assert cloud()["Resources"]["SweepFunction"]["Properties"]["Timeout"] < 5 * 60


# Who may call

PUBLIC = {("GET", "/openapi.yaml"), ("GET", "/openapi.json")}


def test_every_route_but_the_contracts_asks_the_authorizer_and_needs_a_key_on_a_plan() -> None:
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
