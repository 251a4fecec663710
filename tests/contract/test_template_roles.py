"""The roles as template.yaml describes them; tests/security/test_roles.py compares them with what the doors call."""

from __future__ import annotations

import re

import pytest

from tests.contract.cloud import allowed, listed, resources

WEBHOOK = "WebhookRole"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/0e8b1d5a-0000-4000-8000-000000000001"
SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/v98store-AbC123"
EVERYTHING = {"KmsKeyArn": KEY, "WebhookUrl": "https://example.com/hook", "Tracing": "true"}
"""Parameters that bring permissions with them."""
OF_THE_ACCOUNT = {"ServiceKeySecretArn": SECRET, "ServiceKeyKmsKeyArn": KEY}
"""And those that name what is not the stack's."""
NAMED = re.compile(r"\w+|Bucket/\w+(/\w+)*(/\*)?")
"""One resource of the stack, or one kind of object in its bucket."""


@pytest.mark.case("role-too-wide")
@pytest.mark.parametrize("parameters", [{}, EVERYTHING, EVERYTHING | OF_THE_ACCOUNT, OF_THE_ACCOUNT])
def test_nobody_is_allowed_a_wildcard(parameters: dict[str, str]) -> None:
    for role, statement in allowed(**parameters):
        assert statement["Effect"] == "Allow"
        assert not {"NotAction", "NotResource", "Principal"} & statement.keys()
        assert not [action for action in listed(statement["Action"]) if not re.fullmatch(r"\w+:\w+", action)]
        if role == "TracePolicy":  # X-Ray's two actions have no resources to name
            assert sorted(statement["Action"]) == ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
            continue
        for resource in listed(statement["Resource"]):
            assert resource in (KEY, SECRET) or NAMED.fullmatch(resource), (role, resource)


def test_every_function_has_a_role_of_its_own_that_aws_adds_nothing_to() -> None:
    roles = {name: found["Properties"]["Role"] for name, found in resources("AWS::Lambda::Function").items()}
    ours = {*resources("AWS::IAM::Role")} - {WEBHOOK}
    assert sorted(role["Fn::GetAtt"][0] for role in roles.values()) == sorted(ours)
    for name in ours:
        tracing = {"Fn::If": ["Traced", [{"Ref": "TracePolicy"}], {"Ref": "AWS::NoValue"}]}
        assert resources("AWS::IAM::Role")[name]["Properties"]["ManagedPolicyArns"] == tracing


@pytest.mark.case("role-too-wide")
def test_only_the_service_behind_a_role_may_take_it() -> None:
    for name, role in resources("AWS::IAM::Role").items():
        service = "events.amazonaws.com" if name == WEBHOOK else "lambda.amazonaws.com"
        [statement] = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert (statement["Action"], statement["Principal"]) == ("sts:AssumeRole", {"Service": service})


@pytest.mark.case("role-too-wide")
def test_the_webhooks_role_posts_to_the_webhook_and_does_nothing_else() -> None:
    [statement] = [found for role, found in allowed(**EVERYTHING) if role == WEBHOOK]
    assert (statement["Action"], statement["Resource"]) == ("events:InvokeApiDestination", "WebhookDestination")


@pytest.mark.case("role-too-wide")
def test_a_key_of_the_accounts_own_is_used_through_s3_and_secrets_manager_alone() -> None:
    using = [found for _, found in allowed(**EVERYTHING) if any("kms:" in each for each in listed(found["Action"]))]
    assert using
    for statement in using:
        [(test, condition)] = statement["Condition"].items()
        service = "secretsmanager" if statement["Action"] == "kms:Decrypt" else "s3"
        assert (test, condition) == ("StringEquals", {"kms:ViaService": f"{service}.us-east-1.amazonaws.com"})
    assert not [found for _, found in allowed() if any("kms:" in each for each in listed(found["Action"]))]
