"""The ways in that are not HTTP: each asks for a completion, in the words of the service that carries it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from dev.ministack.deployed import Deployed, eventually

REQUEST = {"model": "sora-2", "messages": [{"role": "user", "content": "a golden retriever in orbit"}]}
DROPPED = "a dog+1.json"
"""A name that does not survive being unescaped once too often."""


def request(trigger: str) -> dict[str, Any]:
    """The request that this trigger sends; its metadata find the completion again."""
    return REQUEST | {"metadata": {"trigger": trigger}}


def message(stack: Deployed) -> None:
    """A message on the requests queue."""
    stack.sqs.send_message(QueueUrl=stack.names["RequestsQueue"], MessageBody=json.dumps(request("message")))


def file(stack: Deployed) -> None:
    """A file dropped into the bucket."""
    body = json.dumps(request("file"))
    stack.s3.put_object(Bucket=stack.names["Bucket"], Key=f"inbox/{DROPPED}", Body=body)


def event(stack: Deployed) -> None:
    """An event on Reelay's bus."""
    entry = {"Source": "deploy-local", "DetailType": "Completion Requested", "Detail": json.dumps(request("event"))}
    stack.events.put_events(Entries=[entry | {"EventBusName": stack.names["EventBus"]}])


def invocation(stack: Deployed) -> None:
    """A direct invocation of the intake."""
    stack.invoke("IntakeFunction", request("invocation"))


TRIGGERS: Mapping[str, Callable[[Deployed], None]] = {
    "message": message,
    "file": file,
    "event": event,
    "invocation": invocation,
}


def outcome(stack: Deployed) -> Any:
    """What was laid beside the dropped file; raises NotSo when nothing is."""
    place = {"Bucket": stack.names["Bucket"], "Key": f"outbox/{DROPPED}"}

    def look() -> bool:
        return bool(stack.s3.list_objects_v2(Bucket=place["Bucket"], Prefix=place["Key"])["KeyCount"])

    eventually("The outcome of the dropped file", look)
    return json.load(stack.s3.get_object(**place)["Body"])
