"""The samples in events/ that came by HTTP: each is a call that the contract takes, and the first is the documented
request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from reelay.contract import Contract

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = {path.stem: path for path in sorted((ROOT / "events").glob("*.json"))}
EVENTS = {name: path for name, path in SAMPLES.items() if "httpMethod" in json.loads(path.read_text())}
OTHER_TRIGGERS = ("sqs-", "s3-", "eventbridge-", "invoke-")
OPERATIONS = {
    "create-video": "createChatCompletion",
    "create-video-async": "createChatCompletion",
    "create-video-job": "createVideo",
    "create-video-job-json": "createVideo",
    "create-video-whole": "createChatCompletion",
    "create-video-with-image": "createChatCompletion",
    "delete-completion": "deleteChatCompletion",
    "delete-video": "deleteVideo",
    "get-completion": "getChatCompletion",
    "get-completion-messages": "getChatCompletionMessages",
    "get-contract": "getContractJson",
    "get-docs": "getDocs",
    "get-docs-file": "getDocsFile",
    "get-studio": "getStudio",
    "get-studio-file": "getStudioFile",
    "get-video": "getVideo",
    "get-video-content": "retrieveVideoContent",
    "list-completions": "listChatCompletions",
    "list-videos": "listVideos",
    "remix-video": "remixVideo",
    "update-completion": "updateChatCompletion",
}


@pytest.mark.parametrize("name", EVENTS)
def test_each_sample_is_a_call_of_its_operation(name: str) -> None:
    event: dict[str, Any] = json.loads(EVENTS[name].read_text())
    assert Contract.load().read(event).operation == OPERATIONS[name]


def test_create_video_is_the_documented_request_word_for_word() -> None:
    event = json.loads(EVENTS["create-video"].read_text())
    contract = yaml.safe_load((ROOT / "openapi.yaml").read_text())
    operation = contract["paths"]["/v1/chat/completions"]["post"]
    examples = operation["requestBody"]["content"]["application/json"]["examples"]
    assert json.loads(event["body"]) == examples["createVideo"]["value"]


def test_each_sample_of_another_trigger_says_so_in_its_name() -> None:
    assert [name for name in SAMPLES if name not in EVENTS and not name.startswith(OTHER_TRIGGERS)] == []


def test_every_operation_has_a_sample() -> None:
    contract = yaml.safe_load((ROOT / "openapi.yaml").read_text())
    items = contract["paths"].values()
    operations = {each["operationId"] for item in items for each in item.values() if "operationId" in each}
    assert operations - {"getContractYaml"} == set(OPERATIONS.values())


def test_the_two_samples_of_a_video_job_ask_for_the_same_video_and_one_has_a_picture() -> None:
    form = Contract.load().read(json.loads(EVENTS["create-video-job"].read_text())).body
    plain = Contract.load().read(json.loads(EVENTS["create-video-job-json"].read_text())).body
    assert {**plain, "input_reference": form["input_reference"]} == form
    assert form["input_reference"]["image_url"].startswith("data:image/png;base64,")
