"""`make keys`, against moto's API Gateway."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import ClientError

from dev.keys import made, main
from reelay.identity import tenant_of


@pytest.mark.usefixtures("aws_environment")
def test_a_key_is_made_on_the_plan_and_is_one_of_ours() -> None:
    gateway = boto3.client("apigateway")
    plan = gateway.create_usage_plan(name="keys")["id"]
    key = made("alice", plan)
    assert key.startswith("rk-")
    assert 20 <= len(key) <= 128
    (listed,) = gateway.get_usage_plan_keys(usagePlanId=plan)["items"]
    assert (listed["name"], listed["value"]) == ("alice", key)
    assert made("bob", plan) != key


@pytest.mark.usefixtures("aws_environment")
@pytest.mark.parametrize("secret", ["", "0123456789abcdef"])
def test_the_tenant_is_told_only_where_the_stacks_secret_is(capsys: pytest.CaptureFixture[str], secret: str) -> None:
    plan = boto3.client("apigateway").create_usage_plan(name="keys")["id"]
    main(["--name", "alice", "--plan", plan, "--tenant-secret", secret])
    key, _, told = capsys.readouterr().out.partition("\n")
    assert (tenant_of(key, secret) in told) == bool(secret)
    assert tenant_of(key) not in told
    assert ("TENANT_SECRET" in told) == (not secret)


@pytest.mark.usefixtures("aws_environment")
def test_no_key_is_left_on_no_plan() -> None:
    gateway = boto3.client("apigateway")
    before = len(gateway.get_api_keys()["items"])
    with pytest.raises(ClientError):
        made("alice", "nowhere")
    assert len(gateway.get_api_keys()["items"]) == before
