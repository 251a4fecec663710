"""The worker: one record, one who does it, and never a second post that may cost money."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from reelay.aftercare import Aftercare, Means
from reelay.errors import (
    KeyUnavailable,
    StoreFailed,
    UpstreamBroken,
    UpstreamBusy,
    UpstreamRefused,
    UpstreamSilent,
    UpstreamUnreachable,
)
from reelay.jobs import (
    ASK_SECONDS,
    QUEUE_LEASE_SECONDS,
    QUEUE_SECONDS,
    TRIES,
    TRY_AGAIN_MOST_SECONDS,
    TRY_AGAIN_SECONDS,
    Claimed,
    Posting,
    Progressed,
    Refused,
    next_step,
)
from reelay.journal import Journal
from reelay.model import Data, End, Failed, Head, Invocation, Job, Media, Notice, Outgoing, Phase, Problem, Record, Told
from reelay.relay import FINISH_RESERVE_SECONDS, KEEP_RESERVE_SECONDS, LEASE_MARGIN_SECONDS
from reelay.spending import Spending
from reelay.worker import Tools, Worker
from tests.fakes import (
    NOON,
    FakeArchive,
    FakeBus,
    FakeClock,
    FakeDrops,
    FakeExchange,
    FakeKeys,
    FakeQueue,
    FakeStatuses,
    FakeStore,
    FakeSwitch,
    FakeTelemetry,
    FakeUpstream,
    Silence,
    new_record,
)

HEAD = Head(200, {"content-type": "text/event-stream"})
DONE = Data(b"data: [DONE]\n\n")
VIDEO = "https://files.example/a.mp4"
TASK = "task_01k7e5w9z5f2d91pekrqy59rwc"
SECRET = "the caller's own words"
SECONDS = 900
LATER = int(NOON) + SECONDS + LEASE_MARGIN_SECONDS
PROBLEM = Problem("It broke.", "upstream_error", None, "outcome_unknown", 502, charged=True)
BUSY = Failed(UpstreamBusy("later", retry_after=10))


def chunk(content: str | None = None, finish: str | None = None) -> Data:
    delta = {} if content is None else {"content": content}
    payload = {"id": "up-1", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return Data(b"data: " + json.dumps(payload).encode() + b"\n\n")


ANSWER = (HEAD, chunk(f"> ID: `{TASK}`\n"), chunk(f"[▶️ watch]({VIDEO})", "stop"), DONE, End())
CUT = (HEAD, chunk(f"> ID: `{TASK}`\n"), End())


def job(**fields: Any) -> Record:
    """A record as the intake makes it."""
    request = {"model": "sora-2", "messages": [{"role": "user", "content": SECRET}], "stream": False, "seed": 7}
    waiting = {"phase": Phase.QUEUED, "status": "queued", "by_worker": True, "lease": int(NOON) + QUEUE_LEASE_SECONDS}
    return new_record(**{**waiting, "request": request, **fields})


class Shop:
    """A worker over fakes, and one record. Each of `scripts` is what the next post meets."""

    def __init__(
        self, record: Record, *scripts: tuple[Any, ...], asks: bool = True, store: FakeStore | None = None
    ) -> None:
        self.clock = FakeClock()
        self.store = store or FakeStore()
        self.telemetry = FakeTelemetry()
        self.archive, self.queue, self.bus, self.drops = FakeArchive(), FakeQueue(), FakeBus(), FakeDrops()
        self.keys, self.statuses = FakeKeys(), FakeStatuses()
        self.upstream = FakeUpstream(*(FakeExchange(self.clock, *script) for script in scripts))
        means = Means(self.store, self.archive, self.clock, self.telemetry, self.queue, self.bus, self.drops)
        self.aftercare = Aftercare(means)
        self.switch = FakeSwitch()
        self.tools = Tools(
            self.upstream, self.store, self.keys, self.aftercare, Spending(self.switch), self.clock, self.telemetry,
            self.statuses if asks else None,
        )  # fmt: skip
        self.job = Job(record.tenant, record.id)
        self.store.watch(record)
        self.store.create(record)

    def work(self) -> None:
        Worker(self.tools).work(self.job, Invocation(self.clock.monotonic() + SECONDS, live=False))

    @property
    def record(self) -> Record:
        return self.store.load(self.job.tenant, self.job.id)

    @property
    def phase(self) -> Phase:
        return self.record.phase

    @property
    def posts(self) -> list[Outgoing]:
        return self.upstream.posts

    @property
    def over(self) -> bool:
        return not self.store.open

    def told(self) -> list[str]:
        return [event.notice for event in self.bus.events]


def over(shop: Shop, store: Any) -> Tools:
    """The shop's tools over another store."""
    means = Means(store, shop.archive, shop.clock, shop.telemetry, shop.queue, shop.bus, shop.drops)
    return replace(shop.tools, store=store, aftercare=Aftercare(means))


