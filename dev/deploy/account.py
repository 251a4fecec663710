"""What the AWS account knows of a stack, and what is put into it by hand: the service's key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from dev.deploy import NotDone

LISTED = 1000
"""Objects that one LIST tells of (S3 API reference, ListObjectsV2); more are told as "or more"."""

NEVER_MADE = "REVIEW_IN_PROGRESS"
"""A stack of which there is nothing but a change set that nobody took (CloudFormation user guide, status codes)."""

STUCK = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED")
"""A stack that can only be deleted (there too): its first deployment failed, or its deletion."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """A stack that is there: its outputs (none when its first deployment failed), its parameters without the secret
    ones, and CloudFormation's word for how it is."""

    outputs: Mapping[str, str]
    parameters: Mapping[str, str]
    status: str


class Account:
    """The account of the credentials in the environment. What AWS refuses is raised as NotDone, in AWS's words."""

    def __init__(self) -> None:
        try:
            self._stacks = boto3.client("cloudformation")
            self._secrets = boto3.client("secretsmanager")
            self._s3 = boto3.client("s3")
            self._gateway = boto3.client("apigateway")
            self._functions = boto3.client("lambda")
            self._whose = boto3.client("sts")
        except BotoCoreError as failure:
            raise NotDone(f"No AWS account to deploy into: {failure}") from None

    def name(self) -> str:
        """Whose it is and where: account number and region."""
        number = _asked(self._whose.get_caller_identity)["Account"]
        return f"account {number}, region {self.region}"

    @property
    def region(self) -> str:
        """Where it is."""
        return str(self._stacks.meta.region_name)

    def concurrency(self) -> int | None:
        """How many functions may run at the same time in this region; None where the credentials may not ask."""
        try:
            return int(self._functions.get_account_settings()["AccountLimit"]["ConcurrentExecutions"])
        except (ClientError, BotoCoreError):
            return None

    def stack(self, name: str) -> Deployed | None:
        """What is deployed under that name; None when nothing is, or never was."""
        try:
            [found] = self._stacks.describe_stacks(StackName=name)["Stacks"]
        except ClientError as failure:
            if failure.response.get("Error", {}).get("Code") == "ValidationError":
                return None
            raise NotDone(str(failure)) from None
        except BotoCoreError as failure:
            raise NotDone(str(failure)) from None
        if found["StackStatus"] == NEVER_MADE:
            return None
        outputs = {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}
        values = {each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters", [])}
        hidden = {name for name, value in values.items() if value == "****"}  # how CloudFormation shows NoEcho
        shown = {name: value for name, value in values.items() if name not in hidden}
        return Deployed(outputs, shown, found["StackStatus"])

    def secret_fault(self, arn: str) -> str:
        """Why the secret cannot hold the service's key, in words; "" where it can. It is not read."""
        try:
            found = self._secrets.describe_secret(SecretId=arn)
        except self._secrets.exceptions.ResourceNotFoundException:
            found = None
        except (ClientError, BotoCoreError) as failure:
            raise NotDone(str(failure)) from None
        if found is None or "DeletedDate" in found:
            return f"a secret that is there, in region {self.region}"
        return "" if found["ARN"] == arn else f"the whole ARN, {found['ARN']}"

    def seal(self, secret: str) -> str | None:
        """The KMS key that the secret is sealed with, as it is named there; None for AWS's own."""
        name = _asked(self._secrets.describe_secret, SecretId=secret).get("KmsKeyId")
        return None if name is None or name.endswith("alias/aws/secretsmanager") else str(name)

    def has_key(self, secret: str) -> bool:
        """Whether the secret holds anything; it is not read."""
        return bool(_asked(self._secrets.describe_secret, SecretId=secret).get("VersionIdsToStages"))

    def put_key(self, secret: str, key: str) -> None:
        """Make it the key that pays."""
        _asked(self._secrets.put_secret_value, SecretId=secret, SecretString=key)

    def count(self, bucket: str, prefix: str) -> int:
        """How many objects lie under a prefix; LISTED stands for that many or more."""
        return int(_asked(self._s3.list_objects_v2, Bucket=bucket, Prefix=prefix, MaxKeys=LISTED)["KeyCount"])

    def keys(self, plan: str) -> list[str]:
        """Ids of the API keys on a usage plan, at most 500 of them; none where the plan went before its stack."""
        try:
            found = self._gateway.get_usage_plan_keys(usagePlanId=plan, limit=500)["items"]
        except self._gateway.exceptions.NotFoundException:
            return []
        except (ClientError, BotoCoreError) as failure:
            raise NotDone(str(failure)) from None
        return [each["id"] for each in found]


def _asked(call: Any, **words: Any) -> Any:
    try:
        return call(**words)
    except (ClientError, BotoCoreError) as failure:
        raise NotDone(str(failure)) from None
