"""Who may import whom: ARCHITECTURE's table, read off the imports of every file."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOUSE = ROOT / "layers" / "core" / "reelay"
STDLIB = frozenset(sys.stdlib_module_names)
PURE = {"errors", "model", "ids", "payer"}
READERS = PURE | {"sse", "shapes", "refusals", "links"}
AWS = {"boto3", "botocore", "s3transfer", *(f"mypy_boto3_{each}" for each in ("s3", "sqs", "events", "secretsmanager"))}

OPENAPI = {"openapi_core", "jsonschema_path", "jsonschema_rs"}

# room -> rooms of the house and packages beside the standard library that it may import
ROOMS: dict[str, set[str]] = {
    "__init__": set(),
    "init_phase": set(),
    "errors": set(),
    "payer": set(),
    "callers_key": set(),
    "model": {"errors", "payer"},
    "ports": {"errors", "model"},
    "ids": set(),
    "identity": set(),
    "vouched": PURE | {"identity"},
    "bearer_syntax": set(),
    "authorizer": {"bearer_syntax", "identity", "payer"},
    "clock": set(),
    "bearer": {"errors", "bearer_syntax"},
    "addresses": PURE,
    "mediatype": PURE,
    "documents": PURE,
    "masking": PURE,
    "sse": PURE,
    "links": PURE,
    "fields": PURE,
    "shapes": PURE | {"fields"},
    "jobs": PURE,
    "refusals": PURE,
    "reply": READERS | {"strict_json"},
    "strict_json": PURE,
    "http_event": PURE,
    "routes": PURE,
    "faults": PURE | {"jsonschema_rs"},
    "openapi_hooks": PURE
    | {"strict_json", "http_event", "routes", "bearer", "faults", "multipart", "openapi_parameters"}
    | OPENAPI,
    "openapi_parameters": OPENAPI,
    "contract": PURE
    | {"strict_json", "http_event", "routes", "bearer", "faults", "openapi_hooks", "openapi_messages"}
    | OPENAPI,
    "multipart": PURE | {"multipart", "mediatype"},
    "openapi_messages": PURE | {"http_event", "routes", "faults", "openapi_hooks"} | OPENAPI,
    "gateway": PURE | {"ports", "identity", "vouched", "sse", "conformance"},
    "conformance": PURE | {"ports"},
    "prefer": set(),
    "replay": READERS | {"jobs"},
    "admission": PURE | {"ports"},
    "events": PURE,
    "triggers": set(),
    "recovery": READERS | {"jobs", "reply"},
    "videos": READERS | {"jobs"},
    "pages": READERS,
    "journal": READERS | {"ports", "jobs"},
    "lookup": PURE | {"ports", "journal"},
    "run": READERS | {"ports", "jobs", "journal", "reply"},
    "aftercare": READERS | {"ports", "jobs", "journal", "events"},
    "relay": READERS | {"ports", "jobs", "journal", "run", "replay", "admission", "prefer", "aftercare", "spending"},
    "video_jobs": READERS | {"ports", "journal", "run", "replay", "relay", "videos", "documents"},
    "worker": READERS | {"ports", "jobs", "journal", "run", "relay", "recovery", "aftercare", "spending"},
    "sweep": PURE | {"ports", "jobs"},
    "intake": READERS
    | {"ports", "jobs", "journal", "replay", "admission", "aftercare", "events", "videos", "triggers", "spending"},
    "results": READERS | {"ports", "jobs", "replay", "events", "lookup", "pages"},
    "video_results": READERS | {"ports", "jobs", "replay", "results", "lookup", "pages", "videos", "aftercare"},
    "page_files": PURE,
    "studio_page": PURE | {"page_files"},
    "docs_page": PURE | {"page_files"},
    "batch": PURE | {"ports"},
    "event_doors": PURE | {"ports", "batch", "gateway", "triggers", "intake", "worker", "sweep"},
    "handoff": PURE | {"ports"},
    "timekeeper": set(),
    "connection": PURE | {"ports", "urllib3"},
    "exchange": PURE | {"ports", "refusals", "handoff", "connection", "masking", "timekeeper", "urllib3"},
    "upstream": PURE | {"ports", "refusals", "handoff", "connection", "exchange", "urllib3"},
    "download": PURE | {"ports", "addresses", "connection"},
    "sigv4": set(),
    "aws_environment": {"sigv4"},
    "s3_failures": PURE | {"documents"},
    "s3_place": {"sigv4"},
    "s3_rest": PURE | {"s3_failures", "s3_place", "sigv4", "urllib3"},
    "bucket": PURE | {"s3_failures", "s3_rest"},
    "conditional": PURE | {"s3_failures", "bucket"},
    "store": PURE | {"s3_failures", "documents", "bucket", "conditional"},
    "claims": PURE | {"s3_failures", "documents", "bucket", "conditional"},
    "s3": PURE | AWS | {"s3_failures"},
    "upload": PURE | AWS | {"s3", "archive"},
    "aws": PURE | AWS | {"s3_failures", "sigv4"},
    "job_messages": PURE | {"documents"},
    "queue": PURE | AWS | {"aws", "job_messages"},
    "bus": PURE | AWS | {"aws", "s3_failures"},
    "service_key": PURE | AWS | {"ports", "aws", "bearer"},
    "switch": PURE | {"ports", "bucket"},
    "tallies": PURE | {"s3_failures", "documents", "bucket", "conditional"},
    "allowance": PURE | {"ports", "jobs"},
    "spending": PURE | {"ports", "allowance"},
    "drops": PURE | {"documents", "bucket"},
    "later": PURE | {"ports", "queue", "bus", "aws", "service_key", "sigv4"},
    "statuses": PURE | {"ports", "strict_json", "connection", "handoff", "urllib3"},
    "archive": PURE | {"ports", "bucket", "documents", "download", "mediatype"},
    "telemetry": {"aws_lambda_powertools"},
    "settings": set(),
    "lambda_stream": {"awslambdaric"},
}
WITHOUT_IO = (
    "events",
    "pages",
    "recovery",
    "triggers",
    "videos",
    "errors",
    "model",
    "ids",
    "sse",
    "links",
    "fields",
    "shapes",
    "jobs",
    "reply",
    "refusals",
    "addresses",
    "mediatype",
)
OUTSIDE = {"os", "socket", "http", "urllib", "time", "subprocess", "pathlib", "tempfile", "threading"}
DOORS = {"reelay.init_phase", "reelay.wiring", "reelay.gateway", "reelay.errors", "aws_lambda_powertools"}
LIGHT_DOORS = {"authorizer": {"reelay.authorizer", "reelay.callers_key"}}
"""Doors that have to be there in a moment, and what they know instead."""


def imports(path: Path) -> set[str]:
    """Every module that a file imports, by its full name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{a.name}" for a in node.names} if node.module == "reelay" else {str(node.module)}
    return found


