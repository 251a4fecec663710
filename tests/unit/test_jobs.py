"""The life of a record: every phase met by every fact, and what holds whatever comes in whatever order."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelay.jobs import (
    ASK_SECONDS,
    OPEN,
    PROGRESS_SECONDS,
    QUEUE_LEASE_SECONDS,
    QUEUE_SECONDS,
    TRIES,
    TRY_AGAIN_MOST_SECONDS,
    TRY_AGAIN_SECONDS,
    Archived,
    Claimed,
    Fact,
    Finished,
    GivenUp,
    InDoubt,
    Overdue,
    Posting,
    Progressed,
    Refused,
    Relabelled,
    Released,
    Requeued,
    Step,
    due,
    next_step,
)
from reelay.model import Media, MediaKind, Phase, Problem, Record

NOW = 1_795_510_800
TASK = "task_01k7e5w9z5f2d91pekrqy59rwc"
PROBLEM = Problem("words", "upstream_error", None, "upstream_error", 502, charged=True)
FREE = replace(PROBLEM, code="rate_limit_exceeded", status=429, charged=False)
COMPLETION = {"id": "chatcmpl-x", "choices": []}
MEDIA = (Media(MediaKind.VIDEO, "https://example.com/a.mp4", key="k"),)
RECORD = Record(id="01k9zzzzzzzzzzzzzzzzzzzzzz", tenant="a" * 32, created=NOW, updated=NOW, model="sora-2", stream=True)
JOB = replace(RECORD, phase=Phase.QUEUED, by_worker=True)
SEEN_TASK = Progressed(task_id=TASK, status="queued")
BUSY = Refused(FREE, passes=True)

FACTS: dict[str, Fact] = {
    "claimed": Claimed(NOW + 900),
    "released": Released(),
    "requeued": Requeued(),
    "posting": Posting(),
    "progressed": Progressed(status="queued"),
    "seen task": SEEN_TASK,
    "finished": Finished(COMPLETION),
    "refused": Refused(PROBLEM),
    "busy": BUSY,
    "in doubt": InDoubt(PROBLEM),
    "given up": GivenUp(),
    "overdue": Overdue(),
    "archived": Archived(MEDIA),
    "relabelled": Relabelled({"a": "b"}),
}

# A worker's first try of a record whose lease has run out; what is not named leaves the phase as it is.
MOVES: dict[Phase, dict[str, Phase]] = {
    Phase.QUEUED: {"claimed": Phase.CLAIMED},
    Phase.CLAIMED: {"released": Phase.QUEUED, "posting": Phase.SENDING},
    Phase.SENDING: {
        "claimed": Phase.UNKNOWN,
        "seen task": Phase.ACCEPTED,
        "finished": Phase.COMPLETED,
        "refused": Phase.FAILED,
        "busy": Phase.QUEUED,
        "in doubt": Phase.UNKNOWN,
        "given up": Phase.UNKNOWN,
        "overdue": Phase.UNKNOWN,
    },
    Phase.ACCEPTED: {
        "claimed": Phase.UNKNOWN,
        "finished": Phase.COMPLETED,
        "refused": Phase.FAILED,
        "busy": Phase.FAILED,
        "in doubt": Phase.UNKNOWN,
        "given up": Phase.UNKNOWN,
        "overdue": Phase.UNKNOWN,
    },
    Phase.RECONCILING: {
        "finished": Phase.COMPLETED,
        "refused": Phase.FAILED,
        "busy": Phase.FAILED,
        "in doubt": Phase.UNKNOWN,
        "given up": Phase.UNKNOWN,
        "overdue": Phase.UNKNOWN,
    },
    Phase.COMPLETED: {},
    Phase.FAILED: {},
    Phase.UNKNOWN: {"finished": Phase.COMPLETED},
}

CLAIM = (Phase.QUEUED, "claimed")

# The same where the job's name is known and it may still be asked after: only doubt ends elsewhere.
ASKING: dict[Phase, dict[str, Phase]] = {
    **MOVES,
    Phase.SENDING: {
        **MOVES[Phase.SENDING],
        **dict.fromkeys(("claimed", "in doubt", "overdue"), Phase.RECONCILING),
        "progressed": Phase.ACCEPTED,
    },
    Phase.ACCEPTED: {
        **MOVES[Phase.ACCEPTED],
        **dict.fromkeys(("claimed", "in doubt", "overdue"), Phase.RECONCILING),
    },
    Phase.RECONCILING: {
        **MOVES[Phase.RECONCILING],
        **dict.fromkeys(("in doubt", "overdue"), Phase.RECONCILING),
    },
}

# The same while the lease runs: only a queued job can be taken in hand, and nothing is taken for left behind.
HELD: dict[Phase, dict[str, Phase]] = {
    phase: {
        name: after for name, after in moves.items() if (phase, name) == CLAIM or name not in ("claimed", "overdue")
    }
    for phase, moves in MOVES.items()
}


def cells() -> list[tuple[Phase, str]]:
    return [(phase, name) for phase in Phase for name in FACTS]


@pytest.mark.parametrize(("phase", "name"), cells())
def test_each_phase_meets_each_fact(phase: Phase, name: str) -> None:
    record = replace(JOB, phase=phase, tries=1, lease=NOW)
    assert next_step(record, FACTS[name], NOW).record.phase is MOVES[phase].get(name, phase)


@pytest.mark.parametrize(("phase", "name"), cells())
def test_each_phase_meets_each_fact_while_the_job_may_be_asked_after(phase: Phase, name: str) -> None:
    record = replace(JOB, phase=phase, tries=1, lease=NOW, task_id=TASK, ask_until=NOW + 1)
    assert next_step(record, FACTS[name], NOW).record.phase is ASKING[phase].get(name, phase)


@pytest.mark.parametrize(("phase", "name"), cells())
def test_each_phase_meets_each_fact_while_it_is_in_somebodys_hands(phase: Phase, name: str) -> None:
    record = replace(JOB, phase=phase, tries=1, lease=NOW + 1)
    assert next_step(record, FACTS[name], NOW).record.phase is HELD[phase].get(name, phase)


@pytest.mark.parametrize(("phase", "name"), cells())
def test_what_changes_the_record_is_written_and_nothing_else_but_progress_alone(phase: Phase, name: str) -> None:
    record = replace(JOB, phase=phase, tries=1, lease=NOW + 1)
    step = next_step(record, FACTS[name], NOW)
    alone = name in ("progressed", "seen task") and step.record.lease == record.lease and step.record.phase is phase
    assert step.write == (step.record != record and not alone)


def test_a_record_ends_at_a_time_and_only_once() -> None:
    unknown = next_step(RECORD, InDoubt(PROBLEM), NOW + 1).record
    assert (unknown.finished, unknown.status) == (NOW + 1, "failed")
    assert next_step(unknown, Finished(COMPLETION), NOW + 9).record.finished == NOW + 1
    assert next_step(RECORD, SEEN_TASK, NOW + 1).record.finished == 0


# ── Leases and tries ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("phase", Phase)
def test_whoever_takes_a_record_in_hand_holds_it_alone(phase: Phase) -> None:
    record = replace(JOB, phase=phase, lease=NOW, task_id=TASK, ask_until=NOW + 3600)
    held = next_step(record, Claimed(NOW + 900), NOW)
    assert (held.write, held.record.lease) == (True, NOW + 900)
    assert not due(held.record, NOW + 899)
    assert next_step(held.record, Claimed(NOW + 1800), NOW + 899) == Step(held.record, write=False)
    assert next_step(held.record, Claimed(NOW + 1800), NOW + 900).record.lease == NOW + 1800


def test_a_try_counts_when_it_begins_and_not_when_it_could_not() -> None:
    first = next_step(JOB, Claimed(NOW + 900), NOW).record
    assert first.tries == 1
    assert next_step(first, Released(), NOW).record.tries == 0
    assert next_step(first, Claimed(NOW + 1800), NOW + 900).record.tries == 1, "its worker died before it began"


def test_a_job_that_was_released_waits_in_the_queue_as_a_new_one_does() -> None:
    released = next_step(next_step(JOB, Claimed(NOW + 900), NOW).record, Released(), NOW + 5).record
    assert (released.phase, released.lease) == (Phase.QUEUED, NOW + 5 + QUEUE_LEASE_SECONDS)
    assert next_step(released, Requeued(), NOW + 9).record.lease == NOW + 9 + QUEUE_LEASE_SECONDS


def test_a_busy_upstream_is_left_alone_longer_each_time_and_tried_five_times_at_most() -> None:
    record, pauses, now = JOB, [], NOW
    for _ in range(TRIES):
        now = max(now, record.not_before)
        record = next_step(record, Claimed(now + 900), now).record
        record = next_step(next_step(record, Posting(), now).record, BUSY, now).record
        pauses.append(record.not_before - now)
        assert next_step(record, Claimed(now + 900), now).write is (
            record.phase is Phase.FAILED and now >= record.lease
        )
    assert pauses[:-1] == [TRY_AGAIN_SECONDS * 2**n for n in range(TRIES - 1)]
    assert (record.phase, record.tries, record.problem) == (Phase.FAILED, TRIES, FREE)


def test_an_upstream_that_asks_to_be_left_alone_longer_is() -> None:
    sending = replace(JOB, phase=Phase.SENDING, tries=1)
    waiting = next_step(sending, Refused(FREE, passes=True, wait=300), NOW).record
    assert (waiting.phase, waiting.status, waiting.lease) == (Phase.QUEUED, "queued", NOW + 300)
    assert next_step(sending, Refused(FREE, passes=True, wait=3), NOW).record.lease == NOW + TRY_AGAIN_SECONDS
    assert max(TRY_AGAIN_SECONDS * 2 ** (TRIES - 2), 300) <= TRY_AGAIN_MOST_SECONDS


def test_no_upstream_keeps_a_job_from_ever_being_looked_at_again() -> None:
    """Retry-After may have nine digits; a job is given up after a day, but only by somebody who looks at it."""
    sending = replace(JOB, phase=Phase.SENDING, tries=1)
    waiting = next_step(sending, Refused(FREE, passes=True, wait=999_999_999), NOW).record
    assert waiting.lease <= JOB.created + QUEUE_SECONDS


@pytest.mark.parametrize(
    "record",
    [
        replace(JOB, phase=Phase.SENDING, tries=TRIES),
        replace(JOB, phase=Phase.SENDING, tries=1, by_worker=False),
        replace(JOB, phase=Phase.ACCEPTED, tries=1, task_id=TASK),
    ],
    ids=["the last try", "the caller's own key", "a job that had begun"],
)
def test_a_refusal_that_passes_is_final_for(record: Record) -> None:
    assert next_step(record, BUSY, NOW).record.phase is Phase.FAILED


def test_what_may_have_been_charged_is_never_tried_again() -> None:
    sending = replace(JOB, phase=Phase.SENDING, tries=1)
    assert next_step(sending, Refused(PROBLEM, passes=True), NOW).record.phase is Phase.FAILED


@pytest.mark.parametrize("phase", [Phase.QUEUED, Phase.CLAIMED])
def test_a_job_that_nobody_began_within_a_day_fails_unpaid(phase: Phase) -> None:
    record = replace(JOB, phase=phase, lease=NOW)
    assert next_step(record, Claimed(NOW + QUEUE_SECONDS + 99), NOW + QUEUE_SECONDS - 1).record.phase is Phase.CLAIMED
    late = next_step(record, Claimed(NOW + QUEUE_SECONDS + 99), NOW + QUEUE_SECONDS).record
    assert (late.phase, late.lease, late.finished) == (Phase.FAILED, NOW + QUEUE_SECONDS + 99, NOW + QUEUE_SECONDS)
    assert late.problem
    assert (late.problem.code, late.problem.charged) == ("not_begun", False)


def test_a_job_is_asked_after_every_now_and_then_until_asking_ends() -> None:
    accepted = replace(RECORD, phase=Phase.ACCEPTED, task_id=TASK, ask_until=NOW + 100)
    doubted = next_step(accepted, InDoubt(PROBLEM), NOW).record
    assert (doubted.phase, doubted.lease, doubted.finished) == (Phase.RECONCILING, NOW + ASK_SECONDS, 0)
    asked = next_step(next_step(doubted, Claimed(NOW + 900), NOW + 30).record, Progressed(), NOW + 31)
    assert (asked.write, asked.record.lease) == (True, NOW + 31 + ASK_SECONDS)
    assert next_step(asked.record, Overdue(), NOW + 99).record.phase is Phase.RECONCILING
    ended = next_step(asked.record, Overdue(), NOW + 100).record
    assert (ended.phase, ended.problem) == (Phase.UNKNOWN, PROBLEM)


# ── Facts that come twice, or late ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["finished", "refused", "busy", "in doubt", "given up"])
@pytest.mark.parametrize("phase", [Phase.SENDING, Phase.ACCEPTED, Phase.RECONCILING])
def test_a_verdict_that_is_kept_twice_is_the_same_verdict(phase: Phase, name: str) -> None:
    """Where the answer to its first write got lost, the journal writes it again onto its own revision."""
    record = replace(JOB, phase=phase, tries=1, lease=NOW)
    once = next_step(record, FACTS[name], NOW).record
    assert next_step(once, FACTS[name], NOW + 1) == Step(once, write=False)


def test_a_completed_record_keeps_its_first_completion() -> None:
    completed = next_step(RECORD, Finished(COMPLETION), NOW).record
    assert next_step(completed, Finished({"id": "other"}), NOW).record.completion == COMPLETION


def test_a_late_answer_turns_doubt_into_a_completion_without_a_problem() -> None:
    unknown = next_step(RECORD, InDoubt(PROBLEM), NOW).record
    completed = next_step(unknown, Finished(COMPLETION), NOW).record
    assert (completed.phase, completed.problem, completed.completion) == (Phase.COMPLETED, None, COMPLETION)


def test_progress_alone_is_written_at_most_every_few_seconds() -> None:
    accepted = next_step(RECORD, SEEN_TASK, NOW).record
    fact = Progressed(status="in_progress", percent=36)
    assert not next_step(accepted, fact, NOW + PROGRESS_SECONDS - 1).write
    assert next_step(accepted, fact, NOW + PROGRESS_SECONDS).write


def test_progress_that_did_not_change_is_never_written() -> None:
    accepted = next_step(RECORD, SEEN_TASK, NOW).record
    assert not next_step(accepted, SEEN_TASK, NOW + 1000).write


def test_progress_never_goes_back() -> None:
    ahead = replace(RECORD, phase=Phase.ACCEPTED, progress=69)
    assert next_step(ahead, Progressed(percent=44, status="in_progress"), NOW + 60).record.progress == 69


def test_a_record_that_keeps_nothing_never_holds_content() -> None:
    secret = replace(RECORD, keeps=False)
    assert next_step(secret, Finished(COMPLETION), NOW).record.completion is None
    assert next_step(secret, Archived(MEDIA), NOW) == next_step(secret, Archived(()), NOW)
    failed = next_step(secret, InDoubt(replace(PROBLEM, message="its words", param="messages")), NOW).record
    assert failed.problem
    assert (failed.problem.param, failed.problem.code) == (None, PROBLEM.code)
    assert "its words" not in failed.problem.message


@pytest.mark.parametrize("phase", [Phase.SENDING, Phase.ACCEPTED])
def test_a_record_that_was_left_behind_names_its_job(phase: Phase) -> None:
    late = next_step(replace(RECORD, phase=phase, lease=NOW, task_id=TASK), Overdue(), NOW).record
    assert late.problem
    assert TASK in late.problem.message
    assert (late.problem.code, late.problem.charged) == ("outcome_unknown", True)


def test_metadata_and_media_change_in_any_phase() -> None:
    for phase in Phase:
        record = replace(RECORD, phase=phase)
        assert next_step(record, Relabelled({"a": "b"}), NOW).record.metadata == {"a": "b"}
        assert next_step(record, Archived(MEDIA), NOW).record.media == MEDIA


# ── Whatever comes ───────────────────────────────────────────────────────────────────────────────────────────────────

TIMES = st.integers(0, 2**40)
NAMES = st.none() | st.text(max_size=8)
PROBLEMS = st.builds(
    Problem, st.text(max_size=8), st.text(max_size=8), NAMES, NAMES, st.integers(400, 599), st.booleans()
)
MEDIAS = st.lists(st.builds(Media, st.sampled_from(MediaKind), st.text(max_size=8)), max_size=2).map(tuple)
LABELS = st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=2)

ANY_FACT: st.SearchStrategy[Fact] = st.one_of(
    st.builds(Claimed, TIMES),
    st.sampled_from([Released(), Requeued(), Posting(), GivenUp(), Overdue()]),
    st.builds(Progressed, NAMES, NAMES, st.integers(-1, 200)),
    st.builds(Finished, st.just(COMPLETION), NAMES, NAMES),
    st.builds(Refused, PROBLEMS, st.booleans(), st.integers(0, 10**9)),
    st.builds(InDoubt, PROBLEMS),
    st.builds(Archived, MEDIAS),
    st.builds(Relabelled, LABELS),
)

ANY_RECORD = st.builds(
    Record,
    id=st.just(RECORD.id),
    tenant=st.just(RECORD.tenant),
    created=TIMES,
    model=st.text(max_size=8),
    stream=st.booleans(),
    phase=st.sampled_from(Phase),
    rev=st.integers(0, 9),
    version=st.text(max_size=3),
    updated=TIMES,
    keeps=st.booleans(),
    metadata=LABELS,
    completion=st.none() | st.just(COMPLETION),
    problem=st.none() | PROBLEMS,
    task_id=NAMES,
    status=NAMES,
    progress=st.integers(0, 100),
    lease=TIMES,
    upstream_id=NAMES,
    media=MEDIAS,
    finished=TIMES,
    ask_until=TIMES,
    by_worker=st.booleans(),
    tries=st.integers(0, TRIES),
)

SENT = {Phase.SENDING, Phase.ACCEPTED, Phase.RECONCILING, Phase.UNKNOWN, Phase.COMPLETED}


def may_be_sent_again(record: Record, fact: Fact) -> bool:
    """The one way back: the upstream itself said that it took nothing, and the service pays."""
    free = isinstance(fact, Refused) and fact.passes and not fact.problem.charged
    return free and record.by_worker and record.phase is Phase.SENDING


@given(ANY_RECORD, ANY_FACT, st.floats(0, 2**40))
def test_any_record_meets_any_fact_at_any_time(record: Record, fact: Fact, now: float) -> None:
    step = next_step(record, fact, now)
    before, after = record.phase, step.record.phase
    assert (step.record.id, step.record.rev, step.record.version) == (record.id, record.rev, record.version)
    if before in (Phase.COMPLETED, Phase.FAILED):
        assert after is before
    if before is Phase.UNKNOWN:
        assert after in (Phase.UNKNOWN, Phase.COMPLETED)
    if after in (Phase.QUEUED, Phase.CLAIMED) and before in SENT:
        assert after is Phase.QUEUED
        assert may_be_sent_again(record, fact)
    if after is Phase.SENDING and before is not after:
        assert (before, fact) == (Phase.CLAIMED, Posting())
    if after is Phase.COMPLETED and before is not after:
        assert isinstance(fact, Finished)
        assert step.record.problem is None
    if step.record != record:
        assert step.record.updated == int(now)
    assert step.record.progress >= record.progress
    assert step.write <= (step.record != record)


@given(ANY_RECORD, TIMES, TIMES)
def test_a_claim_takes_all_or_nothing(record: Record, until: int, now: int) -> None:
    claimed = next_step(record, Claimed(until), now).record
    if record.phase is Phase.QUEUED or now >= record.lease:
        assert claimed.lease == until
    else:
        assert replace(claimed, lease=record.lease).phase is record.phase
        assert claimed.lease == record.lease


@given(ANY_RECORD, ANY_FACT, TIMES)
def test_what_is_not_to_be_kept_is_in_no_revision(record: Record, fact: Fact, now: int) -> None:
    after = next_step(replace(record, keeps=False, completion=None, media=()), fact, now).record
    assert (after.task_id, after.upstream_id, after.completion, after.media) == (None, None, None, ())
    assert after.problem is None or after.problem.param is None


@given(st.lists(st.tuples(ANY_FACT | st.sampled_from(list(FACTS.values())), st.integers(0, 4000)), max_size=60))
def test_a_job_is_posted_five_times_at_most_and_never_after_it_may_have_cost_money(moves: list[Any]) -> None:
    record, now, life = JOB, NOW, [JOB]
    for fact, seconds in moves:
        now += seconds
        record = next_step(record, fact, now).record
        life.append(record)
    posted = [
        at
        for at, (one, other) in enumerate(pairwise(life))
        if (one.phase, other.phase) == (Phase.CLAIMED, Phase.SENDING)
    ]
    touched = [at for at, each in enumerate(life) if each.phase in SENT - {Phase.SENDING}]
    assert len(posted) <= TRIES
    assert not touched or not posted or posted[-1] < touched[0]
    assert all(0 <= each.tries <= TRIES for each in life)
    assert all(bool(each.finished) == (each.phase not in OPEN) for each in life)
