"""Holds what leaves a door to the contract: a violation is counted and told by place, and costs the caller nothing.

In tests and on the local stack (`strict`) it is an error instead, and what breaks the contract does not leave.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from reelay.model import Answer

if TYPE_CHECKING:
    from reelay.ports import Telemetry

STREAM = "text/event-stream"
_END = b"data: [DONE]\n\n"


class Judge(Protocol):
    """What knows the contract (`contract.Contract`): places and rules where something breaks it, never values."""

    def operation(self, event: Mapping[str, Any]) -> str | None:
        """The operation that an event asks for, None for a path or method that there is not."""

    def answer_faults(self, operation: str, status: int, headers: Mapping[str, str], body: bytes) -> list[str]:
        """Of a whole answer."""

    def error_faults(self, body: bytes) -> list[str]:
        """Of an error that belongs to no operation."""

    def frame_faults(self, frame: bytes) -> list[str]:
        """Of a piece of an event stream, whole events."""


class ContractViolation(Exception):
    """An answer of ours breaks the contract. The message names places and rules."""


class Conformance:
    """Looks at every answer of one door."""

    def __init__(self, judge: Judge, telemetry: Telemetry, *, strict: bool = False) -> None:
        self._judge = judge
        self._telemetry = telemetry
        self._strict = strict

    def held(self, answer: Answer, event: Mapping[str, Any]) -> Answer:
        """The same answer, which is looked at while it goes out: each event of a stream behind the caller's back, and
        a whole body after the answer. Raises ContractViolation at once or while it goes out, where that is strict."""
        operation = self._judge.operation(event)
        if operation is not None and answer.headers.get("Content-Type", "").startswith(STREAM):
            return replace(answer, pieces=self._events(answer, operation))
        if self._strict:
            return replace(answer, pieces=self._whole(answer, operation))
        return self._afterwards(answer, operation)

    def _events(self, answer: Answer, operation: str) -> Iterator[bytes]:
        pieces = iter(answer.pieces)
        try:
            yield from self._passed_on(answer, operation, pieces)
        except ContractViolation:
            deque(pieces, maxlen=0)  # what was paid for is read to its end and kept, whoever gets it
            raise

    def _passed_on(self, answer: Answer, operation: str, pieces: Iterator[bytes]) -> Iterator[bytes]:
        status, headers = answer.status, answer.headers
        self._hold(operation, answer, lambda: self._judge.answer_faults(operation, status, headers, _END))
        last = b""
        for piece in pieces:
            last = piece
            if not self._strict:
                yield piece
            self._hold(operation, answer, partial(self._judge.frame_faults, piece))
            if self._strict:
                yield piece
        ended = last.endswith(_END)
        self._hold(operation, answer, lambda: [] if ended else ["the stream: expected [DONE] as its last event"])

    def _whole(self, answer: Answer, operation: str | None) -> Iterator[bytes]:
        sent = []
        for piece in answer.pieces:
            sent.append(piece)
            yield piece
        self._hold(operation, answer, lambda: self._faults(answer, operation, sent))

    def _afterwards(self, answer: Answer, operation: str | None) -> Answer:
        sent: list[bytes] = []

        def pieces() -> Iterator[bytes]:
            for piece in answer.pieces:
                sent.append(piece)
                yield piece

        def then() -> None:
            self._hold(operation, answer, lambda: self._faults(answer, operation, sent))
            answer.then()

        return replace(answer, pieces=pieces(), then=then)

    def _faults(self, answer: Answer, operation: str | None, sent: Iterable[bytes]) -> list[str]:
        body = b"".join(sent)
        if operation is None:
            return self._judge.error_faults(body)
        return self._judge.answer_faults(operation, answer.status, answer.headers, body)

    def _hold(self, operation: str | None, answer: Answer, judge: Callable[[], list[str]]) -> None:
        """Tell what breaks the contract; where that is not strict nothing that goes wrong here reaches the answer."""
        try:
            faults = judge()
        except Exception:
            if self._strict:
                raise
            self._telemetry.alarm("answer not judged", operation=operation, status=answer.status)
            self._telemetry.count("Unforeseen")
            return
        if not faults:
            return
        if self._strict:
            raise ContractViolation(f"{operation or 'no operation'}, {answer.status}: {'; '.join(faults)}")
        self._telemetry.count("ContractViolation")
        self._telemetry.alarm("contract violation", operation=operation, status=answer.status, fault=faults[0])
