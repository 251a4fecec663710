"""The wire between the doors and S3, on which one call in turn meets trouble."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from moto.core.botocore_stubber import BotocoreStubber

from reelay.ids import new_core
from reelay.s3 import ATTEMPTS
from tests.integration.test_store import Fault, refuses

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


def answered_here(request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
    """By moto in this process, whose server on a port shows the same buckets but takes thrice as long."""
    asked = urlsplit(request.url)
    request.url = f"https://s3.amazonaws.com{asked.path}?{asked.query}"
    return _moto("before-send", request)


def loses(request: AWSPreparedRequest) -> AWSResponse | None:
    """The attempt is done, and nothing is heard."""
    answered_here(request)
    raise ReadTimeoutError(endpoint_url=request.url)


def unreachable(request: AWSPreparedRequest) -> AWSResponse | None:
    """The attempt does not reach S3, and nothing is heard."""
    raise ConnectTimeoutError(endpoint_url=request.url)


def rival_with(s3: S3Client) -> Fault:
    """Another writer is a moment faster: with the next revision where one is replaced, else with a twin of what is
    about to be written; a claim is for a record of its own."""

    def fault(request: AWSPreparedRequest) -> None:
        bucket, key = unquote(urlsplit(request.url).path).removeprefix("/").split("/", 1)
        replaces = "If-Match" in request.headers
        raw: Any = s3.get_object(Bucket=bucket, Key=key)["Body"].read() if replaces else request.body
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
UNREACHABLE = Trouble(any_call, unreachable)
DONE_UNHEARD = Trouble(writes, loses)


class Wire:
    """All calls of one client pass here."""

    def __init__(self, client: S3Client) -> None:
        self._trouble: Trouble | None = None
        self._turn = 0
        self._hit: str | None = None
        self._lock = threading.Lock()
        self._here = threading.local()
        events: Any = client.meta.events  # the stubs overlook that these events take the handler's answer
        events.register("before-call.s3", self._called)
        events.register("before-send.s3", self._sent)
        events.register_first("needs-retry.s3", self._repeated)

    def arm(self, trouble: Trouble, turn: int) -> None:
        """From now on: trouble for the call number `turn`, from 0, of those that it concerns."""
        self._trouble, self._turn, self._hit = trouble, turn, None

    def disarm(self) -> str | None:
        """No trouble any more; which call met it, None where there were fewer calls."""
        self._trouble = None
        return self._hit

    def _called(self, model: Any, params: Any, **_: Any) -> None:
        self._here.attempts, self._here.trouble = 0, None
        trouble = self._trouble
        if trouble is None or not trouble.concerns(model.name, params["headers"]):
            return
        with self._lock:
            self._turn -= 1
            if self._turn == -1:
                self._hit = f"{model.name} {params['url_path']}"
                self._here.trouble = trouble

    def _sent(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        self._here.attempts += 1
        trouble: Trouble | None = self._here.trouble
        if trouble is None or (trouble.once and self._here.attempts > 1):
            return answered_here(request)
        return trouble.fault(request) or answered_here(request)

    @staticmethod
    def _repeated(attempts: int, response: Any, **_: Any) -> int | None:
        """botocore's own pauses take no time: try again at once what it would, as often as it would."""
        passes = response is None or response[0].status_code >= 500
        return 0 if passes and attempts < ATTEMPTS else None
