"""What every suite may ask for: a local AWS, a fresh bucket in it, and the environment that leads boto3 there."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import pytest

from dev.aws import AwsServer
from dev.contract_files import write_contract_files


@pytest.fixture(scope="session", autouse=True)
def contract_files() -> None:
    """The files that are made from openapi.yaml, fresh before anything reads them."""
    write_contract_files()


@pytest.fixture(scope="session")
def aws() -> Iterator[AwsServer]:
    """The stack's AWS, one for the whole session."""
    with AwsServer() as server:
        yield server


@pytest.fixture
def bucket(aws: AwsServer) -> str:
    """The name of an empty bucket."""
    name = f"test-{uuid.uuid4().hex}"
    aws.create_bucket(name)
    return name


@pytest.fixture
def aws_environment(aws: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3's own variables: the local AWS, credentials that open nothing, and no profile of the machine's owner."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    values = {
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
