"""Which names and addresses a template's resources get on this machine: what `!Ref` and `!GetAtt` stand for here."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dev.intrinsics import ACCOUNT, REGION

_numbers = itertools.count(1)


def next_stack_name() -> str:
    """A stack's name that no other stack of this process has: `local`, `local-2` …

    moto keeps everything in the memory of the process, so two stacks of one test run share buckets, queues and buses
    unless their names differ.
    """
    number = next(_numbers)
    return "local" if number == 1 else f"local-{number}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a template is deployed on this machine: the stack's name, the URL that plays AWS, its region, and values
    for parameters of the template in place of their defaults."""

    stack: str
    endpoint: str
    region: str = REGION
    parameters: Mapping[str, str] = field(default_factory=dict)

    def names(self, resources: Mapping[str, Any]) -> dict[str, str]:
        """What intrinsic functions can be told, as `intrinsics.Resolver` takes it."""
        known = {"AWS::StackName": self.stack, "AWS::Region": self.region, **self.parameters}
        for logical, resource in resources.items():
            known |= self._names(logical, f"{self.stack}-{logical}", resource["Type"])
        return known

    def _names(self, id: str, name: str, kind: str) -> dict[str, str]:
        """A resource's return values, as far as the stack has a use for them."""
        match kind:
            case "AWS::SQS::Queue":
                return {id: f"{self.endpoint}/{ACCOUNT}/{name}", f"{id}.Arn": self._arn("sqs", name)}
            case "AWS::Events::EventBus":
                return {id: name, f"{id}.Arn": self._arn("events", f"event-bus/{name}")}
            case "AWS::S3::Bucket":
                # One bucket to a stack; its name stays the same where another S3 than moto's keeps it.
                return {id: f"reelay-{self.stack}", f"{id}.Arn": f"arn:aws:s3:::reelay-{self.stack}"}
            case "AWS::Events::Rule" | "AWS::SecretsManager::Secret":
                # On AWS the reference to a secret is its ARN; Secrets Manager takes a name in its place.
                return {id: name}
            case _:
                return {}

    def _arn(self, service: str, name: str) -> str:
        return f"arn:aws:{service}:{self.region}:{ACCOUNT}:{name}"
