"""A job from its message to its end, and what is left to do after it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from reelay.aftercare import Aftercare, Means
from reelay.jobs import QUEUE_SECONDS
from reelay.model import End, Media, Notice, Phase, Record, Told
from reelay.relay import FINISH_RESERVE_SECONDS, KEEP_RESERVE_SECONDS, LEASE_MARGIN_SECONDS
from tests.fakes import NOON, FakeArchive, FakeStore, Silence
from tests.unit.worker.place import ANSWER, ASKING, HEAD, SECONDS, SECRET, TASK, VIDEO, Shop, asked_again, chunk, job


def test_a_job_is_posted_streamed_with_the_services_key_and_brought_to_its_end() -> None:
    shop = Shop(job(), ANSWER)
    shop.work()
    (post,) = shop.posts
    assert json.loads(post.body) == {**(job().request or {}), "stream": True}
    assert post.headers["Authorization"] == "Bearer sk-service"
    assert post.headers["Accept"] == "text/event-stream"
    assert shop.upstream.deadlines == [SECONDS - KEEP_RESERVE_SECONDS]
    assert (shop.phase, shop.record.task_id, shop.record.tries) == (Phase.COMPLETED, TASK, 1)
    assert shop.record.request == job().request, "what is kept is what was asked for"
    assert [media.archived for media in shop.record.media] == [True]
    assert (shop.told(), shop.over, shop.queue.sent) == ([Notice.COMPLETED, Notice.ARCHIVED], True, [])


def test_a_message_that_comes_again_finds_nothing_to_do() -> None:
    shop = Shop(job(), ANSWER)
    shop.work()
    kept = shop.record
    shop.work()
    assert (len(shop.posts), shop.record, shop.told()) == (1, kept, [Notice.COMPLETED, Notice.ARCHIVED])


def test_a_job_that_was_deleted_before_it_began_is_not_posted() -> None:
    class Deleting(FakeStore):
        def save(self, record: Record) -> Record:
            saved = super().save(record)
            if saved.phase is Phase.CLAIMED:
                self.delete(saved)
            return saved

    shop = Shop(job(), ANSWER, store=Deleting())
    shop.work()
    assert (shop.posts, shop.store.records, shop.told()) == ([], {}, [])


def test_a_message_for_a_record_that_is_gone_takes_its_mark_away() -> None:
    shop = Shop(job())
    shop.store.records.clear()
    shop.work()
    assert (shop.over, shop.posts) == (True, [])


def test_a_record_deleted_while_it_runs_leaves_nothing_behind() -> None:
    shop: Shop = Shop(job(drop="inbox/a.json"), (HEAD, ANSWER[1], lambda: shop.store.delete(shop.record), *ANSWER[2:]))
    shop.work()
    assert (len(shop.posts), shop.store.records, shop.store.transcripts, shop.over) == (1, {}, {}, True)
    assert (shop.told(), shop.archive.asked, shop.drops.answers) == ([], [], {})


def test_a_job_whose_request_is_gone_is_not_posted() -> None:
    """A deletion that S3 let fail halfway has taken a large request away and left the record."""
    shop = Shop(job(request=None), ANSWER)
    shop.work()
    assert shop.posts == []


def test_a_job_that_nobody_began_within_a_day_is_told_to_have_failed() -> None:
    shop = Shop(job(created=int(NOON) - QUEUE_SECONDS, drop="inbox/a.json"), ANSWER)
    shop.work()
    assert (shop.posts, shop.phase, shop.told(), shop.over) == ([], Phase.FAILED, [Notice.FAILED], True)
    assert shop.drops.answers["inbox/a.json"]["error"]["code"] == "not_begun"


def test_what_a_worker_left_undone_after_its_verdict_is_done_by_the_next() -> None:
    shop = Shop(job(drop="inbox/a.json"), ANSWER)
    shop.bus.broken, shop.drops.broken, shop.archive.refused = True, {"answer"}, {}
    shop.work()
    assert (shop.phase, shop.over, shop.told()) == (Phase.COMPLETED, False, [])
    shop.work()
    assert not shop.over, "it is still in the hands of the first"
    shop.bus.broken, shop.drops.broken = False, set()
    shop.clock.advance(SECONDS + LEASE_MARGIN_SECONDS)
    shop.work()
    assert (shop.told(), shop.over, len(shop.posts)) == ([Notice.COMPLETED, Notice.ARCHIVED], True, 1)
    assert "inbox/a.json" in shop.drops.answers


def test_media_are_copied_while_there_is_time() -> None:
    deadlines: list[float] = []

    class Timed(FakeArchive):
        def keep(self, record: Record, link: Any, deadline: float) -> Media:
            deadlines.append(deadline)
            return super().keep(record, link, deadline)

    shop = Shop(job(), (Silence(600), *ANSWER))
    means = Means(shop.store, Timed(), shop.clock, shop.telemetry, shop.queue, shop.bus, shop.drops)
    shop.tools = replace(shop.tools, aftercare=Aftercare(means))
    shop.work()
    assert deadlines == [SECONDS - FINISH_RESERVE_SECONDS]


def test_the_operator_learns_nothing_of_the_content() -> None:
    shop = Shop(job(**ASKING), (HEAD, chunk(f"> ID: `{TASK}`\n{SECRET}"), End()))
    shop.bus.broken = True
    shop.work()
    shop.statuses.answers = {TASK: Told("completed", 100, VIDEO)}
    asked_again(shop)
    said = repr((shop.telemetry.notes, shop.telemetry.alarms, shop.telemetry.counts))
    assert SECRET not in said
    assert VIDEO not in said
    assert "sk-service" not in said
