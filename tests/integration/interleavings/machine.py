"""Hypothesis chooses what happens in a world: who comes when, what befalls whom, and in which order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.integration.interleavings.books import Source, Wish
from tests.integration.interleavings.processes import Doing, Meanwhile, Trouble, Troubles
from tests.integration.interleavings.promises import unkept
from tests.integration.interleavings.upstream import FREE, Outcome, Word
from tests.integration.interleavings.world import Bucket, World

WISHES = 3
"""In one world: enough to be mixed up, few enough for much to happen to each."""

STEPS = 12
"""Of one world, before it comes to rest."""

VERDICT_CALLS = 12
CALLS = 30
"""How many calls of its ports a run makes at most up to a short answer's verdict, and in all. Most of what can go wrong
does so before the one, and one trouble after another: they come in a row."""


def profile(examples: int, *, derandomize: bool = True) -> settings:
    """So many worlds, the same ones each time unless it is not to be so."""
    return settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        derandomize=derandomize,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )


def _in_a_row(first: int, row: list[Trouble | Meanwhile]) -> Troubles:
    return dict(enumerate(row, first))


_CALL = st.integers(1, VERDICT_CALLS) | st.integers(1, CALLS)
_ALONE = st.builds(_in_a_row, _CALL, st.lists(st.sampled_from(Trouble), max_size=1))
_RIVAL = st.builds(Meanwhile, st.sampled_from(Doing), _ALONE)
_AT_WORK = st.builds(Meanwhile, st.just(Doing.WORK), _ALONE)
_TROUBLES = st.builds(_in_a_row, _CALL, st.lists(st.sampled_from(Trouble) | _RIVAL | _AT_WORK, max_size=3))


@dataclass(frozen=True)
class _Asking:
    """A wish that is still to be made: how many seconds it was under way, and the rest."""

    source: Source
    age: int
    outcomes: tuple[Outcome, ...]
    words: tuple[Word, ...]


_SOURCE = st.sampled_from((Source.MESSAGE, Source.NAMED, Source.FILE)) | st.sampled_from(Source)
_OUTCOMES = st.lists(st.sampled_from(FREE) | st.sampled_from(Outcome), max_size=3).map(tuple)
_WORDS = st.lists(st.sampled_from(Word), max_size=2).map(tuple)
_WISH = st.builds(_Asking, _SOURCE, st.sampled_from((0, 0, 7200)), _OUTCOMES, _WORDS)
_WHICH = st.integers(0, WISHES - 1)


class JobsMachine(RuleBasedStateMachine):
    """Everything that can happen to jobs. A subclass says how to get an empty bucket."""

    empty_bucket: Callable[[], Bucket]

    @initialize(asks=st.booleans(), wish=_WISH)
    def begin(self, *, asks: bool, wish: _Asking) -> None:
        """Every world begins with a request that was taken."""
        self.world = World(self.empty_bucket(), asks=asks)
        self.ask(wish, {})

    @precondition(lambda self: len(self.world.wishes) < WISHES)
    @rule(wish=_WISH, troubles=_TROUBLES)
    def ask(self, wish: _Asking, troubles: Troubles) -> None:
        world = self.world
        made = Wish(len(world.wishes), wish.source, world.clock.now() - wish.age, wish.outcomes, wish.words)
        world.ask(world.wish(made), troubles)

    @precondition(lambda self: self.world.wishes)
    @rule(which=_WHICH, troubles=_TROUBLES)
    def ask_again(self, which: int, troubles: Troubles) -> None:
        wishes = self.world.wishes
        self.world.ask(wishes[which % len(wishes)], troubles)

    @precondition(lambda self: self.world.messages)
    @rule(which=_WHICH, troubles=_TROUBLES)
    def deliver(self, which: int, troubles: Troubles) -> None:
        jobs = list(dict.fromkeys(self.world.messages))
        self.world.work(jobs[which % len(jobs)], troubles)

    @precondition(lambda self: self.world.messages)
    @rule(which=_WHICH, troubles=_TROUBLES)
    def deliver_again(self, which: int, troubles: Troubles) -> None:
        self.deliver(which, troubles)

    @precondition(lambda self: self.world.messages)
    @rule(which=_WHICH, troubles=_TROUBLES)
    def deliver_once_more(self, which: int, troubles: Troubles) -> None:
        self.deliver(which, troubles)

    @rule(troubles=_TROUBLES)
    def sweep(self, troubles: Troubles) -> None:
        self.world.sweep(troubles)

    @precondition(lambda self: self.world.books.records)
    @rule(which=_WHICH, troubles=_ALONE)
    def delete(self, which: int, troubles: Troubles) -> None:
        self.world.delete(self._record(which), troubles)

    @precondition(lambda self: self.world.books.records)
    @rule(which=_WHICH, troubles=_ALONE)
    def look(self, which: int, troubles: Troubles) -> None:
        self.world.look(self._record(which), troubles)

    @rule(seconds=st.sampled_from((40, 400, 1000, 4000, 90_000)))
    def later(self, seconds: int) -> None:
        self.world.clock.advance(seconds)

    @invariant()
    def nothing_is_broken_on_the_way(self) -> None:
        assert self.world.books.faults == []
        assert self.world.books.defects == []

    def teardown(self) -> None:
        self.world.come_to_rest()
        assert unkept(self.world) == []

    def _record(self, which: int) -> str:
        cores = sorted(self.world.books.records)
        return cores[which % len(cores)]


def machine_over(empty_bucket: Callable[[], Bucket]) -> type[JobsMachine]:
    """The machine whose worlds each begin with a bucket of this kind."""
    return type("Jobs", (JobsMachine,), {"empty_bucket": staticmethod(empty_bucket)})
