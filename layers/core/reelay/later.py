"""Adapters whose client is made at the first call: most answers are out before a queue or a bus is needed."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from reelay.model import Event, Job

if TYPE_CHECKING:
    from reelay.bus import EventBridgeBus
    from reelay.queue import SqsQueue


class LateQueue:
    """Keeps the promises of `ports.Queue` with the SQS queue at `url`."""

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, job: Job, delay: float = 0) -> None:
        """Hand the job to a worker in `delay` seconds or later. Raises QueueFailed."""
        self._queue.send(job, delay)

    @cached_property
    def _queue(self) -> SqsQueue:
        from reelay.aws import client  # noqa: PLC0415 - at the first call
        from reelay.queue import SqsQueue  # noqa: PLC0415 - likewise

        return SqsQueue(client("sqs"), self._url)


class LateBus:
    """Keeps the promises of `ports.Bus` with the EventBridge bus named `bus`."""

    def __init__(self, bus: str) -> None:
        self._name = bus

    def publish(self, event: Event) -> None:
        """Tell it at least once. Raises BusFailed."""
        self._bus.publish(event)

    @cached_property
    def _bus(self) -> EventBridgeBus:
        from reelay.aws import client  # noqa: PLC0415 - at the first call
        from reelay.bus import EventBridgeBus  # noqa: PLC0415 - likewise

        return EventBridgeBus(client("events"), self._name)