# ── A job ────────────────────────────────────────────────────────────────────────────────────────────────────────────


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


def test_a_job_in_hand_is_held_until_its_invocation_must_be_over() -> None:
    seen: list[tuple[Phase, int]] = []
    shop: Shop = Shop(job(), (lambda: seen.append((shop.phase, shop.record.lease)), *ANSWER))
    shop.work()
    assert seen == [(Phase.SENDING, LATER)], "written ahead, before anything is read"


def test_a_second_worker_in_the_middle_of_it_does_nothing() -> None:
    seen: list[Phase] = []

    def rival() -> None:
        shop.work()
        seen.append(shop.phase)

    shop: Shop = Shop(job(), (rival, HEAD, ANSWER[1], rival, *ANSWER[2:4], rival, End()))
    shop.work()
    assert seen[:2] == [Phase.SENDING, Phase.ACCEPTED]
    assert (len(shop.posts), shop.phase) == (1, Phase.COMPLETED)


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("left", [False, True])
def test_each_phase_in_and_out_of_other_hands(phase: Phase, left: bool) -> None:
    """What `left` behind was is done by whoever comes; what is held is not touched, but for a job that waits."""
    ended = {} if phase in (Phase.QUEUED, Phase.CLAIMED, Phase.SENDING, Phase.ACCEPTED) else {"problem": PROBLEM}
    record = job(phase=phase, lease=int(NOON) + (0 if left else 1), tries=int(phase is not Phase.QUEUED), **ended)
    shop = Shop(record, ANSWER)
    before = shop.record
    shop.work()
    if phase is Phase.QUEUED or (left and phase is Phase.CLAIMED):
        assert (len(shop.posts), shop.phase, shop.record.tries, shop.over) == (1, Phase.COMPLETED, 1, True)
    elif left:
        doubt = phase in (Phase.SENDING, Phase.ACCEPTED, Phase.RECONCILING)
        assert (shop.posts, shop.over) == ([], True)
        assert shop.phase is (Phase.UNKNOWN if doubt else phase)
        assert shop.told() == [Notice.COMPLETED if phase is Phase.COMPLETED else Notice.FAILED]
    else:
        assert (shop.posts, shop.record, shop.told(), shop.over) == ([], before, [], False)


class Rivalled(FakeStore):
    """Somebody else writes the record just before the save number `at`."""

    def __init__(self, at: int, rival: Callable[[Record], Record]) -> None:
        super().__init__()
        self.saves = 0
        self._at, self._rival = at, rival

    def save(self, record: Record) -> Record:
        self.saves += 1
        if self.saves == self._at:
            there = self.load(record.tenant, record.id)
            super().save(self._rival(there))
        return super().save(record)


@pytest.mark.parametrize("at", [1, 2])
def test_of_two_who_take_it_in_hand_the_slower_one_stops(at: int) -> None:
    """Between load and claim, and between claim and write-ahead."""
    rivalled = Rivalled(at, lambda there: replace(there, phase=Phase.CLAIMED, lease=LATER))
    shop = Shop(job(), ANSWER, store=rivalled)
    shop.work()
    assert (shop.posts, shop.phase) == ([], Phase.CLAIMED)


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


