"""What stands around a template's functions: bucket, queues, bus, rules and secrets, and what sets functions off.

Knows of each resource what the local stack plays; permissions, logs and encryption are AWS's alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dev.intrinsics import text
from dev.resources import Resources

BATCH_SIZE = 10
"""Messages handed to a function at once where a template says nothing (AWS::Lambda::EventSourceMapping, BatchSize)."""

CONCURRENCY = 5
"""Invocations at a time where a template says nothing (Lambda begins with five batches of a standard queue)."""

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
_PLAYED = ("Api", "SQS", "Schedule")


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue: `id` is its logical id, `attributes` are as CreateQueue takes them."""

    id: str
    name: str
    url: str
    arn: str
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket; `tells` says that its events go to the default bus."""

    name: str
    tells: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a bus: `pattern` is JSON, `targets` are as PutTargets takes them."""

    name: str
    bus: str
    pattern: str
    targets: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A function that is handed a queue's messages. `function` is a logical id; `partial` says that it may name those
    that failed (ReportBatchItemFailures)."""

    function: str
    queue: Queue
    batch_size: int
    concurrency: int
    partial: bool


@dataclass(frozen=True, slots=True)
class Schedule:
    """A function that is invoked every `seconds`; `rule` is the name of the rule that SAM makes for it."""

    function: str
    rule: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Surroundings:
    """All of it. Queues and buses go by their logical ids; buses and secrets are names."""

    buckets: tuple[Bucket, ...] = ()
    queues: Mapping[str, Queue] = field(default_factory=dict)
    buses: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    secrets: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    schedules: tuple[Schedule, ...] = ()


def read(resources: Resources) -> Surroundings:
    """What is around the functions of a template that has a place.

    Raises ValueError for what the stack cannot play: an event source, a rule's target or a schedule of another kind.
    """
    queues = {name: _queue(name, each, resources) for name, each in resources.resolved("AWS::SQS::Queue")}
    events = list(_events(resources))
    return Surroundings(
        buckets=tuple(_bucket(name, each, resources) for name, each in resources.resolved("AWS::S3::Bucket")),
        queues=queues,
        buses={name: resources.reference(name) for name, _ in resources.raw("AWS::Events::EventBus")},
        rules=tuple(_rule(name, each, resources) for name, each in resources.resolved("AWS::Events::Rule")),
        secrets=tuple(resources.reference(name) for name, _ in resources.raw("AWS::SecretsManager::Secret")),
        sources=tuple(_source(function, each, queues) for function, _, kind, each in events if kind == "SQS"),
        schedules=tuple(
            Schedule(function, f"{function}{name}", _period(each))
            for function, name, kind, each in events
            if kind == "Schedule"
        ),
    )


def _queue(id: str, properties: Mapping[str, Any], resources: Resources) -> Queue:
    url = resources.reference(id)
    attributes = {
        name: json.dumps(value) if isinstance(value, dict) else text(value) for name, value in properties.items()
    }
    return Queue(id, url.rsplit("/", 1)[-1], url, resources.attribute(id, "Arn"), attributes)


def _bucket(id: str, properties: Mapping[str, Any], resources: Resources) -> Bucket:
    notices = properties.get("NotificationConfiguration", {}).get("EventBridgeConfiguration", {})
    return Bucket(resources.reference(id), notices.get("EventBridgeEnabled") is True)


def _rule(id: str, properties: Mapping[str, Any], resources: Resources) -> Rule:
    targets = tuple(properties["Targets"])
    if not all("Arn" in target for target in targets):
        raise ValueError(f"template: {id} has a target that is no queue and no bus; the local stack has no other")
    bus, pattern = properties.get("EventBusName", "default"), json.dumps(properties["EventPattern"])
    return Rule(resources.reference(id), bus, pattern, targets)


def _events(resources: Resources) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """What sets functions off: function, logical id, kind and properties of each event."""
    for function, properties in resources.raw("AWS::Serverless::Function"):
        for name, event in properties.get("Events", {}).items():
            if event["Type"] not in _PLAYED:
                raise ValueError(f"template: {function} has an event of type {event['Type']}; the local stack has none")
            yield function, name, event["Type"], resources.values(event["Properties"])


def _source(function: str, event: Mapping[str, Any], queues: Mapping[str, Queue]) -> Source:
    found = [queue for queue in queues.values() if queue.arn == event.get("Queue")]
    if not found:
        raise ValueError(f"template: {function} reads a queue that is not the template's own")
    return Source(
        function=function,
        queue=found[0],
        batch_size=int(event.get("BatchSize", BATCH_SIZE)),
        concurrency=int(event.get("ScalingConfig", {}).get("MaximumConcurrency", CONCURRENCY)),
        partial="ReportBatchItemFailures" in event.get("FunctionResponseTypes", ()),
    )


def _period(event: Mapping[str, Any]) -> int:
    """Seconds between two invocations. Of EventBridge's two kinds of expressions only rate(...) is played."""
    rate = _RATE.fullmatch(event["Schedule"])
    if rate is None:
        raise ValueError(f"template: only schedules of rate(...) are played here, not {event['Schedule']}")
    return int(rate[1]) * _SECONDS[rate[2]]
