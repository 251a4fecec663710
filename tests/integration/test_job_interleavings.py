"""Jobs under everything that can happen to them."""

from __future__ import annotations

import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.fakes import FakeClaims, FakeDrops, FakeStore
from tests.integration.interleavings.machine import JobsMachine, profile
from tests.integration.interleavings.world import Bucket


def fake_bucket() -> Bucket:
    drops = FakeDrops()

    def drop(key: str, data: bytes) -> str:
        drops.files[key] = (f"tag-{key}", data)
        return f"tag-{key}"

    return Bucket(FakeStore(), FakeClaims(), drops, drop)


class Faked(JobsMachine):
    empty_bucket = staticmethod(fake_bucket)


def test_fake():
    run_state_machine_as_test(Faked, settings=profile(300))
