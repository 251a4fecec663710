"""A guarded GET of a link that nobody vouches for: from public hosts over https, within limits of time and size.

The name is looked up once, every address it has is checked, and the connection goes to a checked address with the name
kept for TLS and the Host header, so that a second, different answer of the DNS changes nothing (rebinding). Redirects
are followed by hand and each hop is guarded anew. Nothing of ours is sent: no cookie, no credentials.

The exchange is the standard library's http.client on a socket opened here, and not urllib3: with its pool, retries,
redirects, TLS and decoding all switched off nothing of urllib3 would be left but a warning in the log that quotes the
whole link, signature included, whenever a host sends a malformed header.
"""

from __future__ import annotations

import http.client
import queue
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Self

from reelay.addresses import Place, Refused, allowed, is_public, parse
from reelay.connection import system_tls

if TYPE_CHECKING:
    from reelay.ports import Clock

MEDIA_MAX_BYTES = 2 * 1024**3
"""Ours: 2 GiB is 256 parts of 8 MiB (S3 takes 10,000) and, at 20 MB/s, two of the fifteen minutes a Lambda function
may run; a minute of 1080p video at 50 Mbit/s is a fifth of it."""

CONNECT_SECONDS = 5.0
"""Each for the name, the connection and the TLS handshake; a public CDN needs a tenth of it."""

IDLE_SECONDS = 20.0
"""Without a byte, before and within the answer; a host that makes the file on demand may think for some seconds."""

MAX_REDIRECTS = 3
"""A link shortener, a signed redirect and a move of hosts; browsers' 20 would only serve loops."""

READ_BYTES = 64 * 1024
"""At most this much is taken from the socket at once."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PASSING = frozenset({425, 429, 500, 502, 503, 504})
"""Of a host that may give the file later; a file just made is not everywhere at once."""

_HEADERS = {"User-Agent": "reelay", "Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close"}
_TOO_SLOW = "the host was too slow: the time for the copy ran out"

Resolve = Callable[[str], Sequence[str]]
"""The IPv4 addresses of a host name; raises OSError when there are none."""

Dial = Callable[[tuple[str, int], float], socket.socket]
"""A connected socket to (address, port) with that time-out in seconds; raises OSError."""


class Unavailable(Exception):
    """A link that cannot be copied. `reason` is in words for people, and holds neither the link nor a secret; `passes`
    says that trying later may help."""

    def __init__(self, reason: str, *, passes: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.passes = passes


@dataclass(frozen=True, slots=True)
class DownloadLimits:
    """What one download may cost, in seconds and bytes, beside the deadline it is given."""

    connect_seconds: float = CONNECT_SECONDS
    idle_seconds: float = IDLE_SECONDS
    max_bytes: int = MEDIA_MAX_BYTES


def look_up(host: str) -> list[str]:
    """The IPv4 addresses of `host`, as the system's resolver gives them; raises OSError."""
    return [str(answer[4][0]) for answer in socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_STREAM)]