# ── The key ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_a_key_the_job_waits_and_its_message_comes_again() -> None:
    shop = Shop(job(), ANSWER)
    shop.keys.broken = True
    for _ in range(3):
        with pytest.raises(KeyUnavailable):
            shop.work()
        assert (shop.posts, shop.phase, shop.record.tries, shop.over) == ([], Phase.QUEUED, 0, False)
    shop.keys.broken = False
    shop.work()
    assert (len(shop.posts), shop.phase) == (1, Phase.COMPLETED)


def test_a_key_that_is_not_taken_is_read_anew_and_the_job_tried_again() -> None:
    refused = (Failed(UpstreamRefused("invalid key", status=401, code="invalid_api_key")),)
    shop = Shop(job(), refused, ANSWER)
    shop.work()
    assert (shop.keys.refusals, shop.phase) == (1, Phase.QUEUED)
    assert shop.queue.sent == [(shop.job, 31)]
    assert ("ServiceKeyRefused", 1, "Count") in shop.telemetry.counts
    assert shop.telemetry.counts.count(("PaidCalls", 1, "Count")) == 1
    shop.keys.value = "sk-new"
    shop.clock.advance(31)
    shop.work()
    assert [post.headers["Authorization"] for post in shop.posts] == ["Bearer sk-service", "Bearer sk-new"]
    assert shop.phase is Phase.COMPLETED


def test_a_key_that_is_never_taken_is_the_services_fault_and_cost_nothing() -> None:
    shop = Shop(job(), *[(Failed(UpstreamRefused("sk-service is invalid", status=401)),)] * TRIES)
    for _ in range(TRIES):
        shop.work()
        shop.clock.advance(TRY_AGAIN_MOST_SECONDS)
    assert (len(shop.posts), shop.phase, shop.keys.refusals, shop.over) == (TRIES, Phase.FAILED, TRIES, True)
    problem = shop.record.problem
    assert problem
    assert (problem.status, problem.code, problem.charged) == (502, "upstream_auth", False)
    assert "sk-service" not in problem.message


# ── An upstream that says no ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("error", [UpstreamBusy("later"), UpstreamUnreachable("no such host")], ids=type)
def test_what_cost_nothing_and_passes_is_tried_five_times_with_growing_pauses(error: Any) -> None:
    shop = Shop(job(), *[(Failed(error),)] * (TRIES + 1))
    delays = []
    for _ in range(TRIES + 3):
        shop.work()
        delays += [delay for _, delay in shop.queue.sent]
        shop.queue.sent.clear()
        shop.clock.advance(delays[-1])
    assert (delays, len(shop.posts)) == ([31, 61, 121, 241], TRIES)
    assert (shop.phase, shop.told(), shop.over) == (Phase.FAILED, [Notice.FAILED], True)


def test_an_upstream_that_asks_for_time_gets_it() -> None:
    shop = Shop(job(), (Failed(UpstreamBusy("later", retry_after=300)),))
    shop.work()
    assert shop.queue.sent == [(shop.job, 301)]


def test_a_queue_that_is_down_leaves_the_job_to_the_sweep() -> None:
    shop = Shop(job(), (BUSY,), ANSWER)
    shop.queue.broken = True
    shop.work()
    assert (shop.phase, shop.over) == (Phase.QUEUED, False)
    shop.clock.advance(TRY_AGAIN_SECONDS)
    shop.work()
    assert shop.phase is Phase.COMPLETED


@pytest.mark.parametrize(
    ("error", "phase"),
    [
        (UpstreamRefused("no", status=400), Phase.FAILED),
        (UpstreamRefused("no", status=403), Phase.FAILED),
        (UpstreamRefused("no such model", status=503, code="model_not_found"), Phase.FAILED),
        (UpstreamRefused("moderated", status=400, charged=True), Phase.FAILED),
        (UpstreamSilent("nothing came", charged=True), Phase.UNKNOWN),
        (UpstreamBroken("html", charged=True), Phase.UNKNOWN),
        (UpstreamRefused("408", status=408, charged=True), Phase.UNKNOWN),
        (RuntimeError("a defect"), Phase.UNKNOWN),
    ],
    ids=repr,
)
def test_what_does_not_pass_or_may_have_cost_money_is_never_posted_again(error: Exception, phase: Phase) -> None:
    shop = Shop(job(drop="inbox/a.json"), (Failed(error),))
    for _ in range(3):
        shop.work()
        shop.clock.advance(SECONDS + LEASE_MARGIN_SECONDS)
    assert (len(shop.posts), shop.phase, shop.queue.sent, shop.over) == (1, phase, [], True)
    assert shop.drops.answers["inbox/a.json"]["error"]["message"]


