"""`python -m tests.bench.chunk_steps`: what one streamed chunk is made of, for the reasons in limits.toml.

Microseconds of CPU time of each step alone, best of REPEATS, warm; together they are less than in a stream, where steps
push each other out of the processor's caches and the thread that reads takes its share.
"""

from __future__ import annotations

import json
import timeit
from collections.abc import Callable

from dev.contract_files import write_contract_files
from reelay import sse
from reelay.clock import SystemClock
from reelay.contract import Contract
from reelay.journal import Journal
from reelay.links import ProgressReader
from reelay.reply import Chunk, Reply
from reelay.shapes import Assembly, ChunkShaper, Identity
from tests.fakes import FakeStore, FakeTelemetry, new_record

CALLS, REPEATS = 5_000, 7
CHOICE = {"index": 0, "delta": {"content": "word "}, "logprobs": None, "finish_reason": None}
SENT = {"id": "up-1", "object": "chat.completion.chunk", "created": 1762181811, "model": "m", "choices": [CHOICE]}


def steps() -> dict[str, Callable[[], object]]:
    """Each step, ready to be called again and again."""
    frame = sse.frame({**SENT, "usage": None})
    reply, contract = Reply(), Contract.load()
    item = next(reply.feed(frame))
    if not isinstance(item, Chunk):
        raise TypeError(f"expected a chunk, got {type(item).__name__}")
    shaper, assembly, progress = ChunkShaper(Identity("chatcmpl-1", "m", 1)), Assembly(), ProgressReader()
    chunk = shaper.shape(item.payload)
    if chunk is None:
        raise TypeError("expected a chunk with something in it")
    ours = sse.frame(chunk)
    journal = Journal(new_record(), FakeStore(), SystemClock(), FakeTelemetry())

    def keep() -> None:
        journal.take(frame)
        journal.note()

    return {
        "reading the event and its JSON": lambda: [*reply.feed(frame)],
        "holding what leaves to the contract": lambda: contract.frame_faults(ours),
        "normalising": lambda: shaper.shape(item.payload),
        "writing it": lambda: sse.frame(chunk),
        "keeping it for the whole answer": lambda: assembly.add(chunk),
        "keeping its bytes": keep,
        "looking for progress": lambda: progress.feed("word "),
        "a bare json.loads of it": lambda: json.loads(frame[6:]),
    }


def main() -> None:
    """Print them."""
    write_contract_files()
    for name, step in steps().items():
        best = min(timeit.repeat(step, number=CALLS, repeat=REPEATS)) / CALLS
        print(f"{best * 1e6:7.2f} us  {name}")  # noqa: T201 - a program prints


if __name__ == "__main__":
    main()
