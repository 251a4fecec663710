"""How template.yaml is watched and changed: alarms, dashboard, aliases, gradual deployment, what outlives the stack."""

from __future__ import annotations

import copy
import json
import re
from functools import cache
from typing import Any

import pytest
from boto3.session import Session
from samtranslator.parser.parser import Parser  # type: ignore[import-untyped]  # AWS ships no types
from samtranslator.translator.translator import Translator  # type: ignore[import-untyped]  # AWS ships no types

from dev import template as local
from dev.deploy import parameters
from tests.contract.cloud import FUNCTIONS, ROOT, TEMPLATE, cloud, plain, resources
from tests.contract.told import metrics

RUNBOOK = (ROOT / "docs/RUNBOOK.md").read_text(encoding="utf-8")
ALARMS = sorted(name for name, found in TEMPLATE["Resources"].items() if found["Type"] == "AWS::CloudWatch::Alarm")
AWS_METRICS = {
    # Amazon SQS developer guide, "Available CloudWatch metrics for Amazon SQS"
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): "QueueName",
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): "QueueName",
    # API Gateway developer guide, "Amazon API Gateway dimensions and metrics"
    ("AWS/ApiGateway", "5XXError"): "ApiName",
    ("AWS/ApiGateway", "4XXError"): "ApiName",
    ("AWS/ApiGateway", "Count"): "ApiName",
    # Lambda developer guide, "Types of metrics for Lambda functions"
    ("AWS/Lambda", "Errors"): "FunctionName",
    ("AWS/Lambda", "Throttles"): "FunctionName",
    ("AWS/Lambda", "ConcurrentExecutions"): "FunctionName",
}
STREAMED_DOOR = "RelayFunction"
NOT_GRADUAL = "AuthorizerFunction"


def alarm(name: str) -> dict[str, Any]:
    found: dict[str, Any] = cloud()["Resources"][name]["Properties"]
    return found


@cache
def deployed(code: str = "code", layer: str = "layer", **parameters: str) -> dict[str, Any]:
    """The template after AWS's transform, with the code, the layer and the parameters of one deployment."""
    packaged = copy.deepcopy(TEMPLATE)
    for resource in packaged["Resources"].values():
        for place, name in (("CodeUri", code), ("ContentUri", layer)):
            if place in resource["Properties"]:
                resource["Properties"][place] = f"s3://packages/{name}"
    translator = Translator({}, Parser(), boto_session=Session(region_name="eu-central-1"))
    document: dict[str, Any] = translator.translate(packaged, parameters)
    return document


def versions(document: dict[str, Any]) -> set[str]:
    return {name for name, found in document["Resources"].items() if found["Type"] == "AWS::Lambda::Version"}


# Alarms


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_watches_something_that_is_told(name: str) -> None:
    found = alarm(name)
    dimensions = {each["Name"]: each["Value"] for each in found["Dimensions"]}
    if found["Namespace"] == "Reelay":
        assert found["MetricName"] in metrics()
        assert dimensions == {"service": {"Ref": "AWS::StackName"}}, (
            "what Powertools writes (tests/contract/test_logs.py)"
        )
    else:
        assert AWS_METRICS[found["Namespace"], found["MetricName"]] in dimensions
        assert {"Stage": "live"}.items() <= dimensions.items() or "ApiName" not in dimensions


def test_every_function_tells_under_the_name_of_its_stack() -> None:
    """So that two stacks of one account and region do not count into each other's metrics and alarms."""
    for name in FUNCTIONS:
        variables = cloud()["Resources"][name]["Properties"]["Environment"]["Variables"]
        assert variables["POWERTOOLS_SERVICE_NAME"] == {"Ref": "AWS::StackName"}
        assert local.read(ROOT / "template.yaml").functions[name].environment["POWERTOOLS_SERVICE_NAME"] == "local"


