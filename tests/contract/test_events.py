"""The samples in events/: each is a call that the contract takes, and the first is the documented request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from reelay.contract import Contract

ROOT = Path(__file__).resolve().parents[2]
EVENTS = {path.stem: path for path in sorted((ROOT / "events").glob("*.json"))}
OPERATIONS = {
    "create-video": "createChatCompletion",
    "create-video-async": "createChatCompletion",
    "create-video-whole": "createChatCompletion",
    "create-video-with-image": "createChatCompletion",
    "delete-completion": "deleteChatCompletion",
    "get-completion": "getChatCompletion",
    "get-completion-messages": "getChatCompletionMessages",
    "get-contract": "getContractJson",
    "get-video-content": "retrieveVideoContent",
    "list-completions": "listChatCompletions",
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
