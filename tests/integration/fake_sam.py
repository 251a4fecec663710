"""Plays SAM for the tests of `make deploy`: makes the stack in moto's CloudFormation with the parameters it was given,
deletes it, and writes down the words it was called with. FAKE_SAM says where, FAKE_SAM_FAILS that it fails, and
FAKE_SAM_DECLINED that the person says no to its change set, which stays then."""

from __future__ import annotations

import json
import os
import sys
import uuid
from itertools import pairwise
from pathlib import Path

import boto3

SECRETS = ("TenantSecret", "WebhookKey")


def main() -> int:
    """Do as SAM would; the exit status."""
    words = sys.argv[1:]
    option = dict(pairwise(words))
    given = option.get("--parameter-overrides", "")
    values = json.loads(Path(given.removeprefix("file://")).read_text()) if given.endswith(".yaml") else {}
    Path(os.environ["FAKE_SAM"]).write_text(json.dumps({"words": words, "values": values}))
    if os.environ.get("FAKE_SAM_FAILS"):
        return 1
    if words[0] == "delete":
        boto3.client("cloudformation").delete_stack(StackName=option["--stack-name"])
    elif os.environ.get("FAKE_SAM_DECLINED"):
        propose(option["--stack-name"])
    else:
        deploy(option["--stack-name"], values)
    return 0


def propose(name: str) -> None:
    """A change set that nobody takes: of a stack that is not there, it makes one that has nothing."""
    stacks = boto3.client("cloudformation")
    if not [each for each in stacks.describe_stacks()["Stacks"] if each["StackName"] == name]:
        body = json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}})
        stacks.create_change_set(StackName=name, TemplateBody=body, ChangeSetName="proposed", ChangeSetType="CREATE")


def deploy(name: str, values: dict[str, str]) -> None:
    """The stack with those parameters beside the ones that it has."""
    stacks = boto3.client("cloudformation")
    there = [each for each in stacks.describe_stacks()["Stacks"] if each["StackName"] == name and each.get("Outputs")]
    had = {each["ParameterKey"]: each["ParameterValue"] for stack in there for each in stack["Parameters"]}
    values = had | values
    outputs = {each["OutputKey"]: each["OutputValue"] for each in there[0]["Outputs"]} if there else made()
    if named := values.get("ServiceKeySecretArn"):
        outputs["ServiceKeySecret"] = named
    body = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Parameters": {each: {"Type": "String", "NoEcho": each in SECRETS} for each in values},
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},  # there is no stack of nothing
        "Outputs": {each: {"Value": value} for each, value in outputs.items()},
    }
    if not there:
        stacks.delete_stack(StackName=name)  # what a change set that nobody took has left of it, if anything
    (stacks.update_stack if there else stacks.create_stack)(
        StackName=name,
        TemplateBody=json.dumps(body),
        Parameters=[{"ParameterKey": each, "ParameterValue": value} for each, value in values.items()],
    )


def made() -> dict[str, str]:
    """What a stack stands for and moto's CloudFormation cannot make, as its outputs."""
    bucket = f"deployed-{uuid.uuid4().hex}"
    boto3.client("s3").create_bucket(Bucket=bucket)
    return {
        "ApiUrl": "https://abc123.execute-api.us-east-1.amazonaws.com/live/v1",
        "BucketName": bucket,
        "ServiceKeySecret": boto3.client("secretsmanager").create_secret(Name=bucket)["ARN"],
        "KeysPlanId": boto3.client("apigateway").create_usage_plan(name=bucket)["id"],
        "RequestsQueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/requests",
        "EventBusName": "reelay",
        "DashboardUrl": "https://us-east-1.console.aws.amazon.com/cloudwatch/home",
    }


if __name__ == "__main__":
    sys.exit(main())