def test_what_an_operator_has_to_hear_of_has_an_alarm() -> None:
    ours = {alarm(name)["MetricName"] for name in ALARMS if alarm(name)["Namespace"] == "Reelay"}
    assert ours == {
        "ContractViolation", "OldestJobSeconds", "OutcomeUnknown", "PaidCalls", "ServiceKeyRefused",
        "Unforeseen", "UpstreamServerErrors",
    }  # fmt: skip
    watched = {
        (alarm(name)["MetricName"], each["Value"]["Fn::GetAtt"][0])
        for name in ALARMS
        for each in alarm(name)["Dimensions"]
        if each["Name"] == "QueueName"
    }
    dead = {name for name in resources("AWS::SQS::Queue") if name.endswith("DeadLetters")}
    fed = set(resources("AWS::SQS::Queue")) - dead
    assert watched == {("ApproximateNumberOfMessagesVisible", name) for name in dead} | {
        ("ApproximateAgeOfOldestMessage", name) for name in fed
    }
    failing = {each["Value"]["Ref"] for name in ALARMS for each in alarm(name)["Dimensions"] if _function(each)}
    assert failing == set(FUNCTIONS)


def _function(dimension: dict[str, Any]) -> bool:
    return bool(dimension["Name"] == "FunctionName")


@pytest.mark.parametrize(
    "name", ["RequestsDeadLettersAlarm", "JobsDeadLettersAlarm", "OutcomeUnknownAlarm", "UnforeseenAlarm"]
)
def test_the_first_one_is_an_alarm(name: str) -> None:
    found = alarm(name)
    assert (found["Threshold"], found["ComparisonOperator"]) == (0, "GreaterThanThreshold")
    assert found["EvaluationPeriods"] == 1


def test_a_sweep_that_does_not_run_is_an_alarm_and_missing_numbers_are_none_elsewhere() -> None:
    missing = {name: alarm(name)["TreatMissingData"] for name in ALARMS}
    assert missing.pop("OldestJobAlarm") == "breaching"
    assert set(missing.values()) == {"notBreaching"}
    # Three sweeps fall into its period, so one that is late is no alarm.
    assert alarm("OldestJobAlarm")["Period"] == 900


def test_what_may_be_spent_in_an_hour_is_a_parameter() -> None:
    found = alarm("PaidCallsAlarm")
    assert (found["Statistic"], found["Period"], found["Threshold"]) == ("Sum", 3600, {"Ref": "PaidCallsPerHour"})


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_tells_whom_the_parameters_name(name: str) -> None:
    topic = "arn:aws:sns:eu-central-1:123456789012:pager"
    actions = alarm(name)["AlarmActions"]
    for given, told in (
        ({}, []),
        ({"AlarmEmail": "a@example.com"}, ["AlarmTopic"]),
        ({"AlarmTopicArn": topic}, [topic]),
        ({"AlarmEmail": "a@example.com", "AlarmTopicArn": topic}, ["AlarmTopic", topic]),
    ):
        assert plain(actions, **given) == told


def test_only_alarms_of_this_account_may_use_the_topic() -> None:
    assert {TEMPLATE["Resources"][name]["Condition"] for name in ("AlarmTopic", "AlarmTopicPolicy")} == {"Emails"}
    [statement] = TEMPLATE["Resources"]["AlarmTopicPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Principal"], statement["Action"]) == ({"Service": "cloudwatch.amazonaws.com"}, "sns:Publish")
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


# The runbook


def sections() -> dict[str, str]:
    """The runbook's sections by each name in their headings."""
    parts = re.split(r"^### (.+)$", RUNBOOK, flags=re.MULTILINE)[1:]
    return {name: text for heading, text in zip(parts[::2], parts[1::2], strict=True) for name in heading.split(", ")}


def test_every_alarm_has_a_section_and_every_section_an_alarm() -> None:
    assert {name for name in sections() if name.endswith("Alarm")} == set(ALARMS)


@pytest.mark.parametrize("name", ALARMS)
def test_a_section_says_what_it_means_what_to_look_at_and_what_to_do(name: str) -> None:
    assert alarm(name)["AlarmDescription"].endswith(f"docs/RUNBOOK.md, {name}.")
    section = sections()[name].split("\n## ")[0]
    for part in ("**Means.**", "**Look at.**", "**Do.**"):
        assert part in section
    assert "```sh" in section


