"""The pause switch in a bucket."""

from __future__ import annotations

import pytest
from botocore.exceptions import ConnectTimeoutError

from reelay.errors import StoreFailed
from reelay.s3 import s3_client
from reelay.switch import KEY, PAUSE_SECONDS, S3Switch
from tests.fakes import FakeClock


@pytest.mark.usefixtures("aws_environment")
def test_the_switch_is_on_while_its_object_is_there_and_is_seen_within_its_time(bucket: str) -> None:
    client, clock = s3_client(), FakeClock()
    switch = S3Switch(client, bucket, clock)
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
    client, clock = s3_client(), FakeClock()
    known = S3Switch(client, bucket, clock)
    client.put_object(Bucket=bucket, Key=KEY)
    assert known.paused()

    def down(**_: object) -> None:
        raise ConnectTimeoutError(endpoint_url="s3")

    client.meta.events.register("before-send.s3.GetObject", down)
    clock.advance(PAUSE_SECONDS)
    assert known.paused()
    with pytest.raises(StoreFailed):
        S3Switch(client, bucket, clock).paused()