# ── A store that fails ───────────────────────────────────────────────────────────────────────────────────────────────


class Flaky:
    """A store of whose calls the number `at` fails, or all from there for as long as it is `down`; with `lost` it is
    done all the same, and only its answer got lost."""

    def __init__(self, store: FakeStore, at: int, *, lost: bool = False, down: bool = False) -> None:
        self.calls: list[str] = []
        self.down = down
        self._store, self._at, self._lost = store, at, lost

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._store, name)

        def called(*arguments: Any) -> Any:
            self.calls.append(name)
            fails = len(self.calls) == self._at or (self.down and len(self.calls) > self._at)
            done = method(*arguments) if self._lost or not fails else None
            if fails:
                raise StoreFailed("down")
            return done

        return called


def worked_until_over(shop: Shop) -> None:
    """By whoever the sweep sends, each after the lease of the one before."""
    for _ in range(9):
        if shop.over:
            return
        shop.clock.advance(QUEUE_LEASE_SECONDS)
        shop.work()
    raise AssertionError("it never comes to an end")


def calls_of(*scripts: tuple[Any, ...]) -> int:
    """How many calls to the store a run makes when nothing fails."""
    shop = Shop(job(), *scripts)
    store = Flaky(shop.store, 0)
    Worker(over(shop, store)).work(shop.job, Invocation(SECONDS, live=False))
    return len(store.calls)


@pytest.mark.parametrize("down", [False, True], ids=["once", "from there"])
@pytest.mark.parametrize("lost", [False, True], ids=["not done", "answer lost"])
@pytest.mark.parametrize("at", range(1, calls_of(ANSWER) + 1))
def test_a_store_that_fails_at_any_call_costs_no_second_post_and_no_result(at: int, lost: bool, down: bool) -> None:
    shop: Shop = Shop(job(drop="inbox/a.json"), (lambda: written.append(shop.phase), *ANSWER))
    written: list[Phase] = []
    store = Flaky(shop.store, at, lost=lost, down=down)
    try:
        Worker(over(shop, store)).work(shop.job, Invocation(SECONDS, live=False))
    except StoreFailed:
        assert shop.posts == [], "or the message must not come again"
    worked_until_over(shop)
    assert written in ([], [Phase.SENDING]), "no post before the write-ahead holds"
    assert (len(shop.posts), shop.phase) in ((1, Phase.COMPLETED), (0, Phase.UNKNOWN), (1, Phase.UNKNOWN))
    if not down:
        only_written_ahead = lost and store.calls[at - 1] == "save" and not shop.posts
        assert (shop.phase is Phase.UNKNOWN) == only_written_ahead
    notice = Notice.COMPLETED if shop.phase is Phase.COMPLETED else Notice.FAILED
    assert notice in shop.told()
    assert "inbox/a.json" in shop.drops.answers


@pytest.mark.parametrize("lost", [False, True], ids=["not done", "answer lost"])
@pytest.mark.parametrize("at", range(1, calls_of((BUSY,)) + 1))
def test_a_store_that_fails_at_any_call_leaves_a_job_that_cost_nothing_to_be_tried_again(at: int, lost: bool) -> None:
    shop = Shop(job(), (BUSY,), ANSWER)
    store = Flaky(shop.store, at, lost=lost)
    try:
        Worker(over(shop, store)).work(shop.job, Invocation(SECONDS, live=False))
    except StoreFailed:
        assert shop.posts == []
    worked_until_over(shop)
    if shop.posts:
        assert (len(shop.posts), shop.phase) == (2, Phase.COMPLETED)
    else:
        assert lost, "written ahead, and nobody knew"
        assert shop.phase is Phase.UNKNOWN


