"""Events in and out as template.yaml describes them: queues, rules, dead letters, the webhook, the schedule."""

from __future__ import annotations

from typing import Any

import pytest

from reelay.bus import SOURCE
from reelay.drops import INBOX
from reelay.model import Notice
from reelay.relay import LEASE_MARGIN_SECONDS
from tests.contract.cloud import TEMPLATE, cloud, listed, queue, resources

OUR_RULES = {"CompletionRequestedRule", "InboxRule"}


def source(function: str) -> dict[str, Any]:
    """The queue that feeds a function."""
    found: dict[str, Any]
    (found,) = [
        mapping["Properties"]
        for mapping in resources("AWS::Lambda::EventSourceMapping").values()
        if mapping["Properties"]["FunctionName"] == {"Ref": f"{function}Aliaslive"}
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


def test_every_queue_is_encrypted() -> None:
    for found in resources("AWS::SQS::Queue").values():
        assert found["Properties"]["SqsManagedSseEnabled"] is True


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


def test_the_sweep_comes_before_anybody_has_waited_long_and_ends_before_the_next_one() -> None:
    event = TEMPLATE["Resources"]["SweepFunction"]["Properties"]["Events"]["Every5Minutes"]["Properties"]
    assert event["Schedule"] == "rate(5 minutes)"
    assert cloud()["Resources"]["SweepFunction"]["Properties"]["Timeout"] < 5 * 60
