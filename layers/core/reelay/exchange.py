"""One paid request: posted once, and again only where that costs nothing.

What proves that nothing was charged is decided here and in `refusals`: no connection, a failed TLS handshake, 429, and
503 with Retry-After. From the moment the request line may have left, every other end is of unknown charge.
"""

from __future__ import annotations

import math
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from typing import TYPE_CHECKING, NamedTuple

from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError, ReadTimeoutError

from reelay import refusals
from reelay.connection import is_open
from reelay.errors import UpstreamBroken, UpstreamBusy, UpstreamSilent, UpstreamUnreachable
from reelay.handoff import Handoff, Over
from reelay.masking import Masked
from reelay.model import Data, End, Failed, Head, Outgoing, Seen
from reelay.timekeeper import TIMEKEEPER

if TYPE_CHECKING:
    from urllib3.response import HTTPResponse

    from reelay.connection import Dialer
    from reelay.ports import Clock

ATTEMPTS = 3
"""In all, the first included."""

CONNECT_SECONDS = 5.0
"""Each for the name, the connection and the TLS handshake; SYN is repeated after 1 and 3 s, so two may be lost. Three
attempts that fail at one of them, and the pauses, stay under the 20 s of silence that a caller is let wait."""

SEND_SECONDS = 60.0
"""For the request, which is 10 MB at most (API Gateway quotas): 1.3 Mbit/s."""

IDLE_SECONDS = 300.0
"""Between two pieces of a reply: the upstream itself cuts after 300 s of silence. There is no such limit before the
status line: a video asked for as a whole is made in silence, 2 to 15 minutes, and only the deadline ends that wait."""

ERROR_BODY_SECONDS = 5.0
"""For the body of an error whose status is known: it is the caller who waits."""

PATIENCE_SECONDS = 8.0
"""The longest Retry-After that is waited out; twice that stays under the 20 s of silence. A longer one is passed on."""

BACKOFF_SECONDS = 0.5
"""Before the second attempt, half of it by chance; doubled for the third. The base of OpenAI's own SDKs."""

REPLY_BYTES = 16 * 1024**2
"""Ours: a captured stream of a video has some 20 kB, an image inlined as base64 some MB; a record holds all of it."""

ERROR_BYTES = 64 * 1024
"""Ours: read of an error's body; the envelope has some hundred bytes, a CDN's page some thousand."""

RAW_BYTES = 8 * 1024
"""Kept of it, as `Failed` promises."""

PIECE_BYTES = 65_536
"""Read at most at a time. Whatever has come in is handed on at once, so this is rarely reached."""

QUEUED_PIECES = 64
"""At most 4 MiB wait for a slow consumer; then the reader stops reading, and TCP holds the upstream back."""

DIALLED_AHEAD_SECONDS = 10.0
"""A connection that was made this long before its request is not used: a server may be about to close it (nginx waits
60 s for a request's headers, and others less), and a close that crosses the request looks as if it might have been
taken. S3's answer, which is what is waited for meanwhile, takes milliseconds unless it is repeated."""

_SLICE_SECONDS = 0.125
"""A pause looks up this often to see whether the exchange was given up."""

_STAGES: tuple[tuple[type[OSError], str], ...] = (
    (socket.gaierror, "its name could not be resolved"),
    (ssl.SSLCertVerificationError, "its certificate could not be verified"),
    (ssl.SSLError, "the TLS handshake failed"),
    (TimeoutError, "no connection was made in time"),
    (ConnectionRefusedError, "it refused the connection"),
    (OSError, "the connection failed"),
)

