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

    Retry mode, signature and host are pinned, for boto3's defaults change (the mode from 1.43 to 1.44): as the house's
    own calls, it signs with SigV4 and asks the region's host. The client may be shared between threads.
    """
    return boto3.client(
        "s3",
        config=Config(
            signature_version="s3v4",
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
