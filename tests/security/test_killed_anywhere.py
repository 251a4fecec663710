"""Workers killed (SIGKILL) at every call of theirs in turn: at most one post, and the record says what is known."""

from __future__ import annotations

import json
import os
import time
from itertools import count

import pytest

from dev.simulator import Simulator
from reelay.archive import PART_BYTES
from reelay.job_messages import job_in
from reelay.model import Phase, Record
from reelay.s3 import s3_client
from tests.e2e.event_house import EventHouse
from tests.fakes import FakeClock
from tests.integration.fault_server import FaultServer, http, replies
from tests.integration.media_server import MediaServer, mp4, reply
from tests.security.dying_worker import Death, dies
from tests.security.store_doors import ask

ROUND_SECONDS = 1000
"""Longer than a worker holds a record, and than the sweep waits before it sends one again."""

ROUNDS = 5
"""Together longer than a job may wait for a worker."""

VIDEO = mp4(2 * PART_BYTES + 1)

PAID, UNPAID = 1, 0


@pytest.fixture
def clock() -> FakeClock:
    """Beginning now, because those who die live by the real time."""
    return FakeClock(time.time())


def queued(house: EventHouse, name: str) -> str:
    house.take_in(house.message(ask("sora-2"), name))
    (body,) = house.jobs()
    return body


def died(house: EventHouse, job: str, death: Death) -> bool:
    environment = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    return dies(house.house.settings, environment, house.batch(("j-1", job)), death)


def at_rest(house: EventHouse, clock: FakeClock, job: str) -> Record:
    """The record when its message has come again, and hours have passed, and the sweep and the workers with them."""
    assert house.work(job) == {"batchItemFailures": []}, "too early, so there is nothing to do"
    for _ in range(ROUNDS):
        clock.advance(ROUND_SECONDS)
        house.sweep()
        house.work_off()
    assert house.marks() == [], "nothing is left to do"
    named = job_in(job)
    return house.house.store.load(named.tenant, named.id)


@pytest.mark.case("killed")
@pytest.mark.usefixtures("aws_environment")
def test_a_worker_killed_after_any_call_pays_once_at_most_and_loses_nothing_it_knew(
    simulator: Simulator, bucket: str, clock: FakeClock
) -> None:
    """Once it reads the record, once it claimed it, between write-ahead and post, in mid-stream, and so on."""
    house = EventHouse(simulator, s3_client(), bucket, clock, status_url=simulator.origin + "/api/share/{task_id}")
    ends = []
    for turn in count():
        before, job = simulator.posts, queued(house, f"m-{turn}")
        killed = died(house, job, Death("after-call", turn))
        record = at_rest(house, clock, job)
        if record.phase is Phase.UNKNOWN:
            assert record.problem is not None
            assert (record.problem.code, record.problem.charged) == ("outcome_unknown", True)
        else:
            assert all(media.archived for media in record.media)
        ends.append((simulator.posts - before, record.phase))
        if not killed:
            break
    assert ends[:2] == [(PAID, Phase.COMPLETED)] * 2, "before and after the claim"
    assert ends.count((UNPAID, Phase.UNKNOWN)) == 1, "between write-ahead and post"
    assert ends.count((PAID, Phase.UNKNOWN)) <= 1, "until the job's name is kept, nobody can be asked after it"
    assert set(ends) <= {(PAID, Phase.COMPLETED), (PAID, Phase.UNKNOWN), (UNPAID, Phase.UNKNOWN)}
    assert len(ends) > 10


def told(text: str) -> bytes:
    """An upstream's whole answer."""
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "sora-2"}
    frame = {**chunk, "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": "stop"}]}
    body = f"data: {json.dumps(frame)}\n\ndata: [DONE]\n\n".encode()
    return http("200 OK", body, Content_Type="text/event-stream")


@pytest.mark.case("killed")
@pytest.mark.usefixtures("aws_environment")
@pytest.mark.parametrize("operation", ["CreateMultipartUpload", "UploadPart"])
def test_a_worker_killed_in_a_multipart_upload_leaves_no_object_and_the_next_one_copies_the_video_whole(
    simulator: Simulator, bucket: str, clock: FakeClock, operation: str
) -> None:
    with MediaServer() as host, FaultServer(replies(told(f"[▶️]({host.url('/a.mp4', reply(VIDEO))})"))) as upstream:
        changes = {"upstream_base_url": upstream.url, "media_trusted_origins": frozenset({host.origin})}
        house = EventHouse(simulator, s3_client(), bucket, clock, **changes)
        job = queued(house, "m-1")
        assert died(house, job, Death("after-call", 0, operation))
        assert not [key for key in house.objects() if "/media/" in key]
        record = at_rest(house, clock, job)
        assert (record.phase, len(upstream.posts)) == (Phase.COMPLETED, 1)
    (media,) = record.media
    assert media.key in house.objects()
    assert house.s3.get_object(Bucket=bucket, Key=str(media.key))["Body"].read() == VIDEO
    (left,) = house.s3.list_multipart_uploads(Bucket=bucket)["Uploads"]
    assert left["Key"] != media.key, "the bucket's lifecycle rule ends it"
