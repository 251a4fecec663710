"""Adapter: events on an EventBridge bus. The role needs events:PutEvents on the bus."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from reelay.aws import failures
from reelay.errors import BusFailed, EventRefused
from reelay.model import Event
from reelay.s3_failures import code_word

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

SOURCE = "reelay"
"""What rules match an event of ours by."""


REFUSED = frozenset({"ValidationException", "InvalidArgument", "MalformedDetail", "RequestEntityTooLargeException"})
"""Answers that time does not change (Amazon EventBridge API reference, PutEvents and common errors)."""


class EventBridgeBus:
    """Keeps the promises of `ports.Bus` on the bus named `bus`; an event costs one call.

    After BusFailed the event may have been taken all the same.
    """

    def __init__(self, client: EventBridgeClient, bus: str) -> None:
        self._client = client
        self._bus = bus

    def publish(self, event: Event) -> None:
        """Tell it at least once. Raises BusFailed, and EventRefused for what will never be taken."""
        detail = json.dumps(event.detail, separators=(",", ":"))
        with failures(_failed):
            answer = self._client.put_events(
                Entries=[
                    {
                        "Source": SOURCE,
                        "DetailType": event.notice.value,
                        "Detail": detail,
                        "EventBusName": self._bus,
                    }
                ]
            )
        # A call that was answered well says of each entry by itself whether it was taken.
        if answer["FailedEntryCount"]:
            raise _failed(code_word("".join(entry.get("ErrorCode", "") for entry in answer["Entries"])))


def _failed(code: str) -> BusFailed:
    if code in REFUSED:
        return EventRefused(f"The event bus will not take the event ({code}).")
    return BusFailed(f"The event bus did not take the event ({code}). Please try again.")
