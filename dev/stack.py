"""The whole of Reelay on one machine: simulator, S3, API Gateway and the doors under the real awslambdaric."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from dev.contract_files import write_contract_files
from dev.gateway import Gateway
from dev.s3 import S3Server
from dev.simulator import Simulator
from reelay import settings
from reelay.bearer import bearer_token
from reelay.errors import Unauthorized

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ROOT = Path(__file__).resolve().parent.parent
BUCKET = "reelay-local"
ECHO_SECONDS = 0.004
"""Between pieces of the request's echo, of which there are hundreds that nobody watches."""
LOCAL_TOKEN = "sk-local-development"  # noqa: S105 - opens nothing but the local stack
REAL_UPSTREAM = "https://v98store.com/v1"
DUMMY_AWS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_REGION": "us-east-1"}


@dataclass(frozen=True)
class Stack:
    """What is up: the gateway's origin, S3 and the bucket, the bearer token to use, and who is upstream."""

    url: str
    s3: S3Client
    bucket: str
    token: str
    upstream: str
    simulator: Simulator | None


class StackError(Exception):
    """What keeps the stack from starting, in words for the person at the terminal."""


@contextmanager
def running(
    *, port: int = 0, delay: float = 0.0, log: Path | None = None, simulator: Simulator | None = None
) -> Iterator[Stack]:
    """Start everything, yield when it answers, stop everything.

    With V98STORE_TOKEN in the environment the upstream is the real v98store (or UPSTREAM_BASE_URL) and calls cost
    money; S3_ENDPOINT_URL names another S3 than moto's. `delay` is the pause in seconds between the frames of a
    simulator started here; one that is up already can be given instead. Raises StackError.
    """
    write_contract_files()
    with ExitStack() as stop:
        token = _token() if simulator is None else None
        if token is None and simulator is None:
            simulator = stop.enter_context(Simulator(delay=delay, echo_delay=min(delay, ECHO_SECONDS)))
        chosen = _upstream() if simulator is None else _simulated(simulator)
        try:
            s3, environment = _s3(stop)
            environment |= chosen | {"BUCKET_NAME": BUCKET}
            settings.read(environment)
            gateway = stop.enter_context(Gateway(ROOT / "template.yaml", environment, port=port, log=log))
        except settings.SettingsError as error:
            raise StackError(str(error)) from None
        except (OSError, BotoCoreError, ClientError) as error:
            raise StackError(f"The stack cannot start: {error}") from None
        yield Stack(gateway.url, s3, BUCKET, token or LOCAL_TOKEN, environment["UPSTREAM_BASE_URL"], simulator)


def _token() -> str | None:
    """The real key; None without one. Raises StackError, which does not tell it."""
    token = os.environ.get("V98STORE_TOKEN") or None
    if token is None and os.environ.get("UPSTREAM_BASE_URL"):
        raise StackError("UPSTREAM_BASE_URL is set without V98STORE_TOKEN: set the key too, or neither.")
    try:
        return bearer_token(f"Bearer {token}", optional=False) if token else None
    except Unauthorized:
        raise StackError("V98STORE_TOKEN holds characters that no key has, perhaps a space or a line end.") from None


def _upstream() -> dict[str, str]:
    """The real upstream. Plain http only to this machine, or where UPSTREAM_PLAIN_HTTP says so by name."""
    url = os.environ.get("UPSTREAM_BASE_URL") or REAL_UPSTREAM
    plain = urlsplit(url).hostname in ("127.0.0.1", "localhost") or os.environ.get("UPSTREAM_PLAIN_HTTP") == "true"
    return {
        "UPSTREAM_BASE_URL": url,
        "UPSTREAM_PLAIN_HTTP": str(plain).lower(),
        "MEDIA_TRUSTED_ORIGINS": os.environ.get("MEDIA_TRUSTED_ORIGINS", ""),
    }


def _simulated(simulator: Simulator) -> dict[str, str]:
    return {
        "UPSTREAM_BASE_URL": simulator.url,
        "UPSTREAM_PLAIN_HTTP": "true",
        "MEDIA_TRUSTED_ORIGINS": simulator.origin,
    }


def _s3(stop: ExitStack) -> tuple[S3Client, dict[str, str]]:
    """A client of an S3 with the bucket in it, and the environment in which a door reaches the same."""
    given = os.environ.get("S3_ENDPOINT_URL")
    environment = DUMMY_AWS | {name: os.environ[name] for name in DUMMY_AWS if given and name in os.environ}
    environment["AWS_ENDPOINT_URL_S3"] = given or stop.enter_context(S3Server()).url
    client = boto3.client(
        "s3",
        endpoint_url=environment["AWS_ENDPOINT_URL_S3"],
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )
    if BUCKET not in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]:
        client.create_bucket(Bucket=BUCKET)
    return client, environment