class GuardedDownload:
    """Opens links.

    `trusted_origins` ("http://127.0.0.1:9000") are read without any guard of scheme, port and address: a setting for
    development that names exact origins; a redirect from one of them to elsewhere is guarded. `allowed_hosts`, unless
    empty, are the only other hosts that are asked, by exact name or by ".suffix". `tls` is the context that verifies
    certificates and names (default: the system's authorities).
    """

    def __init__(  # noqa: PLR0913 - two settings, three seams and the limits, all by name and all but one with a default
        self,
        *,
        clock: Clock,
        trusted_origins: frozenset[str] = frozenset(),
        allowed_hosts: frozenset[str] = frozenset(),
        resolve: Resolve = look_up,
        dial: Dial = socket.create_connection,
        tls: ssl.SSLContext | None = None,
        limits: DownloadLimits = DownloadLimits(),
    ) -> None:
        self._clock = clock
        self._trusted_origins = trusted_origins
        self._allowed_hosts = frozenset(host.lower() for host in allowed_hosts)
        self._resolve = resolve
        self._dial = dial
        self._given_tls = tls
        self._limits = limits

    def open(self, url: str, deadline: float) -> Download:
        """The answer to a GET of `url`, its body still to be read; use it as a context manager.

        `deadline` is on the scale of `Clock.monotonic`, and ends the whole exchange, reading included, whatever the
        host does. Raises Unavailable: when the link or a hop is refused (then that hop was not contacted), the host
        cannot be reached or verified, or the answer is not a file within the limits.
        """
        journey = _Journey(self._clock, deadline)
        try:
            head = self._follow(url, journey)
            fault = self._fault(head)
            if fault is not None:
                raise Unavailable(fault, passes=head.status in _PASSING)
            return Download(head, journey, self._limits.max_bytes)
        except BaseException as error:
            journey.end()
            if isinstance(error, Refused):
                raise Unavailable(str(error)) from error
            raise

    def _follow(self, url: str, journey: _Journey) -> http.client.HTTPResponse:
        seen = set()
        for _ in range(MAX_REDIRECTS + 1):
            place = parse(url, self._trusted_origins)
            if place in seen:
                raise Unavailable("the link leads in a circle")
            seen.add(place)
            head = self._ask(place, self._addresses(place, journey), journey)
            location = head.headers.get("Location")
            if head.status not in _REDIRECTS or location is None:
                return head
            url = place.follow(location)
        raise Unavailable(f"the link leads on more than {MAX_REDIRECTS} times")

    def _addresses(self, place: Place, journey: _Journey) -> list[str]:
        """Every address of the place's name, looked up once; raises Unavailable unless each of them may be dialled."""
        if not place.trusted and not allowed(place.host, self._allowed_hosts):
            raise Unavailable("the link's host is not one that may be copied from")
        addresses = list(dict.fromkeys(self._looked_up(place.host, journey)))
        if not addresses:
            raise Unavailable("the link's host has no address")
        if not place.trusted and not all(is_public(address) for address in addresses):
            raise Unavailable("the link leads to a private address")
        return addresses

    def _looked_up(self, host: str, journey: _Journey) -> Sequence[str]:
        """In a thread of its own, since getaddrinfo knows no time-out."""
        answers: queue.SimpleQueue[Sequence[str]] = queue.SimpleQueue()

        def ask() -> None:
            try:
                answers.put(self._resolve(host))
            except OSError:
                answers.put(())

        threading.Thread(target=ask, name="look-up", daemon=True).start()
        try:
            return answers.get(timeout=journey.within(self._limits.connect_seconds))
        except queue.Empty as error:
            raise Unavailable("the link's host could not be looked up in time", passes=True) from error

    def _ask(self, place: Place, addresses: Sequence[str], journey: _Journey) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(place.host, place.port)
        with journey.in_words("the link's host could not be reached"):
            connection.sock = self._connected(place, addresses, journey)
        with journey.in_words("the link's host did not answer as HTTP does"):
            connection.sock.settimeout(self._limits.idle_seconds)
            connection.request("GET", place.target, headers={"Host": place.authority, **_HEADERS})
            return journey.opened(connection.getresponse())

    def _connected(self, place: Place, addresses: Sequence[str], journey: _Journey) -> socket.socket:
        *others, last = addresses
        for address in others:
            with suppress(OSError):
                return self._connect(address, place, journey)
        return self._connect(last, place, journey)

    def _connect(self, address: str, place: Place, journey: _Journey) -> socket.socket:
        sock = self._dial((address, place.port), journey.within(self._limits.connect_seconds))
        journey.guard(sock)
        if place.scheme != "https":
            return sock
        secured = self._tls.wrap_socket(sock, server_hostname=place.host, do_handshake_on_connect=False)
        journey.guard(secured)
        secured.do_handshake()
        return secured

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self._given_tls or system_tls()

    def _fault(self, head: http.client.HTTPResponse) -> str | None:
        if head.status != HTTPStatus.OK:
            return f"the host answered {head.status}"
        if head.headers.get("Content-Encoding", "identity").lower() != "identity":
            return "the host sent the file in a compression that was not asked for"
        if head.length is not None and head.length > self._limits.max_bytes:
            return _too_large(self._limits.max_bytes)
        return None


