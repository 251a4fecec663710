"""A template, deployed on this machine: its API and functions, all that is around them, and its triggers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dev.aws import AwsServer
from dev.cloud import Cloud
from dev.gateway import Gateway
from dev.place import Place, next_stack_name
from dev.surroundings import Surroundings
from dev.triggers import Triggers, sqs_event, take

DUMMY_AWS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_REGION": "us-east-1"}


@dataclass(frozen=True)
class Plan:
    """How to deploy.

    `parameters` go before the template's defaults, and `environment` is laid over every function's variables. What the
    template keeps secret is `secret`. `keys` are API keys on a plan, as `make keys` makes them. `visibility` is, in
    seconds, every queue's instead of the template's. Without `triggers` messages stay on their queues, and schedules
    are fired by hand alone.
    """

    template: Path
    secret: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    triggers: bool = True
    visibility: int | None = None
    keys: tuple[str, ...] = ()
    port: int = 0
    log: Path | None = None


@dataclass(frozen=True)
class Deployment:
    """What is up."""

    gateway: Gateway
    cloud: Cloud
    around: Surroundings
    triggers: Triggers

    def take(self, queue: str, most: int = 1) -> dict[str, Any] | None:
        """Up to `most` messages of a queue (a logical id), as the event that its function would get; None when there
        is none now. They come again when their visibility has run out."""
        taken = take(self.cloud.sqs, self.around.queues[queue], most, 0)
        return sqs_event(taken, self.around.queues[queue]) if taken else None


@contextmanager
def deployed(plan: Plan) -> Iterator[Deployment]:
    """Start moto, make what the template names, start its functions and triggers; end all of it afterwards.

    Raises OSError, botocore's exceptions, and as `template.read`.
    """
    with ExitStack() as stop:
        aws = stop.enter_context(AwsServer())
        environment = DUMMY_AWS | {"AWS_ENDPOINT_URL": aws.url} | dict(plan.environment)
        place = Place(next_stack_name(), aws.url, environment["AWS_REGION"], plan.parameters)
        gateway = Gateway(plan.template, environment, place=place, port=plan.port, log=plan.log, keys=plan.keys)
        around = _patient(gateway.template.around, plan.visibility)
        cloud = Cloud.reached_by(environment)
        cloud.create(around, plan.secret)
        triggers = Triggers(around, cloud.sqs, gateway.invoke, gateway.note)
        # Told to stop before the gateway ends what they wait for, and awaited after it.
        stop.callback(triggers.join)
        stop.enter_context(gateway)
        stop.callback(aws.end_polls)
        stop.callback(triggers.stop)
        if plan.triggers:
            triggers.start()
        yield Deployment(gateway, cloud, around, triggers)


def _patient(around: Surroundings, visibility: int | None) -> Surroundings:
    """The same with another visibility of messages."""
    if visibility is None:
        return around
    changed = {"VisibilityTimeout": str(visibility)}
    queues = [replace(queue, attributes={**queue.attributes, **changed}) for queue in around.queues.values()]
    return replace(around, queues={queue.id: queue for queue in queues})
