"""`make keys`: a key of Reelay's own for somebody, made on a stack's usage plan and shown once.

Only API Gateway knows it then. Whoever loses it gets another one, and the old one is deleted there
(`aws apigateway delete-api-key`).
"""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Sequence

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from reelay.identity import OWN_PREFIX, tenant_of

KEY_BYTES = 24
"""Of randomness; written in hexadecimal, for API Gateway takes 20 to 128 characters."""


def made(name: str, plan: str) -> str:
    """A new key on the usage plan with the id `plan`. Raises ClientError and BotoCoreError."""
    gateway = boto3.client("apigateway")
    gateway.get_usage_plan(usagePlanId=plan)  # before a key is made that would stand on none
    key = OWN_PREFIX + secrets.token_hex(KEY_BYTES)
    answer = gateway.create_api_key(name=name, value=key, enabled=True, description="A key of Reelay's own.")
    gateway.create_usage_plan_key(usagePlanId=plan, keyId=answer["id"], keyType="API_KEY")
    return key


def main(given: Sequence[str] | None = None) -> None:
    """Make one and print it."""
    parser = argparse.ArgumentParser(prog="make keys", description="A key of Reelay's own, shown once.")
    parser.add_argument("--name", required=True, help="whose it is, as API Gateway will list it")
    parser.add_argument("--plan", required=True, help="the stack's output KeysPlanId")
    parser.add_argument("--tenant-secret", help="the stack's parameter TenantSecret, to tell the tenant")
    arguments = parser.parse_args(given)
    try:
        key = made(arguments.name, arguments.plan)
    except (ClientError, BotoCoreError) as failure:
        sys.exit(f"No key was made: {failure}")
    print(f"{key}\n\nIt is shown this once. {_tenant(key, arguments.tenant_secret)}")


def _tenant(key: str, secret: str | None) -> str:
    """Under another secret the key is another tenant, so without one nothing is known."""
    if not secret:
        return "Which tenant it is in the bucket, TENANT_SECRET=... tells."
    return f"Its tenant in the bucket is {tenant_of(key, secret)}."


if __name__ == "__main__":
    main()
