"""The events that Reelay tells, overheard: a queue of the lane's own behind a rule on Reelay's bus."""

from __future__ import annotations

import json
from collections import Counter

from dev.ministack.deployed import Deployed

NAME = "overheard"


class Overheard:
    """Listens from the moment it is made."""

    def __init__(self, stack: Deployed) -> None:
        self._sqs = stack.sqs
        self._queue = self._sqs.create_queue(QueueName=NAME)["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])["Attributes"]
        bus, arn = stack.names["EventBus"], attributes["QueueArn"]
        rule = stack.events.put_rule(Name=NAME, EventBusName=bus, EventPattern=json.dumps({"source": ["reelay"]}))
        allowed = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": rule["RuleArn"]}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        self._sqs.set_queue_attributes(QueueUrl=self._queue, Attributes={"Policy": policy})
        stack.events.put_targets(Rule=NAME, EventBusName=bus, Targets=[{"Id": NAME, "Arn": arn}])
        self._counted: Counter[str] = Counter()
        self._stack = stack

    def counted(self) -> Counter[str]:
        """How many of each detail-type were told until now."""
        while taken := self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages"):
            self._counted.update(json.loads(each["Body"])["detail-type"] for each in taken)
            for each in taken:
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=each["ReceiptHandle"])
        return self._counted

    def stop(self) -> None:
        """Take the rule and the queue away; a bus that has rules cannot be deleted."""
        bus = self._stack.names["EventBus"]
        self._stack.events.remove_targets(Rule=NAME, EventBusName=bus, Ids=[NAME])
        self._stack.events.delete_rule(Name=NAME, EventBusName=bus)
        self._sqs.delete_queue(QueueUrl=self._queue)
