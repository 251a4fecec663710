"""The doors of events in this process, over moto's queue, bus and secret: events in, the bucket and the bus out.

Messages are delivered by hand, so that a test says how often and in which order.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import boto3

from dev.simulator import Simulator
from reelay.identity import tenant_of
from reelay.ports import Clock
from tests.e2e.local_house import KEY, Context, LocalHouse

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SERVICE_KEY = "sk-service-0123456789"


class EventHouse(LocalHouse):
    """All doors. What events ask for belongs to the tenant of KEY, so that it can be read over HTTP too."""

    def __init__(
        self, simulator: Simulator, s3: S3Client, bucket: str, clock: Clock | None = None, **changes: Any
    ) -> None:
        name = f"test-{uuid.uuid4().hex}"
        self.sqs, self.events, secrets = boto3.client("sqs"), boto3.client("events"), boto3.client("secretsmanager")
        self.queue = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        self.told = self.sqs.create_queue(QueueName=f"{name}-told")["QueueUrl"]
        self._tell(name)
        secrets.create_secret(Name=name, SecretString=SERVICE_KEY)
        settings = {
            "jobs_queue_url": self.queue,
            "event_bus": name,
            "service_key_secret": name,
            "events_tenant": tenant_of(KEY),
        }
        super().__init__(simulator, s3, bucket, clock, **(settings | changes))
        self._intake, self._worker, self._sweep = self.house.intake(), self.house.worker(), self.house.sweep()

    def _tell(self, bus: str) -> None:
        """Every event on the bus ends in a queue that a test can read."""
        self.events.create_event_bus(Name=bus)
        self.events.put_rule(Name=bus, EventBusName=bus, EventPattern='{"source": ["reelay"]}')
        arn = self.sqs.get_queue_attributes(QueueUrl=self.told, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.events.put_targets(Rule=bus, EventBusName=bus, Targets=[{"Id": "told", "Arn": arn}])

    def take_in(self, event: Mapping[str, Any], request_id: str = "r-1") -> Any:
        """An event to the intake's door."""
        context = Context(60)
        context.aws_request_id = request_id
        return self._intake.serve(event, context)

    def message(self, body: Any, id: str = "m-1", **attributes: str) -> dict[str, Any]:
        """An SQS event of one message on the requests queue."""
        return self.batch((id, body), **attributes)

    @staticmethod
    def batch(*messages: tuple[str, Any], **attributes: str) -> dict[str, Any]:
        """An SQS event of several messages of (id, body); attributes go to each."""
        named = {
            name.replace("_", "-"): {"stringValue": value, "dataType": "String"} for name, value in attributes.items()
        }
        return {"Records": [_message(message_id, body, named) for message_id, body in messages]}

    def jobs(self) -> list[str]:
        """The bodies of the messages that wait on the jobs queue, taken off it."""
        return self._taken(self.queue)

    def work(self, body: str, seconds: float = 900) -> Any:
        """One message to the worker's door."""
        return self._worker.serve(self.batch(("j-1", body)), Context(seconds))

    def work_off(self) -> int:
        """Everything that waits on the jobs queue, until nothing does; returns how many messages that were."""
        done = 0
        while bodies := self.jobs():
            for body in bodies:
                assert self.work(body) == {"batchItemFailures": []}
                done += 1
        return done

    def sweep(self) -> int:
        """The schedule's door; returns how many records were sent to the workers."""
        sent: int = self._sweep.serve({}, Context(240))["sent"]
        return sent

    def notices(self) -> list[dict[str, Any]]:
        """The events that were told since the last time."""
        return [json.loads(body) for body in self._taken(self.told)]

    def marks(self) -> list[str]:
        """The records with something left to do."""
        return [item["Key"] for item in self.s3.list_objects_v2(Bucket=self.bucket, Prefix="open/").get("Contents", ())]

    def _taken(self, queue: str) -> list[str]:
        bodies = []
        while found := self.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                bodies.append(message["Body"])
                self.sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return bodies


def _message(id: str, body: Any, attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "messageId": id,
        "receiptHandle": "h",
        "body": body if isinstance(body, str) else json.dumps(body),
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1795510800000",
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": "1795510800001",
        },
        "messageAttributes": attributes,
        "md5OfBody": "d41d8cd98f00b204e9800998ecf8427e",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:requests",
        "awsRegion": "us-east-1",
    }