def test_a_verdict_of_an_earlier_try_is_none_of_a_later_ones() -> None:
    """A worker is told to wait, writes that, and never hears that it was written. Until it can write again another one
    has begun the job: whatever the first still owes, the second's request is on its way and is not posted a third
    time."""
    shop = Shop(job(phase=Phase.SENDING, tries=1, lease=LATER))
    store: Any = Flaky(shop.store, 1, lost=True)
    first = Journal(shop.record, store, shop.clock, shop.telemetry)
    first.settle(Refused(replace(PROBLEM, charged=False), passes=True))
    assert shop.phase is Phase.QUEUED
    shop.clock.advance(TRY_AGAIN_SECONDS)
    for fact in (Claimed(LATER + 99), Posting()):
        shop.store.save(next_step(shop.record, fact, shop.clock.now()).record)
    first.pay(SECONDS, SECONDS)
    first.close()
    assert (shop.phase, shop.record.tries) == (Phase.SENDING, 2)


def test_what_an_earlier_try_owes_does_not_replace_what_a_later_one_kept() -> None:
    shop = Shop(job(phase=Phase.SENDING, tries=1, lease=LATER))
    store: Any = Flaky(shop.store, 2, lost=True)
    first = Journal(shop.record, store, shop.clock, shop.telemetry)
    first.take(b'{"error": {"message": "busy"}}')
    first.settle(Refused(replace(PROBLEM, charged=False), passes=True))
    assert shop.phase is Phase.QUEUED
    shop.clock.advance(TRY_AGAIN_SECONDS)
    for fact in (Claimed(LATER + 99), Posting()):
        shop.store.save(next_step(shop.record, fact, shop.clock.now()).record)
    second = Journal(shop.record, shop.store, shop.clock, shop.telemetry)
    second.take(b"data: a whole answer")
    second.learn(Progressed("task_1"))
    second.note()
    first.pay(SECONDS, SECONDS)
    for journal in (first, second):
        journal.close()
    assert shop.store.transcripts[shop.record.id] == b"data: a whole answer"


def test_while_paid_calls_are_stopped_a_job_waits_for_the_sweep_and_costs_no_try() -> None:
    shop = Shop(job(), ANSWER)
    shop.switch.on = True
    shop.work()
    assert (shop.phase, shop.record.tries, shop.posts, shop.over) == (Phase.QUEUED, 0, [], False)
    assert shop.record.lease <= shop.clock.now()
    shop.switch.on = False
    shop.work()
    assert (shop.phase, len(shop.posts)) == (Phase.COMPLETED, 1)


def test_a_switch_that_cannot_be_read_stops_too() -> None:
    shop = Shop(job(), ANSWER)
    shop.switch.broken = True
    with pytest.raises(StoreFailed):
        shop.work()
    assert (shop.phase, shop.posts) == (Phase.QUEUED, [])


# ── Doubt ────────────────────────────────────────────────────────────────────────────────────────────────────────────

ASKING = {"ask_until": int(NOON) + 7200}


def asked_again(shop: Shop) -> None:
    """The message that the one before left behind comes, when it comes."""
    (_, delay) = shop.queue.sent.pop()
    assert delay == ASK_SECONDS + 1
    shop.clock.advance(delay)
    shop.work()


def test_a_cut_answer_is_asked_after_until_it_is_there() -> None:
    shop = Shop(job(**ASKING), CUT)
    shop.work()
    assert (shop.phase, shop.statuses.asked, shop.told(), shop.over) == (Phase.RECONCILING, [], [], False)
    asked_again(shop)
    shop.statuses.answers = {TASK: Told("in_progress", 36)}
    asked_again(shop)
    assert (shop.phase, shop.record.progress, shop.record.status) == (Phase.RECONCILING, 36, "in_progress")
    shop.statuses.answers = {TASK: Told("completed", 100, VIDEO)}
    asked_again(shop)
    assert (shop.phase, len(shop.posts), shop.over) == (Phase.COMPLETED, 1, True)
    assert [media.source for media in shop.record.media] == [VIDEO]
    assert shop.statuses.asked == [(TASK, "sora-2")] * 3
    assert shop.record.problem is None


