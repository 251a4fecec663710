"""OpenAI's Node client: node/*.test.js under Node's own runner, and what v98store saw of them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from dev.stack import Stack
from tests.clients.asks import TOOL, fresh_key
from tests.clients.paid import paid_for_failures, payments, sent

HERE = Path(__file__).resolve().parent
PACKAGES = HERE.parents[1] / ".node/clients/node_modules"
LIMIT_SECONDS = 50
"""For all the files together; they take about five."""

NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(
    NODE is None and "CI" not in os.environ, reason="a machine without Node cannot run its client"
)


@pytest.fixture(scope="module")
def key() -> str:
    """What the keys of all of node's clients begin with."""
    return fresh_key()


@pytest.fixture(scope="module")
def ran(stack: Stack, key: str) -> subprocess.CompletedProcess[str]:
    """The run of all files."""
    assert NODE, "CI has to have Node"
    assert PACKAGES.is_dir(), "make test installs what Node needs"
    return subprocess.run(  # noqa: S603 - our own files
        [NODE, "--test", "--test-concurrency=1", *map(str, sorted(HERE.glob("node/*.test.js")))],
        env={**os.environ, "NODE_PATH": str(PACKAGES), "REELAY": stack.url, "KEY": key},
        timeout=LIMIT_SECONDS,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_test_of_node_passes(ran: subprocess.CompletedProcess[str]) -> None:
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.usefixtures("ran")
def test_no_failure_was_paid_twice_and_a_bad_request_was_not_sent(stack: Stack, key: str) -> None:
    paid = payments(stack, key)
    expected = paid_for_failures()
    expected["sim-stream-error"] += 1  # heard, and told again
    assert {model: paid[model] for model in expected} == expected
    assert set(paid) - set(expected) == {"sora-2", "sim-text", "sim-tools", "sim-no-link"}


@pytest.mark.usefixtures("ran")
def test_tools_and_their_results_arrived_as_they_were_given(stack: Stack, key: str) -> None:
    asked = [body for body in sent(stack, key) if body["model"] == "sim-tools"]
    assert [body["tools"] for body in asked] == [[TOOL]] * 4
    told = [message for body in asked for message in body["messages"] if message["role"] == "tool"]
    assert [message["content"] for message in told] == ["21 degrees"] * 2
