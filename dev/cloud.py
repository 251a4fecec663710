"""What CloudFormation does for the stack: clients of the local AWS, and in it all that is around the functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from dev.surroundings import Bucket, Queue, Rule, Surroundings

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

_CONNECTIONS = 50
"""At a time and service: every invocation of a poller deletes its messages by the same client."""


@dataclass(frozen=True)
class Cloud:
    """Clients of the local AWS. `own_s3` is False where the bucket is in another S3, whose events reach no bus here."""

    s3: S3Client
    sqs: SQSClient
    events: EventBridgeClient
    secrets: SecretsManagerClient
    own_s3: bool

    @classmethod
    def reached_by(cls, environment: Mapping[str, str]) -> Cloud:
        """What a function with these AWS_* variables reaches."""
        everything = environment["AWS_ENDPOINT_URL"]
        s3 = environment.get("AWS_ENDPOINT_URL_S3", everything)
        options: dict[str, Any] = {
            "region_name": environment["AWS_REGION"],
            "aws_access_key_id": environment["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": environment["AWS_SECRET_ACCESS_KEY"],
            "config": Config(max_pool_connections=_CONNECTIONS),
        }
        return cls(
            s3=boto3.client("s3", endpoint_url=s3, **options),
            sqs=boto3.client("sqs", endpoint_url=everything, **options),
            events=boto3.client("events", endpoint_url=everything, **options),
            secrets=boto3.client("secretsmanager", endpoint_url=everything, **options),
            own_s3=s3 == everything,
        )

    def create(self, around: Surroundings, secret: str) -> None:
        """Make all of it; every secret holds `secret`. Raises botocore's exceptions."""
        # A queue names its dead letters' queue, which has to be there before.
        for queue in sorted(around.queues.values(), key=lambda queue: "RedrivePolicy" in queue.attributes):
            self._queue(queue)
        for bus in around.buses.values():
            self.events.create_event_bus(Name=bus)
        for rule in around.rules:
            self._rule(rule)
        for name in around.secrets:
            self.secrets.create_secret(Name=name, SecretString=secret)
        for bucket in around.buckets:
            self._bucket(bucket)

    def _queue(self, queue: Queue) -> None:
        self.sqs.create_queue(QueueName=queue.name, Attributes=dict(queue.attributes))  # type: ignore[arg-type] # any name

    def _rule(self, rule: Rule) -> None:
        targets: Any = list(rule.targets)
        self.events.put_rule(Name=rule.name, EventBusName=rule.bus, EventPattern=rule.pattern)
        self.events.put_targets(Rule=rule.name, EventBusName=rule.bus, Targets=targets)

    def _bucket(self, bucket: Bucket) -> None:
        """Another S3 may have it from an earlier run."""
        if bucket.name not in [each["Name"] for each in self.s3.list_buckets()["Buckets"]]:
            self.s3.create_bucket(Bucket=bucket.name)
        if bucket.tells and self.own_s3:
            self.s3.put_bucket_notification_configuration(
                Bucket=bucket.name, NotificationConfiguration={"EventBridgeConfiguration": {}}
            )
