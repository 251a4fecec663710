"""`make smoke` against the local stack: it says what it costs, pays for no more, and fails where something is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from dev.simulator import Simulator
from dev.stack import LOCAL_KEY, Stack, running
from tests.contract.cloud import ROOT


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Simulator() as simulator, running(simulator=simulator) as up:
        yield up


def smoke(url: str, *words: str, key: str = LOCAL_KEY, says: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'layers/core'}", "KEY": key}
    return subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "dev.deploy.smoke", "--url", url, "--model", "gpt-4o-mini", *words],
        cwd=ROOT,
        env=environment,
        input=says,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("words", "paid"), [((), 1), (("--video",), 2)])
def test_it_pays_for_what_it_said_and_leaves_nothing_behind(stack: Stack, words: tuple[str, ...], paid: int) -> None:
    assert stack.simulator
    before = stack.simulator.posts
    ran = smoke(f"{stack.url}/v1", *words, says="y\n")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert stack.simulator.posts - before == paid
    assert "a chat completion of gpt-4o-mini" in ran.stdout
    assert ("a video of sora-2 is paid as well" in ran.stdout) is (paid == 2)
    assert LOCAL_KEY not in ran.stdout + ran.stderr
    listed = stack.s3.list_objects_v2(Bucket=stack.bucket, Prefix="kept/")
    assert "Contents" not in listed


@pytest.mark.parametrize("says", ["", "\n", "n\n"])
def test_without_a_yes_nothing_is_sent(stack: Stack, says: str) -> None:
    assert stack.simulator
    before = stack.simulator.posts
    ran = smoke(stack.url, says=says)
    assert (ran.returncode, stack.simulator.posts) == (1, before)
    assert "passed" not in ran.stdout


def test_a_key_that_is_not_let_in_fails_before_anything_is_paid(stack: Stack) -> None:
    assert stack.simulator
    before = stack.simulator.posts
    ran = smoke(stack.url, "--yes", key="rk-0000000000000000000000000000")
    assert (ran.returncode, stack.simulator.posts) == (1, before)
    assert "failed" in ran.stdout


@pytest.mark.parametrize("url", ["http://example.com/live", "example.com", "ftp://127.0.0.1/"])
def test_a_key_is_sent_to_https_or_to_this_machine_alone(url: str) -> None:
    ran = smoke(url, "--yes")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "no https address" in ran.stderr
