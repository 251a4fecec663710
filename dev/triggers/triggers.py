"""All triggers of a template: a poller for each of its queues with a function behind, a clock for each schedule."""

from __future__ import annotations

import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

from dev.gateway import FunctionFailed
from dev.intrinsics import ACCOUNT, REGION
from dev.surroundings import Schedule, Surroundings
from dev.triggers.poller import Invoke, Note, Poller

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class Triggers:
    """The triggers of what is `around` a template's functions, from `start` to `stop` and `join`.

    `invoke` is `Gateway.invoke` and `note` its `note`. A schedule that fails is noted and not tried again, where Lambda
    would try twice more.
    """

    def __init__(self, around: Surroundings, sqs: SQSClient, invoke: Invoke, note: Note) -> None:
        self._invoke, self._note = invoke, note
        self._pollers = [Poller(source, sqs, invoke, note) for source in around.sources]
        self._schedules = around.schedules
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to poll, and to count."""
        self._threads = [threading.Thread(target=poller.run, daemon=True) for poller in self._pollers]
        self._threads += [threading.Thread(target=self._keep, args=[each], daemon=True) for each in self._schedules]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Set nothing off any more; `join` waits for what runs."""
        self._stopping.set()
        for poller in self._pollers:
            poller.stop()

    def join(self) -> None:
        """Wait until all has ended."""
        for thread in self._threads:
            thread.join()

    def fire(self, function: str) -> Any:
        """Invoke a function as its schedule would, now; returns what it answers.

        Raises KeyError when it has no schedule, and as `Gateway.invoke`.
        """
        schedule = {each.function: each for each in self._schedules}[function]
        return self._invoke(function, scheduled_event(schedule))

    def _keep(self, schedule: Schedule) -> None:
        while not self._stopping.wait(schedule.seconds):
            said = "done"
            try:
                self._invoke(schedule.function, scheduled_event(schedule))
            except (FunctionFailed, TimeoutError, ValueError, OSError) as error:
                said = f"failed ({type(error).__name__})"
            if not self._stopping.is_set():  # else the log may be closed by now
                self._note(f"{schedule.rule} -> {schedule.function}: {said}")


def scheduled_event(schedule: Schedule) -> dict[str, Any]:
    """What EventBridge hands over when a rule's time has come.

    https://docs.aws.amazon.com/lambda/latest/dg/with-eventbridge-scheduler.html
    """
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{schedule.rule}"],
        "detail": {},
    }
