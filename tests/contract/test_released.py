"""The released contract: what would break its callers is told from what would not, and has to show in the version."""

from __future__ import annotations

import copy
import json
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_spec_validator import validate

from dev.released import RELEASED, CannotCompare, Difference, difference, main, may_break
from tests.contract.bad_inputs import CHAT, VIDEOS

COMPLETION = f"{CHAT}/{{completion_id}}"
VIDEO = f"{VIDEOS}/{{video_id}}"
Change = Callable[[dict[str, Any]], object]

compared = pytest.mark.skipif(
    shutil.which("node") is None and "CI" not in os.environ, reason="Redocly's diff needs Node, which CI has to have"
)


def schema(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"][name]
    return found


def field(document: dict[str, Any], name: str, its: str) -> dict[str, Any]:
    found: dict[str, Any] = schema(document, name)["properties"][its]
    return found


def parameter(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["parameters"][name]
    return found


def answers(document: dict[str, Any], path: str) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"][path]["get"]["responses"]
    return found


BREAKING: dict[str, Change] = {
    "Operation `DELETE /v1/videos/{video_id}` was removed.": lambda d: d["paths"][VIDEO].pop("delete"),
    "Path `/v1/chat/completions/{completion_id}/messages` was removed.": lambda d: d["paths"].pop(
        f"{COMPLETION}/messages"
    ),
    "became required: `metadata`.": lambda d: schema(d, "VideoRemixRequest")["required"].append("metadata"),
    "Type of `seed` narrowed": lambda d: field(d, "ChatCompletionRequest", "seed").update(type="integer"),
    "Type of `user` narrowed": lambda d: field(d, "ChatCompletionRequest", "user").update(type="integer"),
    "Enum of `role` lost values: 'developer'.": lambda d: field(d, "Message", "role")["enum"].remove("developer"),
    "`maxLength` of `prompt` changed": lambda d: field(d, "VideoRequest", "prompt").update(maxLength=1000),
    "Upper bound of `n` changed": lambda d: field(d, "ChatCompletionRequest", "n").update(maximum=8),
    "`additionalProperties` of `VideoRequest` was set": lambda d: schema(d, "VideoRequest").update(
        additionalProperties=False
    ),
    "`Idempotency-Key` header parameter became required.": lambda d: parameter(d, "IdempotencyKey").update(
        required=True
    ),
    "Upper bound changed from '<= 100' to '<= 50'.": lambda d: parameter(d, "Limit")["schema"].update(maximum=50),
    "Property `prompt` of `Video` was removed.": lambda d: schema(d, "Video")["properties"].pop("prompt"),
    "no longer required: `model`.": lambda d: schema(d, "ChatCompletion")["required"].remove("model"),
    "Type of `created_at` widened": lambda d: field(d, "Video", "created_at").update(type="string"),
    "Type of `model` widened": lambda d: field(d, "Video", "model").update(type=["string", "null"]),
    "Media type `application/json` was removed.": lambda d: answers(d, "/openapi.json")["200"].update(
        content={"text/plain": {"schema": {"type": "string"}}}
    ),
    "Response `302` was removed.": lambda d: answers(d, f"{VIDEO}/content").pop("302"),
    "Authentication became required.": lambda d: d["paths"]["/openapi.yaml"]["get"].update(security=[{"bearer": []}]),
}
HARMLESS: list[Change] = [
    lambda d: d["paths"].update({"/v2": copy.deepcopy(d["paths"]["/openapi.json"])}),
    lambda d: schema(d, "VideoRequest")["properties"].update(audio={"type": "boolean"}),
    lambda d: schema(d, "Function")["required"].remove("name"),
    lambda d: field(d, "ChatCompletionRequest", "verbosity")["enum"].append("endless"),
    lambda d: field(d, "VideoRequest", "prompt").update(maxLength=64000),
    lambda d: d["paths"][VIDEOS]["get"]["parameters"].append(
        {"name": "status", "in": "query", "schema": {"type": "string"}}
    ),
    lambda d: parameter(d, "Limit")["schema"].update(maximum=500),
    lambda d: schema(d, "Video")["properties"].update(fps={"type": "integer"}),
    lambda d: schema(d, "ChatCompletion")["required"].append("usage"),
    lambda d: d["components"]["responses"]["VideoJob"]["headers"].update(ETag={"schema": {"type": "string"}}),
    lambda d: d["info"].update(description="A relay."),
    lambda d: answers(d, "/openapi.json")["200"]["content"]["application/json"].pop("examples"),
    lambda d: d["components"]["responses"]["VideoJob"].pop("links"),
]


@pytest.fixture
def changed(document: dict[str, Any], tmp_path: Path) -> Callable[[Iterable[Change]], Difference]:
    """What is found when openapi.yaml is changed."""

    def compare(changes: Iterable[Change]) -> Difference:
        before, after = tmp_path / "before.json", tmp_path / "after.json"
        before.write_text(json.dumps(document))
        other = copy.deepcopy(document)
        for change in changes:
            change(other)
        after.write_text(json.dumps(other))
        return difference(before, after)

    return compare


@compared
def test_what_would_break_a_caller_is_named_one_by_one(changed: Callable[[Iterable[Change]], Difference]) -> None:
    found = changed(BREAKING.values()).breaking
    assert len(found) == len(BREAKING)
    for said in BREAKING:
        assert [said in line for line in found].count(True) == 1, said


@compared
def test_what_would_break_nobody_is_let_through(changed: Callable[[Iterable[Change]], Difference]) -> None:
    found = changed(HARMLESS)
    assert found.changes >= len(HARMLESS)
    assert found.breaking == []


@compared
def test_a_contract_that_cannot_be_read_is_not_taken_for_the_same(tmp_path: Path) -> None:
    broken = tmp_path / "openapi.yaml"
    broken.write_text("openapi: [")
    with pytest.raises(CannotCompare, match="cannot be compared"):
        difference(RELEASED, broken)


@compared
@pytest.mark.parametrize(("version", "passes"), [("0.1.0", False), ("0.1.7", False), ("0.2.0", True), ("1.0.0", True)])
def test_a_breaking_change_has_to_show_in_the_version(
    version: str, passes: bool, document: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, now = tmp_path / "before.json", tmp_path / "now.json"
    before.write_text(json.dumps(document))
    changed = copy.deepcopy(document)
    changed["info"]["version"] = version
    del changed["paths"][VIDEO]["delete"]
    now.write_text(json.dumps(changed))
    if passes:
        main(before, now)
        return
    with pytest.raises(SystemExit) as ended:
        main(before, now)
    assert "Operation `DELETE /v1/videos/{video_id}` was removed." in str(ended.value)
    assert "0.1.0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "may"),
    [
        ("0.1.0", "0.1.0", False),
        ("0.1.9", "0.1.10", False),
        ("0.9.0", "0.10.0", True),
        ("0.2.0", "1.0.0", True),
        ("1.0.0", "1.9.0", False),
        ("1.9.0", "2.0.0-rc.1", True),
        ("2.0.0", "1.0.0", False),
    ],
)
def test_the_major_number_says_that_something_may_break_and_before_1_the_minor_one(
    old: str, new: str, may: Any
) -> None:
    assert may_break(old, new) is may


def test_the_released_contract_is_one() -> None:
    validate(yaml.safe_load(RELEASED.read_bytes()))
