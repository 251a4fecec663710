"""Each function's role beside the calls that its door was seen to make: nothing is missing, and nothing is too much."""

from __future__ import annotations

import time
from collections import defaultdict
from fnmatch import fnmatchcase

import pytest

from dev.simulator import Simulator
from tests.contract.cloud import allowed, listed
from tests.fakes import FakeClock
from tests.security import work
from tests.security.witness import LISTS, Witness, watching
from tests.security.witnessed import WitnessedHouse

KEY = "arn:aws:kms:eu-central-1:123456789012:key/0e8b1d5a-0000-4000-8000-000000000001"
SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/v98store-AbC123"
ROLES = ("RelayRole", "ResultsRole", "AuthorizerRole", "IntakeRole", "WorkerRole", "SweepRole")
Grants = dict[str, set[tuple[str, str]]]


def taken_by_lambda(role: str) -> set[tuple[str, str]]:
    """What Lambda itself does with the function's role, so that no door is seen to."""
    queue = {"IntakeRole": "RequestsQueue", "WorkerRole": "JobsQueue"}.get(role)
    # The event source mapping takes messages from the queue and off it.
    polls = {(f"sqs:{name}", queue) for name in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes") if queue}
    # The runtime's log.
    logs = {(f"logs:{name}", role.replace("Role", "Logs")) for name in ("CreateLogStream", "PutLogEvents")}
    # What was invoked asynchronously and failed each time; the intake is the only function that is.
    letters = {("sqs:SendMessage", "RequestsDeadLetters")} if role == "IntakeRole" else set()
    return polls | logs | letters


def granted(key: str = "", secret: str = "") -> Grants:
    found: Grants = defaultdict(set)
    for role, statement in allowed(KmsKeyArn=key, ServiceKeySecretArn=secret):
        for action in listed(statement["Action"]):
            found[role] |= {(action, resource) for resource in listed(statement["Resource"])}
    return found


def kms(calls: set[tuple[str, str]]) -> set[str]:
    """What S3 and Secrets Manager do with the key in the caller's name ("Protecting data with SSE-KMS", Amazon S3 user
    guide: an upload in parts is read back too, and whoever uploads reads records anyway)."""
    needed = {"s3:GetObject": "kms:Decrypt", "s3:PutObject": "kms:GenerateDataKey"}
    needed["secretsmanager:GetSecretValue"] = "kms:Decrypt"
    return {needed[action] for action, _ in calls if action in needed}


@pytest.fixture
def seen(simulator: Simulator, bucket: str, aws_environment: None) -> Witness:  # noqa: ARG001 - sets where AWS is
    """All that the doors called while each did its work."""
    witness = Witness()
    with watching(witness):
        # Beginning now, because the simulator's links expire by the real time.
        house = WitnessedHouse(witness, simulator, bucket, FakeClock(time.time()))
        for does in (work.relay, work.results, work.intake, work.worker, work.sweep):
            does(house)
    assert witness.waiting == []
    return witness


@pytest.mark.case("role-too-wide", "bucket-open")
def test_each_role_allows_what_its_door_was_seen_to_call_and_no_more(seen: Witness) -> None:
    for role in ROLES:
        calls = {(action, resource) for door, action, resource in seen.calls if door == role}
        lambdas, grants = taken_by_lambda(role), granted()[role]
        assert calls - grants == set(), f"{role} would be refused what its door calls"
        assert grants - calls - lambdas == set(), f"{role} allows what its door never calls"
        assert lambdas - grants == set(), f"{role} does not let Lambda do its part"
        sealing = {action for action, resource in granted(KEY)[role] - grants if resource == KEY}
        assert sealing == kms(calls), f"{role} and the operator's own key"
    assert {role for role, _, _ in seen.calls} == {*ROLES} - {"AuthorizerRole"}
    assert seen.lists_of_access == [], "BucketOwnerEnforced refuses every write that brings an access list"


def test_a_secret_that_is_named_takes_the_place_of_the_stacks_own_and_changes_nothing_else() -> None:
    named, own = granted(secret=SECRET), granted()
    for role in ROLES:
        assert named[role] == {(action, SECRET if on == "ServiceKey" else on) for action, on in own[role]}


@pytest.mark.case("role-too-wide")
def test_the_bucket_is_listed_below_what_a_door_was_seen_to_look_for(seen: Witness) -> None:
    """IfExists, because a GetObject names no prefix and would get 403 in place of 404 for what is missing."""
    for role, statement in allowed():
        if LISTS in listed(statement["Action"]):
            assert (statement["Action"], statement["Resource"]) == (LISTS, "Bucket")
            prefixes = listed(statement["Condition"]["StringLikeIfExists"]["s3:prefix"])
            looked = {room for door, room in seen.listed if door == role}
            assert {room for room in looked if not any(fnmatchcase(room, each) for each in prefixes)} == set(), role
            assert {each for each in prefixes if not any(fnmatchcase(room, each) for room in looked)} == set(), role
