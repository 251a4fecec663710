"""A short run of schemathesis, the same cases each time; `make contract` is the long one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.stack import Stack
from tests.contract_runs.runs import ROOT, schemathesis
from tests.contract_runs.stack import contract_stack

SHORT = ("--phases", "examples,fuzzing,stateful", "--max-examples", "4", "--generation-deterministic")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with contract_stack(tmp_path_factory.mktemp("stack") / "log") as up:
        yield up


@pytest.mark.timeout(180)  # it takes 15 s, on a machine that does nothing else
def test_the_local_stack_keeps_to_the_contract(stack: Stack, tmp_path: Path) -> None:
    verdict = schemathesis(stack.url, tmp_path, *SHORT)
    assert verdict.passed, verdict.printed
    assert verdict.failures == []
    assert verdict.report["operations"]["tested"] == verdict.report["operations"]["total"]
    assert verdict.report["test_cases"]["generated"] > 100
    assert stack.simulator is not None
    assert stack.simulator.complaints == []
    assert stack.simulator.posts > 10


LIST = ("listVideos", "GET /v1/videos", "coverage")
STREAM = ("createChatCompletion", "POST /v1/chat/completions", "examples")


@pytest.mark.parametrize(
    ("asked", "promised", "instead", "found"),
    [
        (LIST, "maximum: 100, default: 20", "maximum: 50, default: 20", "Schema-violating request accepted"),
        (LIST, "maximum: 100, default: 20", "maximum: 200, default: 20", "Schema-valid request rejected"),
        (LIST, "enum: [list]}", "enum: [page]}", "Response violates schema"),
        (STREAM, "enum: [chat.completion.chunk]}", "enum: [piece]}", "SSE event violates schema"),
    ],
)
def test_a_contract_that_promises_something_else_is_found_out(
    stack: Stack, tmp_path: Path, asked: tuple[str, str, str], promised: str, instead: str, found: str
) -> None:
    operation, label, phase = asked
    text = (ROOT / "openapi.yaml").read_text()
    assert promised in text
    drifted = tmp_path / "openapi.yaml"
    drifted.write_text(text.replace(promised, instead))
    options = ("--include-operation-id", operation, "--phases", phase, "--generation-deterministic")
    verdict = schemathesis(stack.url, tmp_path, *options, contract=drifted)
    assert not verdict.passed
    assert verdict.failures == [f"{found}: {label}"]
