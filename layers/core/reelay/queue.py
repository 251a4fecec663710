"""Adapter: jobs as messages of an SQS standard queue. A message names a record and holds nothing of it.

The role needs sqs:SendMessage on the queue. A FIFO queue would refuse the delay of a single message.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from reelay.aws import failures
from reelay.errors import QueueFailed
from reelay.job_messages import message_of
from reelay.model import Job

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

MAX_DELAY_SECONDS = 900
"""The longest that SQS holds a message back (Amazon SQS API reference, SendMessage, DelaySeconds)."""


class SqsQueue:
    """Keeps the promises of `ports.Queue` with the queue at `url`; a job costs one call.

    After QueueFailed the job may have been taken all the same.
    """

    def __init__(self, client: SQSClient, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, job: Job, delay: float = 0) -> None:
        """Hand the job to a worker in `delay` seconds or later; after MAX_DELAY_SECONDS at most, whatever `delay` says.
        Raises QueueFailed."""
        with failures(_failed):
            self._client.send_message(
                QueueUrl=self._url, MessageBody=message_of(job), DelaySeconds=_whole_seconds(delay)
            )


def _whole_seconds(delay: float) -> int:
    return min(max(math.ceil(delay), 0), MAX_DELAY_SECONDS)


def _failed(code: str) -> QueueFailed:
    return QueueFailed(f"The queue did not take the job ({code}). Please try again.")
