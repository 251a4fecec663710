"""A batch of SQS messages, each done or left on the queue for itself.

What `ReportBatchItemFailures` promises: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
(a message that is named comes again, the others are gone).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from reelay.errors import ReelayError

if TYPE_CHECKING:
    from reelay.ports import Telemetry

Handle = Callable[[Mapping[str, Any]], object]
"""Does what one message asks for; raises whatever keeps it from being done."""


def worked_off(messages: Iterable[Mapping[str, Any]], handle: Handle, telemetry: Telemetry) -> dict[str, Any]:
    """The function's answer to SQS: the messages that have to come again. Never raises."""
    failures = []
    for message in messages:
        try:
            handle(message)
        except ReelayError as error:
            telemetry.alarm("message left on the queue", code=error.code)
        except Exception:  # noqa: BLE001 - one message must not take the others with it; it comes again, then a dead letter
            telemetry.alarm("unforeseen")
            telemetry.count("Unforeseen")
        else:
            continue
        telemetry.count("MessagesLeft")
        failures.append({"itemIdentifier": message.get("messageId")})
    return {"batchItemFailures": failures}
