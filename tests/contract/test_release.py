"""One version in every place that says it, and a checklist whose commands exist."""

from __future__ import annotations

import re
import tomllib

import yaml

from tests.contract.cloud import ROOT

VERSION = str(yaml.safe_load((ROOT / "openapi.yaml").read_text(encoding="utf-8"))["info"]["version"])
CHECKLIST = (ROOT / "docs/RELEASE.md").read_text(encoding="utf-8")
SEMVER = r"\d+\.\d+\.\d+"


def test_the_contract_the_project_and_the_changelog_say_the_same_version() -> None:
    assert re.fullmatch(SEMVER, VERSION)
    assert tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"] == VERSION
    newest = re.search(rf"^## ({SEMVER})", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == VERSION


def test_the_checklist_names_targets_and_files_that_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z-]+)", CHECKLIST))
    assert {"check", "build", "probe", "deploy", "smoke", "undeploy"} <= named <= targets
    for place in ("tests/contract/test_release.py", ".ci/run", "released/openapi.yaml", "docs/RUNBOOK.md"):
        assert place in CHECKLIST
        assert (ROOT / place).exists()
    assert "(RUNBOOK.md#rolling-back)" in CHECKLIST
    assert "\n### Rolling back\n" in (ROOT / "docs/RUNBOOK.md").read_text(encoding="utf-8")
