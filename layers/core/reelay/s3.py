"""The one place that makes an S3 client and puts S3's failures into our words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from reelay.documents import no_record
from reelay.errors import Conflict, ReelayError, StoreFailed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONNECT_SECONDS = 2
"""S3 accepts a connection within the region in milliseconds; after this one it is better to dial again."""

READ_SECONDS = 5
"""Between two reads of an answer; records are small, so longer silence means a lost answer."""

ATTEMPTS = 3
"""Of each call, the first included. botocore tries again on 5xx, throttling and lost connections; not on 409 or 412."""

_CODE = re.compile(r"[A-Za-z0-9.]{1,64}\Z", re.ASCII)


def s3_client() -> S3Client:
    """A client for region, credentials and endpoint of the AWS_* environment (`AWS_ENDPOINT_URL_S3` for a stand-in).

    Retry mode and signature are pinned: boto3 1.43 and 1.44 differ in the default mode, and us-east-1 would presign
    with the old signature. The client may be shared between threads.
    """
    return boto3.client(
        "s3",
        config=Config(
            signature_version="s3v4",
            # Else boto3 presigns for the global host, which newer regions refuse and others redirect from.
            s3={"addressing_style": "virtual"},
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
        ),
    )


class Undecided(StoreFailed):
    """S3 met another write to the same key and decided for neither (409 ConditionalRequestConflict): try again."""


@contextmanager
def failures() -> Iterator[None]:
    """Raises NotFound for a missing key, Conflict for a condition not met, Undecided, and StoreFailed for the rest.

    boto's own exceptions may quote the parameters of the call, bodies included, so they end here.
    """
    try:
        yield
    except ClientError as failure:
        raise _meaning(failure) from None
    except BotoCoreError as failure:
        raise store_failed(type(failure).__name__) from None


def store_failed(code: str) -> StoreFailed:
    """The failure with S3's code word, if it is one."""
    return StoreFailed(f"The store did not do what was asked ({code_word(code)}). Please try again.")


def code_word(code: str) -> str:
    """An AWS error code as it may be told, or "no code" for whatever is not one word."""
    return code if _CODE.match(code) else "no code"


def _meaning(failure: ClientError) -> ReelayError:
    code = failure.response.get("Error", {}).get("Code", "")
    match failure.response.get("ResponseMetadata", {}).get("HTTPStatusCode"):
        case 404 if code == "NoSuchKey":
            return no_record()
        case 409:
            return Undecided("Others kept writing the same record. Please try again.")
        case 412:
            return Conflict("Somebody else wrote this record first. Please read it again.")
        case _:
            return store_failed(code)
