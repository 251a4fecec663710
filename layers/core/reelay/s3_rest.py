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

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.exceptions import HTTPError, ProtocolError

from reelay.s3_failures import ATTEMPTS, CONNECT_SECONDS, READ_SECONDS, may_pass, meaning, store_failed
from reelay.s3_place import Place
from reelay.sigv4 import Credentials, Scope, link, path_of, query_of, signed

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

CONNECTIONS = 10
"""Kept open at once: a page's reads side by side, and what else goes on beside them."""

ERROR_BYTES = 16 * 1024
"""Read of an error at most: S3's own have a few hundred bytes; what is longer is somebody else's page."""

_CODE = re.compile(rb"<Code>([^<]{1,64})</Code>")
_ERROR = re.compile(rb"\s*(<\?xml[^>]*\?>\s*)?<Error[\s>]")
_HASH_BYTES = 1024 * 1024

Body = bytes | IO[bytes] | None
"""What is sent; a file is sent from its beginning, at every attempt."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A call by its name in S3's API. `key` is None for one of the whole bucket, and never empty."""

    operation: str
    method: str
    key: str | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body = field(default=None, repr=False)
    most: int | None = None

    @property
    def gives_an_object(self) -> bool:
        """Whether a good answer's body is an object's, of which nothing is known, and not S3's own words."""
        return self.method == "GET" and self.key is not None


@dataclass(frozen=True, slots=True)
class Attempt:
    """What goes over the wire once; `number` 1 is a call's first. A file stands at its beginning."""

    operation: str
    number: int
    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: Body = field(repr=False)
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """An answer of `size` bytes. Where those are more than the call's `most`, `body` is empty."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    size: int | None = None


Carry = Callable[[Attempt], Received]
"""Sends one attempt; raises urllib3's HTTPError when no whole answer came."""


class S3Rest:
    """Calls of one bucket. May be shared between threads.

    `carry` is how an attempt gets there: whoever wants to count, delay or fail attempts puts itself in its place.
    `credentials` is asked for each attempt, `pause` waits between them, and `tls` is asked with the first connection
    and with the first one after a failure.
    """

    def __init__(
        self,
        place: Place,
        credentials: Callable[[], Credentials],
        tls: Callable[[], ssl.SSLContext],
        pause: Callable[[float], None] = time.sleep,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self.place = place
        self.carry: Carry = partial(_carried, _Connections(place, tls, read_seconds))
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
                status = _status(asked, answer)
                if status < 300:
                    return answer
                code = _code(answer)
                if last or not may_pass(status, code):
                    raise meaning(status, code)
            self.pause(random.random() * 2 ** (number - 1))  # noqa: S311 - spreads repeats, guards nothing
        raise AssertionError("the last attempt returns or raises")

    def link(self, key: str, query: Mapping[str, str], seconds: int) -> str:
        """A URL by which whoever has it may GET the object for so many seconds; made without asking S3."""
        scope = Scope(self.place.region, time.time())
        path = self._path(key)
        return self.place.origin + link(self.place.authority, path, query, seconds, self._credentials(), scope)

    def _path(self, key: str | None) -> str:
        if key == "":
            raise ValueError("an empty key would name the bucket")
        return (self.place.path + ("" if key is None else path_of(key))) or "/"

    def _signed(self, asked: Asked, number: int) -> Attempt:
        path = self._path(asked.key)
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
    """The pool of one place, made with the first call, and anew after a failure: in a function that thaws, all that
    were kept may be dead, and each would cost an attempt, or READ_SECONDS where nothing says so."""

    def __init__(self, place: Place, tls: Callable[[], ssl.SSLContext], read_seconds: float) -> None:
        self._place = place
        self._tls = tls
        self._timeout = Timeout(connect=CONNECT_SECONDS, read=read_seconds)
        self._pool: HTTPConnectionPool | None = None

    def pool(self) -> HTTPConnectionPool:
        """Two threads at once may make two; one of them is kept."""
        pool = self._pool
        if pool is None:
            place = self._place
            if place.secure:
                pool = HTTPSConnectionPool(
                    place.host, place.port, self._timeout, maxsize=CONNECTIONS, retries=False, ssl_context=self._tls()
                )
            else:
                pool = HTTPConnectionPool(place.host, place.port, self._timeout, maxsize=CONNECTIONS, retries=False)
            self._pool = pool
        return pool

    def leave(self, pool: HTTPConnectionPool) -> None:
        """Keep no connection of this pool; calls that are under way in it go on."""
        if self._pool is pool:
            self._pool = None


def _carried(connections: _Connections, attempt: Attempt) -> Received:
    origin_end = attempt.url.index("/", len("https://"))
    pool = connections.pool()
    try:
        with pool.urlopen(
            attempt.method,
            attempt.url[origin_end:],
            body=attempt.body,
            headers=attempt.headers,
            redirect=False,
            preload_content=False,
            decode_content=False,
        ) as answer:
            return _received(answer, attempt.most)
    except (HTTPError, OSError):
        connections.leave(pool)
        raise


def _received(answer: BaseHTTPResponse, most: int | None) -> Received:
    """Whatever is not read to its end is closed."""
    size = answer.length_remaining
    if answer.status >= 300:
        return Received(answer.status, answer.headers, answer.read(ERROR_BYTES), size)
    if size is None and not answer.chunked:
        raise ProtocolError("whether the answer is whole, nobody could tell")
    if most is not None and (size is None or size > most):
        return Received(answer.status, answer.headers, b"", size)
    return Received(answer.status, answer.headers, answer.read(), size)


def _status(asked: Asked, answer: Received) -> int:
    """500 for an answer that began well and then tells an error, as botocore has it (`handle_200_error`)."""
    if answer.status < 300 and not asked.gives_an_object and _ERROR.match(answer.body):
        return 500
    return answer.status


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