def rooms(path: Path) -> set[str]:
    """The same in the words of the table: rooms of the house by their own name, packages by their first."""
    return {name.split(".")[name.startswith("reelay.")] for name in imports(path)}


@pytest.mark.parametrize("path", sorted(HOUSE.glob("*.py")), ids=lambda path: path.stem)
def test_each_room_imports_only_what_the_table_allows(path: Path) -> None:
    if path.stem == "wiring":
        assert not rooms(path) & {"functions", "dev", "tests"}
        return
    assert rooms(path) - STDLIB <= ROOMS[path.stem]


@pytest.mark.parametrize("room", WITHOUT_IO)
def test_a_room_without_io_reaches_nothing_outside(room: str) -> None:
    path = HOUSE / f"{room}.py"
    assert not {name.split(".")[0] for name in imports(path) - {"urllib.parse"}} & OUTSIDE


def test_settings_alone_reads_the_environment() -> None:
    """Two rooms beside it are for doors and calls that have to be there in a moment."""
    readers = {path.stem for path in HOUSE.glob("*.py") if "os" in imports(path)}
    assert readers == {"settings", "aws_environment", "callers_key"}


@pytest.mark.parametrize("path", sorted((ROOT / "functions").glob("*/*.py")), ids=lambda path: path.parent.name)
def test_a_door_knows_the_wiring_and_the_gateway_alone(path: Path) -> None:
    names = {name for name in imports(path) if name.split(".")[0] not in STDLIB}
    known = LIGHT_DOORS.get(path.parent.name, DOORS)
    assert all(any(name == door or name.startswith(f"{door}.") for door in known) for name in names), names


def test_the_authorizer_stands_on_the_standard_library_alone() -> None:
    reached: set[str] = {"authorizer", "callers_key"}
    found: set[str] = set()
    while rooms_left := reached - found:
        for room in rooms_left:
            found.add(room)
            reached |= rooms(HOUSE / f"{room}.py") - STDLIB
    assert reached <= {"authorizer", "callers_key", "payer", "bearer_syntax", "identity"}


def test_the_product_never_imports_what_plays_for_it() -> None:
    product = [*HOUSE.glob("*.py"), *(ROOT / "functions").glob("*/*.py")]
    assert not {name.split(".")[0] for path in product for name in imports(path)} & {"dev", "tests", "moto"}
