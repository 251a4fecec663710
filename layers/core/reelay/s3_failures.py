"""What S3 says when it does not do what it was asked, in our words."""

from __future__ import annotations

import re

from reelay.documents import no_record
from reelay.errors import Conflict, ReelayError, StoreFailed

CONNECT_SECONDS = 2
"""AWS accepts a connection within the region in milliseconds; after this one it is better to dial again."""

READ_SECONDS = 5
"""Between two reads of an answer; records are small, so longer silence means a lost answer."""

ATTEMPTS = 3
"""Of each call, the first included. Tried again are 5xx, throttling and lost connections; not 409 or 412."""

_BUSY = frozenset({500, 502, 503, 504})
_PASSING = frozenset({
    "BandwidthLimitExceeded", "EC2ThrottledException", "LimitExceededException", "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException", "RequestLimitExceeded", "RequestThrottled",
    "RequestThrottledException", "RequestTimeout", "RequestTimeoutException", "SlowDown", "ThrottledException",
    "Throttling", "ThrottlingException", "TooManyRequestsException", "TransactionInProgressException",
})  # fmt: skip
"""botocore's words for it (retries/standard.py). S3 hands on KMS's, with 400, where a key of KMS seals the bucket."""

_CODE = re.compile(r"[A-Za-z0-9.]{1,64}\Z", re.ASCII)


class Undecided(StoreFailed):
    """S3 met another write to the same key and decided for neither (409 ConditionalRequestConflict): try again."""


def store_failed(code: str) -> StoreFailed:
    """The failure with S3's code word, if it is one."""
    return StoreFailed(f"The store did not do what was asked ({code_word(code)}). Please try again.")


def code_word(code: str) -> str:
    """An AWS error code as it may be told, or "no code" for whatever is not one word."""
    return code if _CODE.match(code) else "no code"


def may_pass(status: int, code: str) -> bool:
    """Whether the same call may be answered better a little later."""
    return status in _BUSY or code in _PASSING


def meaning(status: int | None, code: str) -> ReelayError:
    """NotFound for a missing key, Conflict for a condition not met, Undecided, and StoreFailed for the rest.

    https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    """
    match status:
        case 404 if code == "NoSuchKey":
            return no_record()
        case 409:
            return Undecided("Others kept writing the same record. Please try again.")
        case 412:
            return Conflict("Somebody else wrote this record first. Please read it again.")
        case _:
            return store_failed(code)
