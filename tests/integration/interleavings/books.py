"""What is written down of a world, to be held against the promises: posts, phases, events, outcomes."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum, auto

from reelay.ids import derived_core
from reelay.model import Json, Notice, Phase, Record
from reelay.triggers import Asked, Dropped
from tests.integration.interleavings.upstream import FREE, Outcome, Word

FINAL = (Phase.COMPLETED, Phase.FAILED)
"""Phases that no record ever leaves."""


class Source(Enum):
    """How a request comes; those that are named the same are the same request."""

    MESSAGE = auto()
    NAMED = auto()
    DIRECT = auto()
    FILE = auto()
    WRONG = auto()
    WRONG_FILE = auto()


@dataclass(frozen=True)
class Wish:
    """An event that asks for a completion, made at the Unix time `at`: how each post for it ends, and what the upstream
    says when asked after its job; beyond the last, all is well."""

    number: int
    source: Source
    at: float
    outcomes: tuple[Outcome, ...] = ()
    words: tuple[Word, ...] = ()

    @property
    def is_file(self) -> bool:
        return self.source in (Source.FILE, Source.WRONG_FILE)

    @property
    def body(self) -> bytes:
        if self.source in (Source.WRONG, Source.WRONG_FILE):
            return b'{"model": 7}'
        text = "the same" if self.source is Source.NAMED else f"wish {self.number}"
        return json.dumps({"model": "sora-2", "messages": [{"role": "user", "content": text}]}).encode()

    @property
    def key(self) -> str:
        return f"inbox/{self.number}.json"

    @property
    def core(self) -> str | None:
        """The record's id, where it follows from the event."""
        return None if self.source in (Source.NAMED, Source.DIRECT) else derived_core(self.at, self._name)

    def event(self, tag: str) -> Asked | Dropped:
        if self.is_file:
            return Dropped(self._name, self.at, self.key, tag)
        at = None if self.source is Source.DIRECT else self.at
        return Asked(self._name, at, self.body, "one name" if self.source is Source.NAMED else None)

    @property
    def _name(self) -> str:
        return f"event {self.number}"


@dataclass
class Books:
    """`faults` are promises broken on the way."""

    wish_of: dict[str, Wish] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)
    posts: Counter[str] = field(default_factory=Counter)
    charged: Counter[str] = field(default_factory=Counter)
    questions: Counter[str] = field(default_factory=Counter)
    events: set[tuple[str, Notice]] = field(default_factory=set)
    outcomes: dict[str, Json] = field(default_factory=dict)
    marked: dict[str, float] = field(default_factory=dict)
    links: set[str] = field(default_factory=set)
    whole: set[str] = field(default_factory=set)
    deleting: set[str] = field(default_factory=set)
    outlived: set[str] = field(default_factory=set)
    defects: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def created(self, record: Record) -> Record:
        """A record was made, perhaps once more after its deletion, which must not cost a thing."""
        if record.id in self.records and record.id not in self.deleting:
            self.faults.append("made twice")
        self.records[record.id] = record
        return record

    def wrote(self, record: Record) -> Record:
        """A revision was written."""
        before = self.records.get(record.id)
        if before is not None and before.phase in FINAL and record.phase is not before.phase:
            self.faults.append(f"{before.phase} became {record.phase}")
        if record.phase is Phase.COMPLETED and record.completion is None:
            self.faults.append("completed without a completion")
        self.records[record.id] = record
        return record

    def posted(self, core: str) -> Outcome:
        """A request was posted; how that ends."""
        outcomes, number = self.wish_of[core].outcomes, self.posts[core]
        outcome = outcomes[number] if number < len(outcomes) else Outcome.WHOLE
        self.posts[core] += 1
        self.charged[core] += outcome not in FREE
        if self.charged[core] > 1:
            self.faults.append(f"paid {self.charged[core]} times for one record")
        if self.records[core].phase is not Phase.SENDING and core not in self.deleting | self.outlived:
            self.faults.append(f"posted while {self.records[core].phase}")
        return outcome

    def asked(self, core: str) -> Word:
        """The upstream was asked after a job; what it says."""
        words, number = self.wish_of[core].words, self.questions[core]
        self.questions[core] += 1
        return words[number] if number < len(words) else Word.DONE
