"""What API Gateway answers by itself conforms to the contract of every operation that it may stand in for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dev import template
from dev.gateway.replies import Refusal, render
from reelay.contract import Contract

RESPONSES = template.read(Path(__file__).parents[2] / "template.yaml").responses
NOWHERE = {"MISSING_AUTHENTICATION_TOKEN", "INVALID_SIGNATURE"}
"""For what has no route, or was signed for another AWS service: no operation documents them."""

WITH_KEY = {"UNAUTHORIZED", "ACCESS_DENIED", "INVALID_API_KEY"}
WITH_BODY = {"UNSUPPORTED_MEDIA_TYPE"}
"""For operations that want one."""

OWN_STATUS = {"DEFAULT_4XX": (400, 403, 413, 429), "DEFAULT_5XX": (500, 502, 503, 504)}
"""With which statuses the defaults were seen (API Gateway developer guide, gateway response types)."""


def answer(kind: str, status: int) -> tuple[int, dict[str, str], bytes]:
    head, body = render(Refusal(kind, status, "words of API Gateway's own"), RESPONSES, "request-1")
    return head.status, dict(head.headers), body


def statuses(kind: str) -> tuple[int, ...]:
    response = RESPONSES[kind]
    return (response.status,) if response.status else OWN_STATUS[kind]


@pytest.mark.parametrize("kind", sorted(RESPONSES))
def test_it_is_an_error_of_the_contracts(contract: Contract, kind: str) -> None:
    for status in statuses(kind):
        assert contract.error_faults(answer(kind, status)[2]) == []


@pytest.mark.parametrize("kind", sorted(RESPONSES.keys() - NOWHERE))
def test_every_operation_documents_it_with_its_headers(contract: Contract, document: dict[str, Any], kind: str) -> None:
    operations = [
        each
        for path in document["paths"].values()
        for each in path.values()
        if "operationId" in each
        and (kind not in WITH_KEY or each.get("security") != [])
        and (kind not in WITH_BODY or "requestBody" in each)
    ]
    found = {
        (each["operationId"], status): contract.answer_faults(each["operationId"], *answer(kind, status))
        for each in operations
        for status in statuses(kind)
    }
    assert len(found) >= 4
    assert {key: faults for key, faults in found.items() if faults} == {}