def test_the_runbook_names_resources_and_outputs_that_exist() -> None:
    known = set(cloud()["Resources"]) | set(TEMPLATE["Outputs"])
    assert set(re.findall(r"\$\((?:of|out) (\w+)\)", RUNBOOK)) <= known
    assert "$(of JobsDeadLetters)" in RUNBOOK


OPERATORS = ["README.md", "docs/DEPLOY.md", "docs/RUNBOOK.md", "docs/SCALE.md", "docs/RELEASE.md"]


@pytest.mark.parametrize("document", OPERATORS)
def test_what_an_operator_is_led_to_is_there(document: str) -> None:
    """Links to other documents, with the headings that they name, and targets of make in code."""
    text = (ROOT / document).read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE)) <= targets
    for place, heading in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", text):
        file = (ROOT / document).parent / place if place else ROOT / document
        assert file.exists(), place
        headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE) if heading else []
        assert not heading or heading in {re.sub(r"[^a-z0-9 -]", "", h.lower()).replace(" ", "-") for h in headings}


@pytest.mark.parametrize("document", OPERATORS)
def test_what_an_operator_is_told_to_set_can_be_set(document: str) -> None:
    known = parameters.read(ROOT / "template.yaml")
    told = re.findall(r"\b([A-Z][a-z]+[A-Z]\w+)=([\w:/.-]+)", (ROOT / document).read_text(encoding="utf-8"))
    for name, value in told:
        if name not in ("EventBusName", "DetailType") and value.strip("."):
            assert known[name].fault(value) == "", (name, value)
    assert told


# The dashboard


def widgets() -> list[dict[str, Any]]:
    [dashboard] = resources("AWS::CloudWatch::Dashboard").values()
    # A name in ${} is a word inside of JSON's strings, and a number where it stands alone.
    body = json.loads(
        re.sub(r"(?<!\")\$\{PaidCallsPerHour\}(?!\")", "0", dashboard["Properties"]["DashboardBody"]["Fn::Sub"])
    )
    found: list[dict[str, Any]] = body["widgets"]
    return found


def test_the_dashboard_shows_what_is_told_and_every_alarm() -> None:
    for widget in widgets():
        for namespace, metric, dimension, value, *_ in widget["properties"].get("metrics", []):
            if namespace == "Reelay":
                assert metric in metrics()
                assert (dimension, value) == ("service", "${AWS::StackName}")
            else:
                assert AWS_METRICS[namespace, metric] == dimension
    [shown] = [widget["properties"]["alarms"] for widget in widgets() if widget["type"] == "alarm"]
    always = [name for name in ALARMS if "Condition" not in TEMPLATE["Resources"][name]]
    assert sorted(shown) == [f"${{{name}.Arn}}" for name in always]


def test_a_stack_of_the_same_name_in_another_region_has_a_dashboard_of_its_own() -> None:
    """They are global in an account (CloudWatch API reference, PutDashboard): one would replace the other."""
    [dashboard] = resources("AWS::CloudWatch::Dashboard").values()
    assert dashboard["Properties"]["DashboardName"] == {"Fn::Sub": "${AWS::StackName}-${AWS::Region}"}


def test_the_dashboards_widgets_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for each in widgets():
        cells = {
            (x, y)
            for x in range(each["x"], each["x"] + each["width"])
            for y in range(each["y"], each["y"] + each["height"])
        }
        assert not cells & taken, each["properties"]["title"]
        assert max(x for x, _ in cells) < 24, "a dashboard is 24 wide"
        taken |= cells


# Safe change


def test_whoever_calls_a_function_calls_its_alias() -> None:
    """But for the authorizer: SAM and the local stack both want the function itself there."""
    for name in FUNCTIONS:
        found = deployed()["Resources"][f"{name}Aliaslive"]["Properties"]
        assert (found["Name"], found["FunctionName"]) == ("live", {"Ref": name})
    callers = json.dumps(
        {
            kind: resources(kind)
            for kind in (
                "AWS::ApiGateway::RestApi",
                "AWS::Lambda::EventSourceMapping",
                "AWS::Events::Rule",
                "AWS::Lambda::Permission",
            )
        }
    )
    for name in set(FUNCTIONS) - {NOT_GRADUAL}:
        assert f'"{name}"' not in callers
        assert f"${{{name}.Arn}}" not in callers
    assert cloud()["Outputs"]["IntakeFunctionName"]["Value"] == {"Ref": "IntakeFunctionAliaslive"}


