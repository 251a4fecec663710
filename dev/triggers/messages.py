"""Messages of a queue -> the event that Lambda hands to a function, and the function's answer -> what failed.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html (the event), services-sqs-errorhandling.html (the answer).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from dev.surroundings import Queue

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

RECEIVE_MOST = 10
"""Messages that one call may bring (SQS API reference, ReceiveMessage)."""

_MOTO_SEQUENCER = "617f08299329d189"
"""Of every event of moto's S3 (moto 5.2, s3/notifications.py)."""

_ATTRIBUTES = ("ApproximateReceiveCount", "SentTimestamp", "SenderId", "ApproximateFirstReceiveTimestamp")


def take(sqs: SQSClient, queue: Queue, most: int, wait: int) -> list[MessageTypeDef]:
    """Up to `most` messages, waiting up to `wait` seconds for the first; they are invisible to others from then on.

    Raises botocore's exceptions.
    """
    answer = sqs.receive_message(
        QueueUrl=queue.url,
        MaxNumberOfMessages=min(most, RECEIVE_MOST),
        WaitTimeSeconds=wait,
        MessageSystemAttributeNames=["All"],
        MessageAttributeNames=["All"],
    )
    return answer.get("Messages", [])


def sqs_event(messages: Iterable[MessageTypeDef], queue: Queue) -> dict[str, Any]:
    """The event that a function gets for these messages."""
    return {"Records": [_record(message, queue) for message in messages]}


def failed_ids(answer: Any, ids: frozenset[str]) -> frozenset[str]:
    """Which of the messages the function names as failed; all of them where its answer cannot be read.

    Null and an object without the list mean that none failed; an entry without a known id means that all did.
    """
    listed = answer.get("batchItemFailures") if isinstance(answer, dict) else answer
    if listed is None:
        return frozenset()
    if not isinstance(listed, list):
        return ids
    named = frozenset(str(item.get("itemIdentifier")) if isinstance(item, dict) else "" for item in listed)
    return named if ids.issuperset(named) else ids


def _record(message: MessageTypeDef, queue: Queue) -> dict[str, Any]:
    body = _as_aws_writes(message)
    attributes: Mapping[str, str] = message.get("Attributes", {})  # type: ignore[assignment] # names are plain text here
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": body,
        "attributes": {name: attributes[name] for name in _ATTRIBUTES},
        "messageAttributes": {name: _attribute(value) for name, value in message.get("MessageAttributes", {}).items()},
        "md5OfBody": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": queue.arn,
        "awsRegion": queue.arn.split(":")[3],
    }


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    shown = {"stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
    if "BinaryValue" in value:
        return {"binaryValue": base64.b64encode(value["BinaryValue"]).decode(), **shown}
    return {"stringValue": value["StringValue"], **shown}


def _as_aws_writes(message: MessageTypeDef) -> str:
    """The message's body; of an event of S3's, as AWS would have written it.

    moto gives all of them the same `id` and `sequencer`, writes `eTag` for `etag`, and names the version "null" where a
    bucket keeps none. Left as moto has them: `reason` (ObjectCreated for PutObject), `request-id` and `requester`.
    Events of PutEvents come without `account`, and moto replaces words such as `<id>` or `<region>` in their detail.
    """
    body = message["Body"]
    if _MOTO_SEQUENCER not in body:
        return body
    try:
        event = json.loads(body)
        file = event["detail"]["object"]
        file["etag"] = file.pop("eTag")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return body  # somebody's own words
    file["sequencer"] = f"{int(message['Attributes']['SentTimestamp']):016X}"
    if file.get("version-id") in (None, "null"):
        file.pop("version-id", None)
    return json.dumps(event | {"id": message["MessageId"]})
