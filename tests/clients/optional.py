"""`make clients`: the lanes, each in an environment of its own, over one stack, and what v98store saw of them.

pytest collects this file only where it is named: what the lanes need is not in the environment of `make test`.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from dev.stack import Stack
from tests.clients.asks import TOOL, WITH_PICTURE, fresh_key
from tests.clients.paid import paid_for_failures, payments, sent

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LIMIT_SECONDS = 240
"""For a whole lane, most of it the import of the client on a cold disk."""

OFFLINE = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
"""LiteLLM would fetch a price list when it is imported."""


@pytest.mark.timeout(LIMIT_SECONDS + 30)
@pytest.mark.parametrize("lane", ["litellm", "langchain"])
def test_a_lane_passes_and_pays_once_for_what_it_asked(stack: Stack, lane: str) -> None:
    key = fresh_key()
    ran = subprocess.run(  # noqa: S603 - our own files
        [ROOT / f".venv-{lane}/bin/python", "-m", "pytest", "-q", "-c", HERE / "lanes/lane.ini",
         HERE / f"lanes/{lane}_lane.py"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "REELAY": stack.url, "KEY": key, **OFFLINE},
        cwd=ROOT,
        timeout=LIMIT_SECONDS,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    expected, paid = paid_for_failures(), payments(stack, key)
    assert {model: paid[model] for model in expected} == expected
    assert "never-sent" not in paid
    bodies = sent(stack, key)
    assert [body["tools"] for body in bodies if body["model"] == "sim-tools"] == [[TOOL]] * 3
    assert WITH_PICTURE in [message.get("content") for body in bodies for message in body["messages"]]
