"""Where a bucket answers: held to where boto3 would send somebody."""

from __future__ import annotations

import ssl
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config

from reelay.s3_place import place_of
from reelay.s3_rest import S3Rest
from reelay.sigv4 import Credentials

SECRET = "secret-1"


def boto_link(bucket: str, region: str, endpoint: str | None) -> str:
    client = boto3.client(
        "s3",
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id="AKIA-1",
        aws_secret_access_key=SECRET,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path" if endpoint else "virtual"}),
    )
    url: str = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a b/c"}, ExpiresIn=60)
    return url


def our_link(bucket: str, region: str, endpoint: str | None) -> str:
    place = place_of(bucket, region, endpoint)
    return S3Rest(place, lambda: Credentials("AKIA-1", SECRET), ssl.create_default_context).link("a b/c", {}, 60)


def address(url: str) -> tuple[str, str | None, int | None, str]:
    """Where a browser goes, which leaves the scheme's own port out."""
    parts = urlsplit(url)
    own = {"http": 80, "https": 443}[parts.scheme]
    return parts.scheme, parts.hostname, None if parts.port == own else parts.port, parts.path


def regions() -> list[str]:
    session = boto3.Session()
    return [
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("s3", partition)
    ]


@pytest.mark.usefixtures("aws_environment")
def test_every_region_that_boto3_knows_answers_where_boto3_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    found = {*regions(), "eusc-de-east-1"}
    assert len(found) > 30
    for region in found - {"us-east-1"}:
        assert address(our_link("bucket", region, None)) == address(boto_link("bucket", region, None))
    # boto3 knows this one by its older name too.
    assert address(our_link("bucket", "us-east-1", None))[1] == "bucket.s3.us-east-1.amazonaws.com"


@pytest.mark.usefixtures("aws_environment")
@pytest.mark.parametrize(
    ("bucket", "endpoint"),
    [
        ("bucket", None),
        ("bucket.with.dots", None),
        ("bucket", "http://localhost:9000"),
        ("bucket", "http://LOCALHOST"),
        ("bucket", "http://localhost:9000/"),
        ("bucket", "https://localhost:443"),
        ("bucket", "http://localhost:80"),
        ("bucket", "http://localhost:443"),
        ("bucket", "http://localhost:9000/base/s3/"),
        ("bucket", "http://[::1]:9000"),
        ("bucket", "https://[::1]"),
    ],
)
def test_a_link_leads_where_that_of_boto3_leads(
    monkeypatch: pytest.MonkeyPatch, bucket: str, endpoint: str | None
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    assert address(our_link(bucket, "eu-central-1", endpoint)) == address(boto_link(bucket, "eu-central-1", endpoint))


@pytest.mark.parametrize("endpoint", ["https://LOCALHOST:443", "http://localhost:80"])
def test_a_link_is_signed_for_the_host_that_a_browser_names(endpoint: str) -> None:
    assert place_of("bucket", "eu-central-1", endpoint).authority == "localhost"


@pytest.mark.parametrize("endpoint", ["localhost:9000", "//localhost", "ftp://localhost", "http://", "http://h:port"])
def test_what_is_no_endpoint_is_refused_when_the_house_is_built(endpoint: str) -> None:
    with pytest.raises(ValueError, match="endpoint"):
        place_of("bucket", "eu-central-1", endpoint)
