"""What the layer's build takes out of botocore's descriptions is nothing that a client needs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import botocore
import pytest
from botocore.loaders import Loader
from botocore.session import Session

from dev.aws_models import only, strip, undocumented

SERVICES = ("s3", "sqs", "events", "secretsmanager")
REGIONS = ("us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1")
DATA = Path(botocore.__file__).parent / "data"


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A layer's botocore, stripped; one service more shows that others go."""
    place = tmp_path_factory.mktemp("layer")
    data = place / "botocore" / "data"
    for service in (*SERVICES, "sns"):
        shutil.copytree(DATA / service, data / service)
    for file in DATA.glob("*.json"):
        shutil.copy(file, data)
    strip(place, SERVICES)
    return place


def session(data: Path) -> Session:
    """botocore with these descriptions and no others."""
    made = Session()
    made.register_component("data_loader", Loader(extra_search_paths=[str(data)], include_default_search_paths=False))
    made.set_credentials("local", "local")
    return made


def told(session: Session, service: str) -> dict[str, Any]:
    """All that a model says of operations and shapes, without words."""
    model: dict[str, Any] = session.get_service_data(service)
    return {part: undocumented(model[part]) for part in ("operations", "shapes", "metadata")}


def test_other_services_go(layer: Path) -> None:
    left = {place.name for place in (layer / "botocore" / "data").iterdir() if place.is_dir()}
    assert left == set(SERVICES)
    endpoints = json.loads((layer / "botocore" / "data" / "endpoints.json").read_bytes())
    assert {name for each in endpoints["partitions"] for name in each["services"]} == set(SERVICES)


@pytest.mark.parametrize("service", SERVICES)
def test_a_client_of_what_is_left_is_the_same_client(service: str, layer: Path) -> None:
    stripped, whole = session(layer / "botocore" / "data"), session(DATA)
    assert told(stripped, service) == told(whole, service)
    for region in REGIONS:
        clients = [each.create_client(service, region_name=region) for each in (stripped, whole)]
        assert clients[0].meta.endpoint_url == clients[1].meta.endpoint_url
        assert clients[0].meta.partition == clients[1].meta.partition
        for client in clients:
            client.close()


@pytest.mark.parametrize(
    ("service", "call"),
    [("s3", "list_buckets"), ("sqs", "list_queues"), ("events", "list_rules"), ("secretsmanager", "list_secrets")],
)
def test_a_call_goes_out_and_its_answer_comes_in(
    service: str,
    call: str,
    layer: Path,
    aws_environment: None,  # noqa: ARG001 - sets where AWS is
) -> None:
    client = session(layer / "botocore" / "data").create_client(service, region_name="us-east-1")
    assert getattr(client, call)()["ResponseMetadata"]["HTTPStatusCode"] == 200
    client.close()


def test_a_field_that_is_called_documentation_stays() -> None:
    model = {"documentation": "words", "members": {"documentation": {"shape": "Text", "documentation": "more"}}}
    assert undocumented(model) == {
        "documentation": "",
        "members": {"documentation": {"shape": "Text", "documentation": ""}},
    }
    assert only({"partitions": [{"services": {"s3": 1, "ec2": 2}}], "version": 3}, ["s3"]) == {
        "partitions": [{"services": {"s3": 1}}],
        "version": 3,
    }