class Download:
    """A file that is coming in. `content_type` and `length` (bytes, or None) are what the host claims, no more."""

    def __init__(self, head: http.client.HTTPResponse, journey: _Journey, max_bytes: int) -> None:
        self._head = head
        self._journey = journey
        self._max_bytes = max_bytes
        self._count = 0
        self.content_type: str = head.headers.get("Content-Type", "")
        self.length: int | None = head.length

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection up; what was not read is lost."""
        self._journey.end()

    def read(self, n: int) -> bytes:
        """The next bytes, at most `n` and READ_BYTES, as they came; b"" at the end of a body that was framed as whole.

        Raises Unavailable when the deadline or a limit is passed, or the connection ends before the body does.
        """
        with self._journey.in_words("the connection broke before the file was complete"):
            data = self._head.read1(min(n, READ_BYTES))
        self._count += len(data)
        if self._count > self._max_bytes:
            raise Unavailable(_too_large(self._max_bytes))
        if not data and self._journey.late:  # a socket that was shut down reads like the end of a body
            raise Unavailable(_TOO_SLOW, passes=True)
        if not data and self._head.length:
            raise Unavailable("the file ended before the length that its host had announced", passes=True)
        return data


class _Journey:
    """All that one download opens, closed at its end; at the deadline a watchdog shuts its sockets down.

    Only that is a total limit: a socket's own time-out begins anew with every byte.
    """

    def __init__(self, clock: Clock, deadline: float) -> None:
        self.late = False
        self._clock = clock
        self._deadline = deadline
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._opened = ExitStack()
        self._watchdog = threading.Timer(self.within(threading.TIMEOUT_MAX), self._shut)
        self._watchdog.daemon = True
        self._watchdog.start()

    def within(self, seconds: float) -> float:
        """`seconds`, or what is left until the deadline when that is less; raises Unavailable when nothing is."""
        left = self._deadline - self._clock.monotonic()
        if left <= 0:
            raise Unavailable(_TOO_SLOW, passes=True)
        return min(seconds, left)

    def guard(self, sock: socket.socket) -> None:
        self._opened.callback(sock.close)
        with self._lock:
            self._sockets.append(sock)
        if self.late:
            self._shut()

    def opened(self, head: http.client.HTTPResponse) -> http.client.HTTPResponse:
        self._opened.callback(head.close)
        return head

    def end(self) -> None:
        self._watchdog.cancel()
        self._opened.close()

    def _shut(self) -> None:
        with self._lock:
            self.late = True
            for sock in self._sockets:
                with suppress(OSError):  # closed already, or now the inside of a TLS socket
                    # Not SSLSocket.shutdown, which takes the TLS layer from under the thread that reads
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)

    @contextmanager
    def in_words(self, reason: str) -> Iterator[None]:
        """Turns what the network raises into Unavailable, `reason` standing for all that has no better words."""
        try:
            yield
        except (OSError, http.client.HTTPException) as error:
            if self.late:
                reason = _TOO_SLOW
            elif isinstance(error, ssl.SSLCertVerificationError):
                reason = "the certificate of the link's host could not be verified"
            elif isinstance(error, TimeoutError):
                reason = "the link's host did not answer in time"
            raise Unavailable(reason, passes=not isinstance(error, ssl.SSLCertVerificationError)) from error


def _too_large(max_bytes: int) -> str:
    return f"the file is larger than {max_bytes:,} bytes"
