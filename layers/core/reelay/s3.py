"""boto3's S3 client, which copies media, and its failures in our words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from reelay.s3_failures import ATTEMPTS, CONNECT_SECONDS, READ_SECONDS, meaning, store_failed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


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


@contextmanager
def failures() -> Iterator[None]:
    """Raises what `s3_failures.meaning` makes of the failure.

    boto's own exceptions may quote the parameters of the call, bodies included, so they end here.
    """
    try:
        yield
    except ClientError as failure:
        status = failure.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        raise meaning(status, failure.response.get("Error", {}).get("Code", "")) from None
    except BotoCoreError as failure:
        raise store_failed(type(failure).__name__) from None
