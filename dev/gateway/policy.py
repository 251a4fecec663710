"""An authorizer's answer: who the caller is, what the policy lets pass, and which API key counts; no I/O.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dev.gateway.replies import Refusal
from dev.intrinsics import text

INVOKE = "execute-api:Invoke"
"""The one action that a call of a method is (API Gateway developer guide, Invoke policies)."""

_FIELDS = frozenset({"Sid", "Effect", "Action", "Resource"})


@dataclass(frozen=True, slots=True)
class Statement:
    """Whether calls of the named actions and resources pass, unless another statement denies them."""

    allows: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]

    def covers(self, arn: str) -> bool:
        """Whether it is about a call of this method."""
        # Actions go without regard to case, resources with it (IAM user guide, policy grammar).
        action = any(_matches(each.lower(), INVOKE.lower()) for each in self.actions)
        return action and any(_matches(each, arn) for each in self.resources)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the authorizer said: `context` is requestContext.authorizer, `key` the API key it names, if any."""

    statements: tuple[Statement, ...]
    context: Mapping[str, str]
    key: str | None = field(repr=False)

    def allows(self, arn: str) -> bool:
        """Whether a statement allows the method and none denies it."""
        effects = {each.allows for each in self.statements if each.covers(arn)}
        return effects == {True}


def misconfigured(why: str) -> Refusal:
    """The authorizer failed, or what it returned is no answer."""
    return Refusal("AUTHORIZER_CONFIGURATION_ERROR", 500, "Internal server error", why)


def read(answer: Any) -> Verdict:
    """The verdict in an authorizer's answer.

    Raises Refusal when it is none: a principal or a policy is missing, a context holds more than words, numbers and
    truth values, or a statement says something that is not played here (a Condition, a NotResource …).
    """
    match answer:
        case {"principalId": str(principal), "policyDocument": {"Statement": said}}:
            statements = tuple(map(_statement, said if isinstance(said, list) else [said]))
        case _:
            raise misconfigured("the authorizer's answer lacks its principalId or its policyDocument")
    context, key = answer.get("context") or {}, answer.get("usageIdentifierKey")
    if not (isinstance(context, dict) and all(isinstance(value, (str, int, float)) for value in context.values())):
        raise misconfigured("the authorizer's context is no object of strings, numbers and booleans")
    if not (key is None or isinstance(key, str)):
        raise misconfigured("the authorizer's usageIdentifierKey is no string")
    return Verdict(statements, {name: text(value) for name, value in context.items()} | {"principalId": principal}, key)


def _statement(said: Any) -> Statement:
    match said:
        case {"Effect": "Allow" | "Deny" as effect, "Action": actions, "Resource": resources} if said.keys() <= _FIELDS:
            return Statement(effect == "Allow", _patterns(actions), _patterns(resources))
    raise misconfigured("a statement of the authorizer's policy is not of Effect, Action and Resource alone")


def _patterns(said: Any) -> tuple[str, ...]:
    patterns = tuple(said) if isinstance(said, list) else (said,)
    if not all(isinstance(pattern, str) for pattern in patterns):
        raise misconfigured("an Action or Resource of the authorizer's policy is no string")
    return patterns


def _matches(pattern: str, name: str) -> bool:
    """`*` stands for any characters, slashes too, and `?` for one."""
    expression = "".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in pattern)
    return re.fullmatch(expression, name, re.DOTALL) is not None
