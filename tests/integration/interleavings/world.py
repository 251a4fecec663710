"""One bucket, one queue, one upstream and any number of short-lived processes of the intake, the worker and the sweep.

Nothing runs at the same time: a rival does its work between two calls of another, which is where it could matter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import TYPE_CHECKING

from reelay.admission import Admission
from reelay.aftercare import Aftercare, Means
from reelay.contract import Contract
from reelay.errors import ReelayError
from reelay.gateway import json_answer
from reelay.ids import completion_id, derived_core
from reelay.intake import Desk, Intake
from reelay.model import Call, Invocation, Job, Record
from reelay.relay import LEASE_MARGIN_SECONDS
from reelay.results import Results
from reelay.spending import Spending
from reelay.sweep import Sweep
from reelay.worker import Tools, Worker
from tests.fakes import TENANT, FakeClock, FakeSwitch
from tests.integration.interleavings.books import Books, Wish
from tests.integration.interleavings.ports import (
    Ear,
    ShakyArchive,
    ShakyBus,
    ShakyClaims,
    ShakyDrops,
    ShakyKeys,
    ShakyQueue,
    ShakyStatuses,
    ShakyStore,
)
from tests.integration.interleavings.processes import Died, Doing, Meanwhile, Process, Troubles
from tests.integration.interleavings.upstream import ScriptedUpstream

if TYPE_CHECKING:
    from reelay.ports import Claims, Drops, Store

WORKER_SECONDS = 900.0
DOOR_SECONDS = 60.0
"""The lives of a worker and of the other functions."""

WAIT_SECONDS = 40.0
LONG_WAIT_SECONDS = WORKER_SECONDS + LEASE_MARGIN_SECONDS + 1
"""Less than any lease, and more than a worker's."""

REST_ROUNDS = 40
"""In rounds of LONG_WAIT_SECONDS: five tries, each found again by the sweep after an hour at most, and two hours of
asking after a job."""

ASK_SECONDS = 2 * 3600


@dataclass(frozen=True)
class Bucket:
    """What lasts: the adapters over one empty bucket, and a way to put a file into it, which tells the file's tag."""

    store: Store
    claims: Claims
    drops: Drops
    drop: Callable[[str, bytes], str]


@cache
def contract() -> Contract:
    """The contract, read once."""
    return Contract.load(allow_anonymous=False)


