"""One bucket over S3's REST API: requests signed, sent, and tried again.

https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAPI.html. This room is for the small calls of every request, for
which boto3's client costs four times the processor time; media are copied by boto3 (`archive`).
"""

from __future__ import annotations

import hashlib
import random
import re
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from io import SEEK_END
from typing import IO, TYPE_CHECKING
from urllib.parse import urlsplit

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.exceptions import HTTPError

from reelay.s3_failures import ATTEMPTS, CONNECT_SECONDS, READ_SECONDS, meaning, store_failed
from reelay.sigv4 import Credentials, Scope, link, path_of, query_of, signed

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

CONNECTIONS = 10
"""Kept open at once: a page's reads side by side, and what else goes on beside them."""

DNS_SUFFIXES = {"cn-": "amazonaws.com.cn"}
"""Of regions that begin so; all others a Lambda function may be in answer under amazonaws.com."""

_BUSY = frozenset({500, 502, 503, 504})
_THROTTLED = frozenset({"RequestTimeout", "SlowDown", "Throttling", "RequestLimitExceeded"})
_CODE = re.compile(rb"<Code>([^<]{1,64})</Code>")
_HASH_BYTES = 1024 * 1024

Body = bytes | IO[bytes] | None
"""What is sent; a file is sent from its beginning, at every attempt."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the bucket answers. `path` is what comes before a key's slash: the bucket's name in the style of a
    stand-in, nothing at S3 itself, whose host has the name."""

    secure: bool
    host: str
    port: int | None
    path: str
    region: str

    @property
    def authority(self) -> str:
        """The Host header."""
        return self.host if self.port is None else f"{self.host}:{self.port}"

    @property
    def origin(self) -> str:
        """Before a path."""
        return f"{'https' if self.secure else 'http'}://{self.authority}"


def place_of(bucket: str, region: str, endpoint: str | None) -> Place:
    """The bucket at S3 itself, or at `endpoint`, the base URL of a stand-in."""
    if endpoint is None:
        suffix = next((suffix for start, suffix in DNS_SUFFIXES.items() if region.startswith(start)), "amazonaws.com")
        return Place(secure=True, host=f"{bucket}.s3.{region}.{suffix}", port=None, path="", region=region)
    parts = urlsplit(endpoint)
    return Place(parts.scheme == "https", parts.hostname or "", parts.port, path_of(bucket), region)


@dataclass(frozen=True, slots=True)
class Asked:
    """A call by its name in S3's API. `key` is None for one of the whole bucket."""

    operation: str
    method: str
    key: str | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """What goes over the wire once; `number` 1 is a call's first. A file stands at its beginning."""

    operation: str
    number: int
    method: str
    url: str
    headers: Mapping[str, str]
    body: Body
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """An answer of `size` bytes. Where those are more than the call's `most`, `body` is empty."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    size: int | None = None


Carry = Callable[[Attempt], Received]
"""Sends one attempt; raises urllib3's HTTPError when no whole answer came."""


class S3Rest:
    """Calls of one bucket. May be shared between threads.

    `carry` is how an attempt gets there: whoever wants to count, delay or fail attempts puts itself in its place.
    `credentials` is asked for each attempt, `pause` waits between them, and `tls` is asked once, for the first
    connection.
    """

    def __init__(
        self,
        place: Place,
        credentials: Callable[[], Credentials],
        tls: Callable[[], ssl.SSLContext],
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.place = place
        self.carry: Carry = partial(_carried, _Connections(place, tls))
        self.pause = pause
        self._credentials = credentials

    def call(self, asked: Asked) -> Received:
        """The answer of a call that succeeded. Raises what `s3_failures.meaning` says of one that did not, and
        StoreFailed with the name of what kept S3 from answering."""
        for number in range(1, ATTEMPTS + 1):
            last = number == ATTEMPTS
            try:
                answer = self.carry(self._signed(asked, number))
            except (HTTPError, OSError) as failure:
                if last:
                    raise store_failed(type(failure).__name__) from None
            else:
                if answer.status < 300:
                    return answer
                code = _code(answer)
                if last or not (answer.status in _BUSY or code in _THROTTLED):
                    raise meaning(answer.status, code)
            self.pause(random.random() * 2 ** (number - 1))  # noqa: S311 - spreads repeats, guards nothing
        raise AssertionError("the last attempt returns or raises")

    def link(self, key: str, query: Mapping[str, str], seconds: int) -> str:
        """A URL by which whoever has it may GET the object for so many seconds; made without asking S3."""
        scope = Scope(self.place.region, time.time())
        path = self.place.path + path_of(key)
        return self.place.origin + link(self.place.authority, path, query, seconds, self._credentials(), scope)

    def _signed(self, asked: Asked, number: int) -> Attempt:
        path = (self.place.path + ("" if asked.key is None else path_of(asked.key))) or "/"
        query = query_of(asked.query)
        length = {} if asked.body is None else {"Content-Length": str(_size(asked.body))}
        headers = signed(
            asked.method,
            path,
            query,
            {"Host": self.place.authority, **length, **asked.headers},
            _digest(asked.body),
            credentials=self._credentials(),
            scope=Scope(self.place.region, time.time()),
        )
        target = f"{path}?{query}" if query else path
        return Attempt(
            asked.operation, number, asked.method, self.place.origin + target, headers, asked.body, asked.most
        )


class _Connections:
    """The pool of one place, made with the first call."""

    def __init__(self, place: Place, tls: Callable[[], ssl.SSLContext]) -> None:
        self._place = place
        self._tls = tls
        self._pool: HTTPConnectionPool | None = None

    def pool(self) -> HTTPConnectionPool:
        """Two threads at once may make two; one of them is kept."""
        if self._pool is None:
            place, timeout = self._place, Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
            if place.secure:
                self._pool = HTTPSConnectionPool(
                    place.host, place.port, timeout, maxsize=CONNECTIONS, retries=False, ssl_context=self._tls()
                )
            else:
                self._pool = HTTPConnectionPool(place.host, place.port, timeout, maxsize=CONNECTIONS, retries=False)
        return self._pool


def _carried(connections: _Connections, attempt: Attempt) -> Received:
    origin_end = attempt.url.index("/", len("https://"))
    with connections.pool().urlopen(
        attempt.method,
        attempt.url[origin_end:],
        body=attempt.body,
        headers=attempt.headers,
        redirect=False,
        preload_content=False,
        decode_content=False,
    ) as answer:
        return _received(answer, attempt.most)


def _received(answer: BaseHTTPResponse, most: int | None) -> Received:
    size = answer.length_remaining
    if most is not None and answer.status < 300 and (size is None or size > most):
        answer.close()
        return Received(answer.status, answer.headers, b"", size)
    body = answer.read()
    answer.release_conn()
    return Received(answer.status, answer.headers, body, size)


def _code(answer: Received) -> str:
    found = _CODE.search(answer.body[:4096])
    return found[1].decode("ascii", "replace") if found else ""


def _size(body: bytes | IO[bytes]) -> int:
    return len(body) if isinstance(body, bytes) else body.seek(0, SEEK_END)


def _digest(body: Body) -> str:
    """In hex; leaves a file at its beginning."""
    if isinstance(body, bytes | None):
        return hashlib.sha256(body or b"").hexdigest()
    hashed = hashlib.sha256()
    body.seek(0)
    while piece := body.read(_HASH_BYTES):
        hashed.update(piece)
    body.seek(0)
    return hashed.hexdigest()
