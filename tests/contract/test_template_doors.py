"""template.yaml held to the doors: their functions, settings, logs and parameters."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any

import pytest

from dev import template as local
from reelay import settings
from reelay.callers_key import callers_key
from tests.contract.cloud import FUNCTIONS, ROOT, TEMPLATE, cloud, plain, resources

DEVELOPMENT_ONLY = {"UPSTREAM_PLAIN_HTTP", "ALLOW_ANONYMOUS", "MEDIA_TRUSTED_ORIGINS"}


def test_every_door_has_a_function_and_every_function_a_door_with_a_handler() -> None:
    functions = {
        resource["Properties"]["CodeUri"]
        for resource in TEMPLATE["Resources"].values()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    assert functions == {path.parent.relative_to(ROOT).as_posix() for path in ROOT.glob("functions/*/app.py")}
    for function in resources("AWS::Lambda::Function").values():
        assert function["Properties"]["Handler"] == "app.handler"
    for door in functions:
        module = ast.parse((ROOT / door / "app.py").read_text(encoding="utf-8"))
        assert "handler" in {node.name for node in module.body if isinstance(node, ast.FunctionDef)}


def test_every_function_and_the_layer_are_built_by_a_target_of_their_makefile() -> None:
    for name, resource in TEMPLATE["Resources"].items():
        if "BuildMethod" not in resource.get("Metadata", {}):
            assert resource["Type"] not in {"AWS::Serverless::Function", "AWS::Serverless::LayerVersion"}
            continue
        properties, metadata = resource["Properties"], resource["Metadata"]
        folder = metadata.get("ContextPath") or properties.get("CodeUri") or properties["ContentUri"]
        makefile = (ROOT / folder / "Makefile").read_text(encoding="utf-8")
        assert (metadata["BuildMethod"], metadata["WorkingDirectory"]) == ("makefile", ".")
        assert re.search(rf"^(?:build-\w+ )*build-{name}(?: build-\w+)*:$", makefile, re.MULTILINE)


def test_the_layer_is_built_for_the_runtime_and_the_processor_of_the_functions() -> None:
    makefile = (ROOT / "layers/core/Makefile").read_text(encoding="utf-8")
    version = re.search(r"^LAYER_PYTHON \?= (\S+)$", makefile, re.MULTILINE)
    architecture = re.search(r"^ARCHITECTURE \?= (\S+)$", makefile, re.MULTILINE)
    assert version is not None
    assert architecture is not None
    assert architecture[1] == TEMPLATE["Parameters"]["Architecture"]["Default"]
    for function in resources("AWS::Lambda::Function").values():
        assert function["Properties"]["Runtime"] == f"python{version[1]}"
        assert function["Properties"]["Architectures"] == [{"Ref": "Architecture"}]
        assert function["Properties"]["RuntimeManagementConfig"] == {"UpdateRuntimeOn": "FunctionUpdate"}


class Asked(dict[str, str]):
    """An environment that remembers which variables it was asked for."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        super().__init__(variables)
        self.names: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_settings_take_the_environment_of_every_function_and_read_all_of_it(name: str) -> None:
    function = local.read(ROOT / "template.yaml").functions[name]
    declared = {"BUCKET_NAME": "what-only-aws-knows", **function.environment}
    environment = Asked(declared)
    callers_key(environment) if name == "AuthorizerFunction" else settings.read(environment)
    if name == "AuthorizerFunction":  # what all functions share is not for it
        declared = {"CALLERS_KEY": declared["CALLERS_KEY"]}
    assert {variable for variable in declared if not variable.startswith("POWERTOOLS_")} <= environment.names


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_function_records_events_or_answers_and_none_can_be_put_into_development_mode(name: str) -> None:
    variables = cloud()["Resources"][name]["Properties"]["Environment"]["Variables"]
    assert variables["POWERTOOLS_LOGGER_LOG_EVENT"] == "false"
    assert variables["POWERTOOLS_TRACER_CAPTURE_RESPONSE"] == "false"
    assert variables["POWERTOOLS_TRACER_CAPTURE_ERROR"] == "false"
    assert variables.keys().isdisjoint(DEVELOPMENT_ONLY)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_writes_to_a_declared_log_that_is_not_kept_for_ever(name: str) -> None:
    log = cloud()["Resources"][name]["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]
    assert cloud()["Resources"][log]["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    assert TEMPLATE["Parameters"]["LogRetentionDays"]["Default"] > 0


@pytest.mark.parametrize(("asked", "applied"), [("yes", "PublishedVersions"), ("no", "None")])
def test_only_doors_that_neither_stream_nor_are_there_in_a_moment_start_from_snapshots(
    asked: str, applied: str
) -> None:
    """And those are called by their alias: a snapshot is one of a published version."""
    found = {name: cloud()["Resources"][name]["Properties"].get("SnapStart") for name in FUNCTIONS}
    told = {name: plain(each, SnapStart=asked) for name, each in found.items() if each}
    assert told == {key: {"ApplyOn": applied} for key in ("IntakeFunction", "ResultsFunction", "WorkerFunction")}


# Parameters


@pytest.mark.parametrize(
    ("parameter", "value", "taken"),
    [
        ("UpstreamBaseUrl", "https://v98store.com/v1", True),
        ("UpstreamBaseUrl", "http://v98store.com/v1", False),
        ("UpstreamBaseUrl", "https://key@v98store.com/v1", False),
        ("UpstreamBaseUrl", "https://v98store.com/v1?key=1", False),
        ("UpstreamBaseUrl", "https://v98store.com/v1/", False),
        ("MediaAllowedHosts", "", True),
        ("MediaAllowedHosts", "filesystem.site,cdn.example.com", True),
        ("MediaAllowedHosts", "https://filesystem.site", False),
        ("MediaAllowedHosts", "filesystem.site, cdn.example.com", False),
    ],
)
def test_a_parameter_refuses_what_the_settings_could_not_use(parameter: str, value: str, taken: bool) -> None:
    assert bool(re.fullmatch(TEMPLATE["Parameters"][parameter]["AllowedPattern"], value)) is taken


def test_the_upstream_is_the_one_the_settings_know() -> None:
    assert TEMPLATE["Parameters"]["UpstreamBaseUrl"]["Default"] == settings.UPSTREAM_BASE_URL


def test_every_parameter_and_output_says_what_it_is_for() -> None:
    for entry in (*TEMPLATE["Parameters"].values(), *TEMPLATE["Outputs"].values()):
        assert entry["Description"].endswith(".")
