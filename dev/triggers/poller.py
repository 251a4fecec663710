"""A poller: it hands a queue's messages to a function, as Lambda does for an event source of SQS.

What failed is left where it is, so that coming again, and the dead-letter queue in the end, are the queue's own doing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from dev.gateway import FunctionFailed
from dev.surroundings import Source
from dev.triggers.messages import failed_ids, sqs_event, take

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

POLL_SECONDS = 20
"""How long one call waits for messages: the most that SQS allows (ReceiveMessage, WaitTimeSeconds)."""

_PAUSE_SECONDS = 1.0
"""After a queue that could not be read."""

Invoke = Callable[[str, Any], Any]
Note = Callable[[str], None]


class Poller:
    """Polls in the thread of `run` until `stop`; at most `source.concurrency` invocations at a time.

    `invoke` is `Gateway.invoke`, `note` takes one line for each batch.
    """

    def __init__(self, source: Source, sqs: SQSClient, invoke: Invoke, note: Note) -> None:
        self._source, self._sqs, self._invoke, self._note = source, sqs, invoke, note
        self._slots = threading.Semaphore(source.concurrency)
        self._stopping = threading.Event()

    def run(self) -> None:
        """Poll; returns after `stop`, when the last invocation has ended."""
        with ThreadPoolExecutor(self._source.concurrency) as pool:
            while self._slots.acquire() and not self._stopping.is_set():
                messages = self._take()
                if messages:
                    pool.submit(self._deliver, messages)
                else:
                    self._slots.release()

    def stop(self) -> None:
        """Take no more. A call that waits for messages is left to whoever plays the queue."""
        self._stopping.set()
        self._slots.release()

    def _take(self) -> list[MessageTypeDef]:
        try:
            return take(self._sqs, self._source.queue, self._source.batch_size, POLL_SECONDS)
        except (BotoCoreError, ClientError) as error:
            self._note(f"{self._source.queue.id} cannot be read: {type(error).__name__}")
            self._stopping.wait(_PAUSE_SECONDS)
            return []

    def _deliver(self, messages: list[MessageTypeDef]) -> None:
        began = time.monotonic()
        try:
            failed, why = self._invoked(messages)
            self._delete([message for message in messages if message["MessageId"] not in failed])
        except (BotoCoreError, ClientError) as error:
            failed, why = frozenset(), f", but not deleted: {type(error).__name__}"
        finally:
            self._slots.release()
        if self._stopping.is_set():
            return  # the log may be closed by now
        milliseconds = (time.monotonic() - began) * 1000
        said = f"{len(messages)} taken, {len(failed)} failed{why}, {milliseconds:.0f} ms"
        self._note(f"{self._source.queue.id} -> {self._source.function}: {said}")

    def _invoked(self, messages: list[MessageTypeDef]) -> tuple[frozenset[str], str]:
        """Which messages failed, and why where the function itself did."""
        ids = frozenset(message["MessageId"] for message in messages)
        try:
            answer = self._invoke(self._source.function, sqs_event(messages, self._source.queue))
        except FunctionFailed as failure:
            return ids, f" ({failure.kind})"
        except (TimeoutError, ValueError, OSError) as error:
            return ids, f" ({type(error).__name__})"
        return (failed_ids(answer, ids) if self._source.partial else frozenset()), ""

    def _delete(self, messages: list[MessageTypeDef]) -> None:
        if messages:
            entries: Any = [{"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]} for n, each in enumerate(messages)]
            self._sqs.delete_message_batch(QueueUrl=self._source.queue.url, Entries=entries)
