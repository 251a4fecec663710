"""What Lambda and the SDKs' conventions say of the AWS around a function: beside `settings`, the only reader of it.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html and, for the endpoints,
https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from reelay.sigv4 import Credentials


@dataclass(frozen=True, slots=True)
class AwsEnvironment:
    """`credentials` is None where the environment has none in clear (SnapStart, a developer's profile)."""

    region: str
    s3_endpoint: str | None
    credentials: Credentials | None


def read(environment: Mapping[str, str] = os.environ) -> AwsEnvironment:
    """Never raises: where there is no region, every call will say so."""

    def first(*names: str) -> str | None:
        return next((environment[name] for name in names if environment.get(name)), None)

    key_id, secret = first("AWS_ACCESS_KEY_ID"), first("AWS_SECRET_ACCESS_KEY")
    return AwsEnvironment(
        region=first("AWS_REGION", "AWS_DEFAULT_REGION") or "us-east-1",
        s3_endpoint=first("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
        credentials=Credentials(key_id, secret, first("AWS_SESSION_TOKEN")) if key_id and secret else None,
    )
