"""The wire between the doors and S3, on which one call in turn meets trouble."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from moto.core.botocore_stubber import BotocoreStubber

from reelay.ids import new_core
from reelay.s3_rest import Attempt, Carry, Received
from reelay.wiring import House
from tests.s3_tap import Fault, from_boto, refuses, tap_client, tap_house, to_boto_request, unheard

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

READS = ("GetObject", "HeadObject", "ListObjectsV2")


@dataclass(frozen=True)
class Trouble:
    """`concerns` says of a call's name and headers whether it counts, `fault` what becomes of the attempts of the one
    whose turn it is: of all of them, or (`once`) of the first."""

    concerns: Callable[[str, Mapping[str, str]], bool]
    fault: Fault
    once: bool = False


_moto = BotocoreStubber()
_moto.enabled = True


def answered_here(attempt: Attempt, _carry: Carry) -> Received:
    """By moto in this process, whose server on a port shows the same buckets but takes thrice as long."""
    asked = urlsplit(attempt.url)
    answer = _moto("before-send", to_boto_request(attempt, f"https://s3.amazonaws.com{asked.path}?{asked.query}"))
    assert answer is not None
    return from_boto(answer)


def loses(attempt: Attempt) -> Received:
    """The attempt is done, and nothing is heard."""
    answered_here(attempt, unheard)
    return unheard(attempt)


def rival_with(s3: S3Client) -> Fault:
    """Another writer is a moment faster: with the next revision where one is replaced, else with a twin of what is
    about to be written; a claim is for a record of its own."""

    def fault(attempt: Attempt) -> None:
        bucket, key = unquote(urlsplit(attempt.url).path).removeprefix("/").split("/", 1)
        replaces = "If-Match" in attempt.headers
        raw: Any = s3.get_object(Bucket=bucket, Key=key)["Body"].read() if replaces else attempt.body
        document = {**json.loads(raw), "write_id": "rival"}
        if "core" in document:
            document["core"] = new_core(time.time())
        if "rev" in document and replaces:
            document["rev"] += 1
        s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(document).encode())

    return fault


def any_call(_name: str, _headers: Mapping[str, str]) -> bool:
    return True


def writes(name: str, _headers: Mapping[str, str]) -> bool:
    return name not in READS


def conditional(name: str, headers: Mapping[str, str]) -> bool:
    return writes(name, headers) and not {"If-Match", "If-None-Match"}.isdisjoint(headers)


BUSY = Trouble(any_call, refuses(503, "SlowDown"))
UNDECIDED = Trouble(conditional, refuses(409, "ConditionalRequestConflict"), once=True)
LOST = Trouble(conditional, loses, once=True)
UNREACHABLE = Trouble(any_call, unheard)
DONE_UNHEARD = Trouble(writes, loses)


class Wire:
    """All calls of one house pass here, and those of whoever `looks` too; without trouble moto answers them."""

    def __init__(self, house: House, looks: S3Client) -> None:
        self._trouble: Trouble | None = None
        self._turn = 0
        self._hit: str | None = None
        self._lock = threading.Lock()
        self._here = threading.local()
        tap_house(house, answered_here)
        tap_house(house, self._sent)
        tap_client(looks, answered_here)

    def arm(self, trouble: Trouble, turn: int) -> None:
        """From now on: trouble for the call number `turn`, from 0, of those that it concerns."""
        self._trouble, self._turn, self._hit = trouble, turn, None

    def disarm(self) -> str | None:
        """No trouble any more; which call met it, None where there were fewer calls."""
        self._trouble = None
        return self._hit

    def _sent(self, attempt: Attempt, carry: Carry) -> Received:
        if attempt.number == 1:
            self._called(attempt)
        trouble: Trouble | None = self._here.trouble
        if trouble is None or (trouble.once and attempt.number > 1):
            return carry(attempt)
        return trouble.fault(attempt) or carry(attempt)

    def _called(self, attempt: Attempt) -> None:
        self._here.trouble = None
        trouble = self._trouble
        if trouble is None or not trouble.concerns(attempt.operation, attempt.headers):
            return
        with self._lock:
            self._turn -= 1
            if self._turn == -1:
                self._hit = f"{attempt.operation} {urlsplit(attempt.url).path}"
                self._here.trouble = trouble
