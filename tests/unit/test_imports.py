"""What a function has loaded once it is ready: nothing that its door has no use for before the first answer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
AWS = {"boto3", "botocore.session", "s3transfer"}
OPENAPI = {"openapi_core", "jsonschema_rs"}
PAGES = {"reelay.studio_page", "reelay.docs_page"}
COPIES = {"reelay.archive", "reelay.download"}
STORED = {"reelay.results", "reelay.video_results"}
POSTING = {"reelay.upstream", "reelay.exchange"}
LATER = {
    "relay": AWS | PAGES | COPIES | STORED,
    "results": AWS | POSTING | {"reelay.relay", "reelay.worker"},
    "intake": AWS | PAGES | COPIES | STORED | POSTING,
    "worker": AWS | OPENAPI | PAGES | COPIES | STORED,
    "sweep": AWS | OPENAPI | PAGES | COPIES | STORED | POSTING,
    "authorizer": AWS | OPENAPI | {"dataclasses", "reelay.errors", "reelay.model", "reelay.settings"},
}
ENVIRONMENT = {
    "PYTHONPATH": f"{ROOT / 'layers/core'}",
    "BUCKET_NAME": "a-bucket",
    "JOBS_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/jobs",
    "SERVICE_KEY_SECRET": "arn:aws:secretsmanager:us-east-1:123456789012:secret:key-AbCdEf",
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "k",
    "AWS_SECRET_ACCESS_KEY": "s",
    "POWERTOOLS_METRICS_NAMESPACE": "Reelay",
}
READY = """
import gc, json, runpy, sys
runpy.run_path(sys.argv[1])
print(json.dumps({"modules": sorted(sys.modules), "collects": gc.isenabled(), "frozen": gc.get_freeze_count()}))
"""


def test_every_door_is_looked_at() -> None:
    assert {path.parent.name for path in ROOT.glob("functions/*/app.py")} == set(LATER)


@pytest.fixture(scope="module")
def ready() -> dict[str, Any]:
    """What each function is like once it is ready, each in a process of its own."""
    return {door: _ready(ROOT / "functions" / door / "app.py") for door in LATER}


def _ready(app: Path) -> Any:
    told = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", READY, str(app)], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    return json.loads(told.stdout)


@pytest.mark.parametrize("door", sorted(LATER))
def test_a_door_loads_nothing_before_it_needs_it(ready: dict[str, Any], door: str) -> None:
    assert sorted(LATER[door] & set(ready[door]["modules"])) == []


@pytest.mark.parametrize("door", sorted(LATER))
def test_a_door_collects_garbage_and_not_what_was_made_at_the_beginning(ready: dict[str, Any], door: str) -> None:
    assert ready[door]["collects"]
    assert (ready[door]["frozen"] > 10_000) is (door != "authorizer")  # there is next to nothing of it
