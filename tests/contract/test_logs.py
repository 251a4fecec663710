"""docs/LOGS.md, compared with what the source tells: lines, their levels and fields, metrics and their units."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from functools import cache
from typing import Any

from tests.contract.cloud import ROOT
from tests.contract.told import tellings

DOCUMENT = (ROOT / "docs/LOGS.md").read_text(encoding="utf-8")
LEVELS = {"note": "INFO", "alarm": "ERROR"}
ROW = re.compile(r"^\| `([^`]+)` \| (\w+) \| (.*?) \|", re.MULTILINE)
STACK = "one-of-two"
DRIVER = """
from contextlib import suppress
from types import SimpleNamespace
from reelay import settings
from reelay.errors import Unforeseen
from reelay.relay import Relay
from reelay.telemetry import PowertoolsTelemetry

told = PowertoolsTelemetry(settings.read().service)
no = dict.fromkeys(("upstream", "store", "admission", "aftercare", "spending", "clock"))
relay = Relay(telemetry=told, **no)

def broken():
    raise ValueError("the caller's own words")

context = SimpleNamespace(
    function_name="f", memory_limit_in_mb=512, invoked_function_arn="arn", aws_request_id="r"
)

@told.logger.inject_lambda_context(correlation_id_path="requestContext.requestId", clear_state=True)
@told.metrics.log_metrics(capture_cold_start_metric=True)
def handler(event, context):
    told.count("PaidCalls")
    told.note("queued", record="1")
    with suppress(Unforeseen):
        relay.charged(SimpleNamespace(record=SimpleNamespace(id="1"), line=SimpleNamespace(close=list)), broken)

handler({"requestContext": {"requestId": "q"}}, context)
"""


@cache
def written() -> list[dict[str, Any]]:
    """In a process of its own, with Powertools as it is deployed: its loggers remember where they first wrote."""
    set_by_the_template = {"POWERTOOLS_SERVICE_NAME": STACK, "BUCKET_NAME": "kept-here"}
    ran = subprocess.run(  # noqa: S603 - our own interpreter and the program above
        [sys.executable, "-c", DRIVER],
        env={**os.environ, "PYTHONPATH": str(ROOT / "layers/core"), **set_by_the_template},
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in ran.stdout.splitlines()]


def rows(heading: str) -> dict[str, tuple[str, str]]:
    section = DOCUMENT[DOCUMENT.index(f"## {heading}") :].split("\n## ")[0]
    return {name: (second, third) for name, second, third in ROW.findall(section)}


def test_every_line_is_documented_with_its_level_and_its_fields_and_no_other_is() -> None:
    levels: dict[str, set[str]] = defaultdict(set)
    fields: dict[str, set[str]] = defaultdict(set)
    for telling in tellings():
        if telling.kind != "count":
            levels[telling.name].add(LEVELS[telling.kind])
            fields[telling.name] |= telling.fields
    documented = rows("Lines")
    assert {name: {level} for name, (level, _) in documented.items()} == levels
    assert {name: set(re.findall(r"`(\w+)`", words)) for name, (_, words) in documented.items()} == fields


def test_every_metric_is_documented_with_its_unit_and_no_other_is() -> None:
    counted = {(telling.name, telling.unit) for telling in tellings() if telling.kind == "count"}
    assert {(name, unit) for name, (unit, _) in rows("Metrics").items()} == counted


def test_what_every_line_has_is_documented_and_no_line_holds_an_exceptions_words() -> None:
    lines = written()
    note, alarm = (line for line in lines if "level" in line)
    head = DOCUMENT[: DOCUMENT.index("| message |")] + DOCUMENT[DOCUMENT.index("A line at ERROR") :]
    for field in (note.keys() | alarm.keys()) - {"record"}:
        assert f"`{field}`" in head, field
    assert (alarm["exception"], alarm["place"].rpartition(":")[0]) == ("ValueError", "broken")
    assert "the caller's own words" not in json.dumps(lines)


def test_a_line_says_which_function_told_it() -> None:
    note, alarm = (line for line in written() if "level" in line)
    assert [line["location"].rpartition(":")[0] for line in (note, alarm)] == ["handler", "charged"]


def test_lines_and_metrics_bear_the_name_of_the_stack() -> None:
    lines = written()
    assert {line["service"] for line in lines} == {STACK}
    [paid] = [line for line in lines if "PaidCalls" in line]
    [directive] = paid["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"]) == ("Reelay", [["service"]])
