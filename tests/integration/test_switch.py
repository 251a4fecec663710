"""The pause switch in a bucket."""

from __future__ import annotations

import pytest

from reelay.errors import StoreFailed
from reelay.s3 import s3_client
from reelay.switch import KEY, PAUSE_SECONDS, S3Switch
from reelay.wiring import bucket_of
from tests.fakes import FakeClock
from tests.s3_tap import at_once, tap, unheard


@pytest.mark.usefixtures("aws_environment")
def test_the_switch_is_on_while_its_object_is_there_and_is_seen_within_its_time(bucket: str) -> None:
    client, kept, clock = s3_client(), bucket_of(bucket), FakeClock()
    switch = S3Switch(kept, clock)
    assert not switch.paused()
    client.put_object(Bucket=bucket, Key=KEY, Body=b"the budget is spent")
    assert not switch.paused(), "believed for a while, so that it costs no call each"
    clock.advance(PAUSE_SECONDS)
    assert switch.paused()
    client.delete_object(Bucket=bucket, Key=KEY)
    clock.advance(PAUSE_SECONDS)
    assert not switch.paused()


@pytest.mark.case("pause")
@pytest.mark.usefixtures("aws_environment")
def test_without_an_answer_what_was_known_counts_and_without_that_nothing_is_paid(bucket: str) -> None:
    client, kept, clock = s3_client(), at_once(bucket_of(bucket)), FakeClock()
    known = S3Switch(kept, clock)
    client.put_object(Bucket=bucket, Key=KEY)
    assert known.paused()

    tap(kept, lambda attempt, _: unheard(attempt))
    clock.advance(PAUSE_SECONDS)
    assert known.paused()
    with pytest.raises(StoreFailed):
        S3Switch(kept, clock).paused()