class World:
    """`asks` says that the upstream may be asked after a job whose answer was cut."""

    def __init__(self, bucket: Bucket, *, asks: bool) -> None:
        self.store, self.claims, self.drops = bucket.store, bucket.claims, bucket.drops
        self.clock = FakeClock()
        self.books = Books()
        self.wishes: list[Wish] = []
        self.messages: list[Job] = []
        self._drop = bucket.drop
        self._tags: dict[str, str] = {}
        self._asks = asks
        self.accepted: dict[int, str] = {}
        self._numbers = count()

    def wish(self, wish: Wish) -> Wish:
        """There is such an event from now on; a file lies where it says."""
        self.wishes.append(wish)
        if wish.is_file:
            self._tags[wish.key] = self._drop(wish.key, wish.body)
        if wish.core is not None:
            self.books.wish_of[wish.core] = wish
        return wish

    def ask(self, wish: Wish, troubles: Troubles) -> None:
        """The event is delivered."""
        process = self._process(DOOR_SECONDS, troubles, wish.core)
        intake = Intake(self._desk(process, wish))

        def accept() -> None:
            told = intake.accept(wish.event(self._tags.get(wish.key, "")))
            self.accepted[wish.number] = str(told and told["id"])

        self._live(accept)

    def work(self, job: Job, troubles: Troubles) -> None:
        """A message is delivered."""
        process = self._process(WORKER_SECONDS, troubles, job.id)
        store, ear = ShakyStore(self, process), Ear(self)
        tools = Tools(
            ScriptedUpstream(self, process), store, ShakyKeys(self, process), self._aftercare(process),
            Spending(FakeSwitch()), self.clock, ear,
            ShakyStatuses(self, process) if self._asks else None,
        )  # fmt: skip
        if self._live(lambda: Worker(tools).work(job, self._invocation(process))) and process.heard_all:
            self.books.whole.add(job.id)

    def sweep(self, troubles: Troubles) -> None:
        """The schedule."""
        process = self._process(DOOR_SECONDS, troubles, None)
        sweep = Sweep(ShakyStore(self, process), ShakyQueue(self, process), self.clock, Ear(self))
        self._live(lambda: sweep.run(self._invocation(process)))

    def delete(self, core: str, troubles: Troubles) -> None:
        """The owner wants the record gone, and says so again until it is."""
        self.books.deleting.add(core)
        self._results(core, troubles, Results.delete)

    def look(self, core: str, troubles: Troubles) -> None:
        """The owner asks how far the record is."""
        self._results(core, troubles, Results.retrieve)

    def meanwhile(self, process: Process, meanwhile: Meanwhile) -> None:
        """What another does between two calls of this process."""
        match meanwhile.doing:
            case Doing.WAIT:
                self.clock.advance(WAIT_SECONDS)
            case Doing.WAIT_LONG:
                self.clock.advance(LONG_WAIT_SECONDS)
            case Doing.OUTLIVE:
                process.outlives = True
                self.books.outlived.add(process.subject or "")
                self.clock.advance(LONG_WAIT_SECONDS)
            case Doing.SWEEP:
                self.sweep(meanwhile.troubles)
            case Doing.ASK_AGAIN if process.subject in self.books.wish_of:
                self.ask(self.books.wish_of[process.subject], meanwhile.troubles)
            case doing if process.subject in self.books.records:
                self._done_to(process.subject, doing, meanwhile.troubles)

    def _done_to(self, core: str, doing: Doing, troubles: Troubles) -> None:
        match doing:
            case Doing.WORK:
                self.work(Job(TENANT, core), troubles)
            case Doing.DELETE:
                self.delete(core, troubles)
            case Doing.LOOK:
                self.look(core, troubles)

    def come_to_rest(self) -> None:
        """Nothing goes wrong any more: events come until they are taken, the sweep runs, its messages are delivered.
        All messages of before are lost."""
        for _ in range(REST_ROUNDS):
            for core in sorted(self.books.deleting):
                self.delete(core, {})
            for wish in self.wishes:
                if wish.number not in self.accepted:
                    self.ask(wish, {})
            self.clock.advance(LONG_WAIT_SECONDS)
            self.messages.clear()
            self.sweep({})
            for job in dict.fromkeys(self.messages):
                self.work(job, {})
            if not any(self.store.watched()):
                return

    def _live(self, act: Callable[[], object]) -> bool:
        """Whether the process came to its end; one that died or failed has its message delivered again."""
        try:
            act()
        except (Died, ReelayError):
            return False
        return True

    def _process(self, seconds: float, troubles: Troubles, subject: str | None) -> Process:
        return Process(self.clock, self.clock.monotonic() + seconds, troubles, self.meanwhile, subject)

    def _invocation(self, process: Process) -> Invocation:
        return Invocation(process.deadline, live=False)

    def _results(self, core: str, troubles: Troubles, act: Callable[[Results, Call, Invocation], object]) -> None:
        process = self._process(DOOR_SECONDS, troubles, core)
        results = Results(ShakyStore(self, process), self.clock, json_answer)
        call = Call("", "/v1/x", "", tenant=TENANT, parameters={"completion_id": completion_id(core)})
        self._live(lambda: act(results, call, self._invocation(process)))

    def _aftercare(self, process: Process) -> Aftercare:
        return Aftercare(
            Means(
                ShakyStore(self, process), ShakyArchive(self, process), self.clock, Ear(self),
                ShakyQueue(self, process), ShakyBus(self, process), ShakyDrops(self, process),
            )
        )  # fmt: skip

    def _desk(self, process: Process, wish: Wish) -> Desk:
        store, claims = _Registering(self, process, wish), ShakyClaims(self, process)
        return Desk(
            contract().read_event, store, claims, Admission(claims, store, self.clock, self._new_core),
            ShakyDrops(self, process), ShakyQueue(self, process), self._aftercare(process),
            Spending(FakeSwitch()), self.clock, Ear(self),
            TENANT, ASK_SECONDS if self._asks else 0,
        )  # fmt: skip

    def _new_core(self, now: float) -> str:
        return derived_core(now, f"named {next(self._numbers)}")


class _Registering(ShakyStore):
    """A store that tells which event a record is made for."""

    def __init__(self, world: World, process: Process, wish: Wish) -> None:
        super().__init__(world, process)
        self._wish = wish

    def create(self, record: Record) -> Record:
        self._books.wish_of.setdefault(record.id, self._wish)
        self._process.subject = record.id
        return super().create(record)
