"""The one place that makes AWS clients beside S3's, and puts what boto raises into our words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, overload

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from reelay.errors import ReelayError
from reelay.s3_failures import ATTEMPTS, CONNECT_SECONDS, READ_SECONDS, code_word, store_failed
from reelay.sigv4 import Credentials

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient


@overload
def client(service: Literal["sqs"]) -> SQSClient: ...
@overload
def client(service: Literal["events"]) -> EventBridgeClient: ...
@overload
def client(service: Literal["secretsmanager"]) -> SecretsManagerClient: ...
def client(
    service: Literal["sqs", "events", "secretsmanager"],
) -> SQSClient | EventBridgeClient | SecretsManagerClient:
    """A client for region, credentials and endpoint of the AWS_* environment (`AWS_ENDPOINT_URL_SQS` and its like for
    a stand-in), with the patience of S3's. Makes no connection. May be shared between threads.
    """
    return boto3.client(
        service,
        config=Config(
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
        ),
    )


class SdkCredentials:
    """What boto3 finds where the environment has no credentials in clear, and renews: a profile, or the container's
    endpoint that a function restored from a snapshot is given (AWS Lambda developer guide, SnapStart security)."""

    def __init__(self) -> None:
        """Raises StoreFailed for a profile that is none."""
        with failures(store_failed):
            self._session = boto3.Session()

    def __call__(self) -> Credentials:
        """As they are now. Raises StoreFailed where there are none, and looks again the next time."""
        try:
            with failures(store_failed):
                found = self._session.get_credentials()
                now = found.get_frozen_credentials() if found else None
        except (RuntimeError, ValueError):  # renewed, and past their time all the same; an endpoint that may be none
            raise store_failed("UnusableCredentials") from None
        if now is None:
            raise store_failed("NoCredentials")
        return Credentials(now.access_key or "", now.secret_key or "", now.token)


@contextmanager
def failures(told: Callable[[str], ReelayError]) -> Iterator[None]:
    """Raises what `told` makes of AWS's code word for the failure, or of the name of what kept AWS from answering.

    boto's own exceptions may quote the parameters of the call, bodies included, so they end here.
    """
    try:
        yield
    except ClientError as failure:
        raise told(code_word(failure.response.get("Error", {}).get("Code", ""))) from None
    except BotoCoreError as failure:
        raise told(type(failure).__name__) from None