_NOTHING_SENT = "Nothing was sent and nothing was charged; try again later."
_UNKNOWN = "Whether it charged for the request is not known, so Reelay does not send it again."
_NO_TIME = f"The time ran out before the upstream could be reached. {_NOTHING_SENT}"
_NO_ANSWER = f"The request was sent, and no whole answer of the upstream came in the time there was. {_UNKNOWN}"
_NO_STATUS = f"The request was sent, and the upstream broke the connection off without an HTTP answer. {_UNKNOWN}"
_QUIET = f"The upstream fell silent in the middle of its answer. {_UNKNOWN}"
_CUT = f"The upstream broke its answer off before the end that it had announced. {_UNKNOWN}"
_ENCODED = f"The upstream sent its answer in an encoding that was not asked for; Reelay does not unpack it. {_UNKNOWN}"
_TOO_LONG = f"The upstream's answer is longer than Reelay reads. {_UNKNOWN}"


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how much, in seconds, bytes and pieces; the constants of this module say why."""

    connect_seconds: float = CONNECT_SECONDS
    send_seconds: float = SEND_SECONDS
    idle_seconds: float = IDLE_SECONDS
    error_body_seconds: float = ERROR_BODY_SECONDS
    reply_bytes: int = REPLY_BYTES
    queued_pieces: int = QUEUED_PIECES


@dataclass(frozen=True, slots=True)
class Means:
    """What every exchange of one upstream shares; `jitter` gives numbers from 0 to 1."""

    dialer: Dialer
    path: str
    clock: Clock
    limits: Limits
    jitter: Callable[[], float]


class _Tried(NamedTuple):
    """How an attempt ended, and for how many seconds the upstream asked to be left alone."""

    last: Seen
    asked: float | None = None


class HttpsExchange:
    """Keeps the promises of `ports.Exchange`: a thread dials, waits for `post`, and reads; the timekeeper shuts its
    socket down at the deadline.

    Only that is a total limit: a socket's own time-out begins anew with every byte.
    """

    def __init__(self, means: Means, deadline: float) -> None:
        self._means = means
        self._limits = means.limits
        self._clock = means.clock
        self._outgoing = Outgoing(b"", {})
        self._masked = Masked("")
        self._deadline = deadline
        self._handoff = Handoff(means.limits.queued_pieces, Failed(UpstreamUnreachable(_NO_TIME)))
        left = deadline - self._clock.monotonic()
        if left <= 0:
            self._handoff.interrupt()
        self._call_off = TIMEKEEPER.at(time.monotonic() + left, self._handoff.interrupt)
        threading.Thread(target=self._run, name="upstream-reader", daemon=True).start()

    def post(self, outgoing: Outgoing) -> None:
        """Send the request as soon as there is a connection, and return at once. Raises RuntimeError for a second."""
        self._handoff.ask(outgoing)

    def wait(self, seconds: float) -> Seen | None:
        """The next thing seen, or None when `seconds` passed without one."""
        return self._handoff.take(seconds)

    def close(self) -> None:
        """Give the exchange up: the connection is shut down and its threads end."""
        self._handoff.close()

    def _run(self) -> None:
        try:
            self._handoff.finish(self._talk())
        except Over:
            pass
        except Exception as defect:  # noqa: BLE001 - nobody else would hear of it, and the consumer would wait for ever
            self._handoff.finish(Failed(defect))
        finally:
            self._call_off()

    def _talk(self) -> Seen:
        """Try until there is an answer, a doubt, or no use in trying again; returns the last thing to say."""
        tried = self._dialled_ahead()
        for attempt in range(1, ATTEMPTS):
            pause = self._pause(tried, attempt)
            if pause is None:
                return tried.last
            self._sleep(pause)
            tried = self._attempt()
        return tried.last

    def _dialled_ahead(self) -> _Tried:
        """The first attempt, whose connection is made while the request is not yet to be sent."""
        try:
            sock = self._means.dialer.open(self._handoff.hold)
        except OSError as failure:
            self._take_request()
            return _Tried(Failed(_unreachable(failure)))
        with sock:
            made = self._clock.monotonic()
            self._take_request()
            if self._clock.monotonic() - made < DIALLED_AHEAD_SECONDS and is_open(sock):
                return self._posted(sock)
        return self._attempt()

    def _take_request(self) -> None:
        self._outgoing = self._handoff.asked()
        # v98store has been seen to quote the key in an error; it is nobody's to keep or to show.
        self._masked = Masked(self._outgoing.headers.get("Authorization", "").removeprefix("Bearer "))

    def _pause(self, tried: _Tried, attempt: int) -> float | None:
        """Seconds until the next attempt; None when there should be none."""
        last, asked = tried
        if not isinstance(last, Failed) or not isinstance(last.error, UpstreamUnreachable | UpstreamBusy):
            return None
        self._handoff.stand(last)
        backoff = BACKOFF_SECONDS * 2 ** (attempt - 1) * (1 + self._means.jitter()) / 2
        pause = (asked or 0.0) + backoff
        too_long = (asked or 0.0) > PATIENCE_SECONDS or self._clock.monotonic() + pause >= self._deadline
        return None if too_long else pause

    def _sleep(self, seconds: float) -> None:
        for _ in range(math.ceil(seconds / _SLICE_SECONDS)):
            self._handoff.check()
            self._clock.sleep(_SLICE_SECONDS)

    def _attempt(self) -> _Tried:
        try:
            sock = self._means.dialer.open(self._handoff.hold)
        except OSError as failure:
            return _Tried(Failed(_unreachable(failure)))
        with sock:
            return self._posted(sock)

    def _posted(self, sock: socket.socket) -> _Tried:
        self._handoff.stand(Failed(UpstreamSilent(_NO_ANSWER, charged=True)))  # the `sent` mark: from here, doubt
        try:
            reply = self._response(sock)
        except TimeoutError:
            return _Tried(Failed(UpstreamSilent(_NO_ANSWER, charged=True)))
        except (OSError, HTTPException, HTTPError):
            return _Tried(Failed(UpstreamBroken(_NO_STATUS, charged=True)))
        with reply:
            headers = {name.lower(): value for name, value in reply.headers.itermerged()}
            if 200 <= reply.status < 300:
                return _Tried(self._answer(sock, reply, headers))
            return self._refusal(sock, reply, headers)

    def _response(self, sock: socket.socket) -> HTTPResponse:
        connection = HTTPConnection(self._outgoing.headers["Host"], timeout=self._limits.send_seconds)
        connection.sock = sock
        with suppress(BrokenPipeError, ConnectionResetError):  # refused in mid-body: the reply may be there already
            connection.request(
                "POST",
                self._means.path,
                body=self._outgoing.body,
                headers=self._outgoing.headers,
                preload_content=False,
                decode_content=False,
            )
        connection.timeout = None  # the deadline alone ends the wait for the status line
        return connection.getresponse()

    def _answer(self, sock: socket.socket, reply: HTTPResponse, headers: Mapping[str, str]) -> Seen:
        if not _is_plain(headers):
            return Failed(UpstreamBroken(_ENCODED, charged=True))
        self._handoff.put(Head(reply.status, headers))
        sock.settimeout(self._limits.idle_seconds)
        room = self._limits.reply_bytes
        try:
            while piece := reply.read1(PIECE_BYTES):
                room -= len(piece)
                if room < 0:
                    return Failed(UpstreamBroken(_TOO_LONG, charged=True))
                self._hand_on(self._masked.feed(piece))
        except ReadTimeoutError:
            return Failed(UpstreamSilent(_QUIET, charged=True))
        except HTTPError:
            return Failed(UpstreamBroken(_CUT, charged=True), self._masked.rest())
        self._hand_on(self._masked.rest())
        return End()

    def _hand_on(self, data: bytes) -> None:
        if data:
            self._handoff.put(Data(data))

    def _refusal(self, sock: socket.socket, reply: HTTPResponse, headers: Mapping[str, str]) -> _Tried:
        now = self._clock.now()
        self._handoff.stand(Failed(refusals.refusal(reply.status, headers, b"", now)))
        body = self._error_body(sock, reply)
        error = refusals.refusal(reply.status, headers, body, now)
        return _Tried(Failed(error, body[:RAW_BYTES]), refusals.retry_after(headers, now))

    def _error_body(self, sock: socket.socket, reply: HTTPResponse) -> bytes:
        sock.settimeout(self._limits.error_body_seconds)
        until = self._clock.monotonic() + self._limits.error_body_seconds
        body = bytearray()
        with suppress(HTTPError):  # the status says enough
            while self._clock.monotonic() < until and (piece := reply.read1(ERROR_BYTES - len(body))):
                body += piece
        return self._masked.feed(bytes(body)) + self._masked.rest()


def _unreachable(failure: OSError) -> UpstreamUnreachable:
    stage = next(words for kind, words in _STAGES if isinstance(failure, kind))
    return UpstreamUnreachable(f"The upstream could not be reached: {stage}. {_NOTHING_SENT}")


def _is_plain(headers: Mapping[str, str]) -> bool:
    """Whether the body is what it says, not packed: a small gzip bomb inflates to hundreds of megabytes."""
    encoding = headers.get("content-encoding", "").strip().lower()
    transfer = headers.get("transfer-encoding", "").strip().lower()
    return encoding in ("", "identity") and transfer in ("", "identity", "chunked")
