"""Doors for events that want no HTTP answer: requests that come in, jobs to be done, and the sweep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reelay.batch import worked_off
from reelay.gateway import LambdaContext, invocation_of
from reelay.model import Job, Json
from reelay.triggers import of_event, of_message

if TYPE_CHECKING:
    from reelay.intake import Intake
    from reelay.ports import Clock, Telemetry
    from reelay.sweep import Sweep
    from reelay.worker import Worker

Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class IntakeDoor:
    """Requests: a batch of messages, or whatever invoked the function itself."""

    intake: Intake
    clock: Clock
    telemetry: Telemetry

    def serve(self, event: object, context: LambdaContext) -> Json | None:
        """Which messages have to come again; for a direct invocation the state of its job, or what is wrong with it.

        Raises what kept a direct invocation from being accepted, so that an asynchronous one is tried again.
        """
        messages = _messages(event)
        if messages is not None:
            return worked_off(messages, self._accept, self.telemetry)
        answers = [self.intake.accept(each) for each in of_event(event, context.aws_request_id)]
        return answers[0] if answers else None

    def _accept(self, message: Event) -> None:
        for wanted in of_message(message):
            self.intake.accept(wanted)


@dataclass(frozen=True, slots=True)
class WorkerDoor:
    """Jobs. `job_in` reads a message's body and raises ValueError for one that names no job."""

    worker: Worker
    job_in: Callable[[str], Job]
    clock: Clock
    telemetry: Telemetry

    def serve(self, event: Event, context: LambdaContext) -> Json:
        """Which messages have to come again."""
        return worked_off(_messages(event) or (), lambda message: self._work(message, context), self.telemetry)

    def _work(self, message: Event, context: LambdaContext) -> None:
        try:
            job = self.job_in(str(message.get("body")))
        except ValueError:  # it will never name one, so it need not come again
            self.telemetry.alarm("message names no job")
            self.telemetry.count("MessagesRefused")
            return
        self.worker.work(job, invocation_of(context, self.clock, live=False))


@dataclass(frozen=True, slots=True)
class SweepDoor:
    """The schedule."""

    sweep: Sweep
    clock: Clock

    def serve(self, _event: Event, context: LambdaContext) -> Json:
        """How many records were sent to the workers. Raises StoreFailed."""
        return {"sent": self.sweep.run(invocation_of(context, self.clock, live=False))}


def _messages(event: object) -> list[Event] | None:
    """The records of an SQS batch; None for every other event."""
    records = event.get("Records") if isinstance(event, Mapping) else None
    if isinstance(records, list) and records and all(_is_message(record) for record in records):
        return records
    return None


def _is_message(record: object) -> bool:
    return isinstance(record, Mapping) and record.get("eventSource") == "aws:sqs"