@pytest.mark.parametrize("changed", [{"code": "new"}, {"layer": "new"}, {"Release": "1795731854"}], ids=str)
def test_new_code_a_new_layer_and_a_new_release_are_new_versions_and_nothing_else_is(changed: dict[str, str]) -> None:
    """SAM does not see a parameter that changed, so each deployment has a Release of its own (dev/deploy)."""
    before = versions(deployed())
    assert len(before) == len(FUNCTIONS)
    assert versions(deployed(**changed)).isdisjoint(before)
    assert versions(deployed(LogLevel="ERROR")) == before


def test_a_version_says_which_release_it_is() -> None:
    for name in FUNCTIONS:
        described = deployed(Release="1795731854")["Resources"][name]["Properties"]["Description"]
        assert described.endswith(". 1795731854")


def test_a_version_outlives_the_next_so_that_there_is_a_way_back() -> None:
    for name in versions(deployed()):
        assert deployed()["Resources"][name]["DeletionPolicy"] == "Retain"


def test_without_being_asked_for_nothing_of_codedeploy_is_there() -> None:
    assert TEMPLATE["Parameters"]["GradualDeployment"]["Default"] == "no"
    assert not [found for found in cloud()["Resources"].values() if found["Type"].startswith("AWS::CodeDeploy")]
    assert not [found for found in resources("AWS::Lambda::Alias").values() if "UpdatePolicy" in found]


GRADUAL = [each for each in TEMPLATE["Parameters"]["GradualDeployment"]["AllowedValues"] if each != "no"]


@pytest.mark.parametrize("how", GRADUAL)
def test_a_gradual_deployment_goes_back_by_itself_when_an_alarm_of_errors_rises(how: str) -> None:
    found = deployed(GradualDeployment=how)["Resources"]
    groups = {
        name: each["Properties"] for name, each in found.items() if each["Type"] == "AWS::CodeDeploy::DeploymentGroup"
    }
    assert groups.keys() == {f"{name}DeploymentGroup" for name in set(FUNCTIONS) - {NOT_GRADUAL}}
    for name in set(FUNCTIONS) - {NOT_GRADUAL}:
        policy = found[f"{name}Aliaslive"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        assert policy["DeploymentGroupName"] == {"Ref": f"{name}DeploymentGroup"}
    for group in groups.values():
        assert group["DeploymentConfigName"]["Fn::Sub"][1] == {"ConfigName": how}
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
        named = {each["Name"]["Ref"] for each in group["AlarmConfiguration"]["Alarms"]}
        errors = {name for name in ALARMS if name.endswith("ErrorsAlarm")} - {"UpstreamErrorsAlarm"}
        assert named == errors | {"ContractViolationAlarm", "UnforeseenAlarm"}


def test_every_way_of_deploying_is_known_to_sam_and_to_the_mapping() -> None:
    assert TEMPLATE["Mappings"]["Gradual"] == {"no": {"Enabled": "false"}} | {
        each: {"Enabled": "true"} for each in GRADUAL
    }


def test_the_streamed_routes_stay_streamed_behind_the_alias() -> None:
    for how in ("no", *GRADUAL):
        paths = deployed(GradualDeployment=how)["Resources"]["Api"]["Properties"]["Body"]["paths"]
        for path in ("/v1/chat/completions", "/v1/videos", "/v1/videos/{video_id}/remix"):
            route = paths[path]["post"]["x-amazon-apigateway-integration"]
            assert route["uri"]["Fn::Sub"].endswith(
                f"/2021-11-15/functions/${{{STREAMED_DOOR}Aliaslive}}/response-streaming-invocations"
            )


def test_the_bucket_outlives_the_stack_its_deletion_and_its_replacement() -> None:
    [bucket] = [found for found in TEMPLATE["Resources"].values() if found["Type"] == "AWS::S3::Bucket"]
    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