def test_a_job_that_failed_elsewhere_has_failed() -> None:
    shop = Shop(job(**ASKING), CUT)
    shop.work()
    shop.statuses.answers = {TASK: Told("failed")}
    asked_again(shop)
    assert (shop.phase, shop.told(), shop.over, len(shop.posts)) == (Phase.FAILED, [Notice.FAILED], True, 1)


def test_a_job_that_nobody_knows_is_asked_after_for_as_long_as_that_is_worth_it() -> None:
    shop = Shop(job(**ASKING), CUT)
    shop.work()
    while not shop.over:
        asked_again(shop)
    assert (shop.phase, len(shop.posts), shop.queue.sent) == (Phase.UNKNOWN, 1, [])
    assert 200 < len(shop.statuses.asked) <= 7200 / (ASK_SECONDS + 1)
    assert shop.record.problem
    assert TASK in shop.record.problem.message
    assert sum(value for name, value, _ in shop.telemetry.counts if name == "OutcomeUnknown") == 1


@pytest.mark.parametrize(("asks", "ask_until"), [(False, ASKING["ask_until"]), (True, 0)], ids=["nobody", "never"])
def test_where_nobody_can_be_asked_doubt_stays_doubt(asks: bool, ask_until: int) -> None:
    shop = Shop(job(ask_until=ask_until), CUT, asks=asks)
    shop.work()
    worked_until_over(shop)
    assert (shop.phase, shop.statuses.asked, len(shop.posts)) == (Phase.UNKNOWN, [], 1)


def test_two_who_ask_at_once_ask_once() -> None:
    shop = Shop(job(**ASKING), CUT)
    shop.work()
    shop.clock.advance(ASK_SECONDS)
    shop.work()
    shop.work()
    assert len(shop.statuses.asked) == 1


@pytest.mark.parametrize("phase", [Phase.SENDING, Phase.ACCEPTED, Phase.RECONCILING, Phase.UNKNOWN])
@pytest.mark.parametrize("by_worker", [True, False])
def test_a_transcript_that_is_whole_is_the_answer_and_nobody_is_asked(phase: Phase, by_worker: bool) -> None:
    """Whoever read it died before the verdict; it may have been a caller's own relay."""
    record = job(phase=phase, by_worker=by_worker, lease=int(NOON), task_id=TASK, problem=PROBLEM, **ASKING)
    shop = Shop(record)
    shop.store.transcripts[record.id] = b"".join(seen.data for seen in ANSWER if isinstance(seen, Data))
    shop.work()
    assert (shop.phase, shop.record.problem, shop.statuses.asked, shop.posts) == (Phase.COMPLETED, None, [], [])
    assert [media.archived for media in shop.record.media] == [True]
    assert (shop.told(), shop.over) == ([Notice.COMPLETED, Notice.ARCHIVED], True)
    assert shop.store.transcripts[record.id].endswith(DONE.data), "and stays as it was"


@pytest.mark.parametrize("phase", [Phase.SENDING, Phase.ACCEPTED])
def test_a_job_that_was_left_behind_is_never_posted_again(phase: Phase) -> None:
    shop = Shop(job(phase=phase, lease=int(NOON), tries=1, task_id=TASK, **ASKING))
    shop.store.transcripts[shop.job.id] = chunk(f"> ID: `{TASK}`\n").data
    shop.work()
    assert (shop.phase, shop.statuses.asked) == (Phase.RECONCILING, [(TASK, "sora-2")])
    worked_until_over(shop)
    assert (shop.phase, shop.posts) == (Phase.UNKNOWN, [])
    assert sum(value for name, value, _ in shop.telemetry.counts if name == "OutcomeUnknown") == 1


def test_a_transcript_that_cannot_be_read_now_is_read_later() -> None:
    shop = Shop(job(phase=Phase.SENDING, lease=int(NOON), tries=1))
    shop.store.broken = {"transcript"}
    with pytest.raises(StoreFailed):
        shop.work()
    shop.store.broken = set()
    shop.store.transcripts[shop.job.id] = chunk("hi", "stop").data
    worked_until_over(shop)
    assert shop.phase is Phase.COMPLETED


# ── What is left to do ───────────────────────────────────────────────────────────────────────────────────────────────


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
