"""The bucket as template.yaml describes it: closed, sealed, and with an end to what it keeps where one is asked for."""

from __future__ import annotations

import re
from typing import Any

import pytest

from reelay import documents
from reelay.admission import KEY_SECONDS
from reelay.drops import INBOX, OUTBOX
from reelay.switch import KEY as SWITCH
from tests.contract.cloud import TEMPLATE, plain, queue, resources

SEALED = "arn:aws:kms:eu-central-1:123456789012:key/0e8b1d5a-0000-4000-8000-000000000001"
TENANT, CORE = "0" * 32, "01kmbq6b80" + "0" * 16
CLAIMS_DAYS = 15
KINDS = {
    "record": documents.record_key(TENANT, CORE),
    "marker": documents.marker_key(TENANT, CORE),
    "request": documents.request_key(TENANT, CORE),
    "transcript": documents.transcript_key(TENANT, CORE),
    "media": documents.media_prefix(TENANT, CORE) + "video.mp4",
    "dropped": f"{INBOX}a.json",
    "outcome": f"{OUTBOX}a.json",
    "claim": documents.claim_key(TENANT, "k"),
    "tally": documents.tally_key(TENANT),
    "mark": documents.watch_key(TENANT, CORE),
    "switch": SWITCH,
}
"""A key of every kind of object, as the doors make it."""


def bucket(**parameters: str) -> dict[str, Any]:
    [found] = resources("AWS::S3::Bucket").values()
    properties: dict[str, Any] = plain(found["Properties"], **parameters)
    return properties


def days(**parameters: str) -> dict[str, int]:
    """After how many days S3 deletes each kind of object; the shortest rule counts (Amazon S3 user guide, "Conflicting
    lifecycle actions")."""
    rules = [rule for rule in bucket(**parameters)["LifecycleConfiguration"]["Rules"] if "ExpirationInDays" in rule]
    assert all(rule["Status"] == "Enabled" and rule["Prefix"] for rule in rules)
    ends = {
        kind: [int(rule["ExpirationInDays"]) for rule in rules if key.startswith(rule["Prefix"])]
        for kind, key in KINDS.items()
    }
    return {kind: min(found) for kind, found in ends.items() if found}


@pytest.mark.case("bucket-open")
def test_the_bucket_is_open_to_nobody_and_knows_no_access_lists() -> None:
    assert bucket()["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }
    assert bucket()["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert not bucket().keys() & {"AccessControl", "WebsiteConfiguration", "CorsConfiguration"}


@pytest.mark.case("bucket-open")
def test_what_is_kept_is_encrypted_with_a_key_of_aws_or_of_the_operators_own() -> None:
    [rule] = bucket()["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    [rule] = bucket(KmsKeyArn=SEALED)["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule == {
        "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": SEALED},
        "BucketKeyEnabled": True,
    }
    [secret] = resources("AWS::SecretsManager::Secret").values()
    assert plain(secret["Properties"], KmsKeyArn=SEALED)["KmsKeyId"] == SEALED
    assert "KmsKeyId" not in plain(secret["Properties"])


@pytest.mark.case("bucket-open")
def test_the_bucket_refuses_whoever_comes_without_tls() -> None:
    [policy] = resources("AWS::S3::BucketPolicy").values()
    assert policy["Properties"]["Bucket"] == {"Ref": "Bucket"}
    [statement] = plain(policy["Properties"]["PolicyDocument"]["Statement"])
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == ["Bucket", "Bucket/*"]


def test_what_a_caller_deletes_is_gone() -> None:
    assert not bucket().keys() & {"VersioningConfiguration", "ObjectLockEnabled", "ReplicationConfiguration"}


def test_the_bucket_outlives_the_stack() -> None:
    [found] = resources("AWS::S3::Bucket").values()
    assert (found["DeletionPolicy"], found["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


@pytest.mark.parametrize(
    ("parameters", "ends"),
    [
        ({}, {}),
        ({"TranscriptDays": "7"}, {"transcript": 7}),
        ({"MediaDays": "90"}, {"media": 90}),
        ({"RetentionDays": "30"}, {"transcript": 30, "media": 30}),
        ({"RetentionDays": "30", "TranscriptDays": "7", "MediaDays": "90"}, {"transcript": 7, "media": 30}),
    ],
)
def test_each_kind_of_object_ends_when_the_parameters_say_and_none_outlives_its_record(
    parameters: dict[str, str], ends: dict[str, int]
) -> None:
    whole = ("record", "marker", "request", "dropped", "outcome") if "RetentionDays" in parameters else ()
    expected = {"claim": CLAIMS_DAYS} | dict.fromkeys(whole, 30) | ends
    assert days(**parameters) == expected


def test_by_default_all_that_callers_made_is_kept() -> None:
    defaults = {
        name: TEMPLATE["Parameters"][name]["Default"] for name in ("RetentionDays", "TranscriptDays", "MediaDays")
    }
    assert set(defaults.values()) == {0}


def test_claims_outlive_whatever_may_ask_again() -> None:
    letters = max(queue(name)["MessageRetentionPeriod"] for name in ("RequestsDeadLetters", "JobsDeadLetters"))
    assert days()["claim"] * 24 * 3600 > max(KEY_SECONDS, letters)


def test_unfinished_uploads_are_dropped_after_a_day() -> None:
    rules = bucket()["LifecycleConfiguration"]["Rules"]
    [uploads] = [rule for rule in rules if "AbortIncompleteMultipartUpload" in rule]
    assert uploads["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert not uploads.keys() & {"Prefix", "ExpirationInDays"}


@pytest.mark.parametrize(
    ("value", "taken"),
    [
        ("", True),
        (SEALED, True),
        (SEALED.replace("aws:", "aws-cn:", 1), True),
        ("alias/reelay", False),
        ("arn:aws:kms:eu-central-1:123456789012:alias/reelay", False),
        ("arn:aws:kms:eu-central-1:123456789012:key/*", False),
    ],
)
def test_the_key_of_the_operators_own_is_one_key(value: str, taken: bool) -> None:
    assert bool(re.fullmatch(TEMPLATE["Parameters"]["KmsKeyArn"]["AllowedPattern"], value)) is taken
