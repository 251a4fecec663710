"""Every call of AWS that a door makes, as the IAM action and resource that its role has to allow."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import boto3

from reelay.s3_rest import Attempt, Carry, Received

ROOMS = (
    "kept/records/*", "kept/requests/*", "kept/oldest/*", "kept/transcripts/*", "kept/media/*",
    "claims/*", "open/*", "tallies/*", "inbox/*", "outbox/*", "guard/paused",
)  # fmt: skip
"""The kinds of object in the bucket: what a policy names at the narrowest, for every key beyond is some tenant's."""

ACTIONS = {
    "GetObject": "s3:GetObject",
    "PutObject": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "DeleteObject": "s3:DeleteObject",
    "DeleteObjects": "s3:DeleteObject",
    "ListObjectsV2": "s3:ListBucket",
    "SendMessage": "sqs:SendMessage",
    "PutEvents": "events:PutEvents",
    "GetSecretValue": "secretsmanager:GetSecretValue",
}
"""Service authorization reference, "Actions defined by ..."; a call that is not here is a KeyError, and a red test."""

LISTS = "s3:ListBucket"


class Witness:
    """Notes what is called while a door is at work, and nothing else.

    `calls` holds (role, action, resource), `listed` (role, room): what was listed, and where something was missing,
    which S3 tells only those who may list. `interfere` does something once, just before such a call.
    """

    def __init__(self) -> None:
        self.calls: set[tuple[str, str, str]] = set()
        self.listed: set[tuple[str, str]] = set()
        self.lists_of_access: list[str] = []
        self._role: str | None = None
        self._interferences: list[tuple[str, str, Callable[[], None]]] = []

    @contextmanager
    def at(self, role: str | None) -> Iterator[None]:
        """Whose calls those in this block are; None for nobody's."""
        before, self._role = self._role, role
        try:
            yield
        finally:
            self._role = before

    def interfere(self, action: str, resource: str, act: Callable[[], None]) -> None:
        """Do `act` once, before the next such call of a door."""
        self._interferences.append((action, resource, act))

    @property
    def waiting(self) -> list[str]:
        """The interferences whose moment never came."""
        return [resource for _, resource, _ in self._interferences]

    def note(self, params: Mapping[str, Any], model: Any, **_: Any) -> None:
        """botocore's event provide-client-params: every call of boto3's as it was asked for."""
        if "ACL" in params or any(name.startswith("Grant") for name in params):
            self.lists_of_access.append(model.name)
        self._note(model.name, params)

    def around(self, attempt: Attempt, carry: Carry) -> Received:
        """A call of the house's own."""
        if any(name.lower() == "x-amz-acl" or name.lower().startswith("x-amz-grant") for name in attempt.headers):
            self.lists_of_access.append(attempt.operation)
        role, params = self._role, _asked(attempt)
        if attempt.number == 1:
            self._note(attempt.operation, params)
        answer = carry(attempt)
        if role is not None and attempt.operation == "GetObject" and answer.status == 404:
            self.listed.add((role, _room(params["Key"])))
            self.calls.add((role, LISTS, "Bucket"))
        return answer

    def link(self, key: str) -> None:
        """A link was made, which reads with the role of who made it."""
        self._note("GetObject", {"Key": key})

    def _note(self, operation: str, params: Mapping[str, Any]) -> None:
        if self._role is None:
            return
        action = ACTIONS[operation]
        for resource in _resources(params):
            if action == LISTS:
                self.listed.add((self._role, resource.removeprefix("Bucket/")))
                resource = "Bucket"  # noqa: PLW2901 - what the action is allowed on
            self.calls.add((self._role, action, resource))
            self._do(action, resource)

    def _do(self, action: str, resource: str) -> None:
        for each in self._interferences:
            if each[:2] == (action, resource):
                self._interferences.remove(each)
                with self.at(None):
                    each[2]()
                return


@contextmanager
def watching(witness: Witness) -> Iterator[None]:
    """Every client of boto3's that is made from here on tells the witness."""
    boto3.setup_default_session()
    session = boto3.DEFAULT_SESSION
    assert session is not None
    session.events.register("provide-client-params", witness.note)
    try:
        yield
    finally:
        boto3.setup_default_session()


def _asked(attempt: Attempt) -> dict[str, Any]:
    """What the call is about, as boto3 names it."""
    asked = urlsplit(attempt.url)
    _, _, key = unquote(asked.path).removeprefix("/").partition("/")
    if isinstance(attempt.body, bytes) and attempt.operation == "DeleteObjects":
        return {
            "Delete": {"Objects": [{"Key": each} for each in re.findall("<Key>(.*?)</Key>", attempt.body.decode())]}
        }
    if attempt.operation == "ListObjectsV2":
        return {"Prefix": parse_qs(asked.query)["prefix"][0]}
    return {"Key": key}


def _resources(params: Mapping[str, Any]) -> Iterator[str]:
    """What a call touches, as the template names it."""
    match params:
        case {"Delete": {"Objects": objects}}:
            yield from {f"Bucket/{_room(each['Key'])}" for each in objects}
        case {"Key": str(key)} | {"Prefix": str(key)}:
            yield f"Bucket/{_room(key)}"
        case {"QueueUrl": _}:
            yield "JobsQueue"
        case {"Entries": entries}:
            yield from {"EventBus" for _ in entries}
        case {"SecretId": _}:
            yield "ServiceKey"
        case _:
            raise ValueError("a call that names nothing")


def _room(key: str) -> str:
    (found,) = [room for room in ROOMS if key == room or (room.endswith("*") and key.startswith(room[:-1]))]
    return found
