"""The secret with the key that pays, as template.yaml has it: the stack's own, or one that was there before it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from dev.deploy import parameters
from dev.intrinsics import Resolver
from tests.contract.cloud import FUNCTIONS, ROOT, TEMPLATE, allowed, cloud, listed, plain

NAMED = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/v98store-AbC123"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/0e8b1d5a-0000-4000-8000-000000000001"
OTHER = KEY.replace("0e8b1d5a", "ffffffff")


def is_made(**given: str) -> bool:
    return Resolver(cloud(), given).holds(TEMPLATE["Resources"]["ServiceKey"].get("Condition"))


def opened(**given: str) -> set[tuple[str, Any]]:
    """Who may use which KMS key through Secrets Manager."""
    return {
        (role, statement["Resource"])
        for role, statement in allowed(**given)
        if "secretsmanager" in str(statement.get("Condition")) and listed(statement["Action"]) == ["kms:Decrypt"]
    }


def test_without_a_word_the_stack_makes_the_secret_and_nobody_puts_the_key_there_but_the_operator() -> None:
    assert is_made()
    assert not TEMPLATE["Resources"]["ServiceKey"]["Properties"].keys() & {"SecretString", "GenerateSecretString"}


def test_with_a_secret_that_is_named_the_stack_makes_none() -> None:
    assert not is_made(ServiceKeySecretArn=NAMED)


@pytest.mark.parametrize(("given", "secret"), [({}, "ServiceKey"), ({"ServiceKeySecretArn": NAMED}, NAMED)])
def test_the_functions_their_roles_and_the_output_all_mean_the_same_secret(given: dict[str, str], secret: str) -> None:
    readers = {
        name: plain(variables, **given)["SERVICE_KEY_SECRET"]
        for name in FUNCTIONS
        if "SERVICE_KEY_SECRET" in (variables := cloud()["Resources"][name]["Properties"]["Environment"]["Variables"])
    }
    assert readers == {"RelayFunction": secret, "WorkerFunction": secret}
    may_read = {
        (role, statement["Resource"])
        for role, statement in allowed(**given)
        if "secretsmanager:GetSecretValue" in listed(statement["Action"])
    }
    assert {(role, plain(found)) for role, found in may_read} == {("RelayRole", secret), ("WorkerRole", secret)}
    assert plain(cloud()["Outputs"]["ServiceKeySecret"]["Value"], **given) == secret


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({}, None),
        ({"ServiceKeySecretArn": NAMED}, None),
        ({"KmsKeyArn": KEY}, KEY),
        ({"ServiceKeySecretArn": NAMED, "KmsKeyArn": KEY}, KEY),
        ({"ServiceKeySecretArn": NAMED, "ServiceKeyKmsKeyArn": OTHER}, OTHER),
        ({"ServiceKeySecretArn": NAMED, "KmsKeyArn": KEY, "ServiceKeyKmsKeyArn": OTHER}, OTHER),
    ],
)
def test_those_who_read_the_secret_may_open_it_and_nobody_else(given: dict[str, str], key: str | None) -> None:
    assert opened(**given) == ({("RelayRole", key), ("WorkerRole", key)} if key else set())


def test_the_key_of_a_named_secret_is_only_taken_with_a_named_secret() -> None:
    rule = TEMPLATE["Rules"]["SealOfANamedSecret"]
    assert rule["RuleCondition"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "ServiceKeyKmsKeyArn"}, ""]}]}
    [assertion] = rule["Assertions"]
    assert assertion["Assert"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "ServiceKeySecretArn"}, ""]}]}


@pytest.mark.parametrize(
    ("value", "taken"),
    [
        ("", True),
        (NAMED, True),
        (NAMED.replace("arn:aws:", "arn:aws-cn:"), True),
        ("prod/v98store", False),
        (NAMED.removesuffix("-AbC123"), False),
        (NAMED.replace("prod/v98store-AbC123", "prod/v98_store"), False),
        (f"{NAMED}:AWSCURRENT", False),
        (NAMED.replace("prod/v98store", "*"), False),
        (NAMED.replace("prod/v98store-AbC123", "*"), False),
        (NAMED.replace("secretsmanager", "ssm"), False),
    ],
)
def test_a_secret_is_named_by_its_whole_arn(value: str, taken: bool) -> None:
    parameter = TEMPLATE["Parameters"]["ServiceKeySecretArn"]
    assert bool(re.fullmatch(parameter["AllowedPattern"], value)) is taken
    assert (parameters.read(ROOT / "template.yaml")["ServiceKeySecretArn"].fault(value) == "") is taken
