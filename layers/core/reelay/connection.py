"""One fresh connection, over TLS that verifies who answers, for each paid request.

No pool: a thawed Lambda holds dead sockets, and a reset on one of them looks as if the request might have been taken.
"""

from __future__ import annotations

import queue
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

Address = tuple[Any, ...]
"""One answer of `socket.getaddrinfo`."""

Resolve = Callable[[str, int], Sequence[Address]]
"""The addresses of a host and port; raises OSError when there are none."""

Hold = Callable[[socket.socket], None]
"""Told of each socket before it blocks, so that another thread can shut it down."""

_KEEPALIVE = {"SO_KEEPALIVE": 1, "TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 30, "TCP_KEEPCNT": 4}
"""A video may be silent for minutes: seconds until a probe, between probes, and probes until the peer counts as gone.
An AWS NAT gateway forgets a connection after 350 s without a packet (VPC User Guide, NAT gateway basics)."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to post. `authority` is the Host header; `path` begins with a slash and has none at its end."""

    secure: bool
    host: str
    port: int
    authority: str
    path: str


def endpoint(base_url: str, *, plain_http: bool) -> Endpoint:
    """The parts of an upstream's base URL, such as `https://v98store.com/v1`.

    Raises ValueError, and says what is wrong without repeating the URL, for anything but an http or https URL with a
    host and without credentials, query or fragment; for http unless `plain_http` says that it may be.
    """
    try:
        parts = urlsplit(base_url)
        port = parts.port
    except ValueError:
        raise ValueError("the upstream's base URL is not a URL") from None
    host = (parts.hostname or "").rstrip(".")
    fault = _fault(base_url, host, parts.scheme, plain_http=plain_http)
    if fault:
        raise ValueError(f"the upstream's base URL {fault}")
    secure = parts.scheme == "https"
    name = f"[{host}]" if ":" in host else host
    default = 443 if secure else 80
    authority = name if port in (None, default) else f"{name}:{port}"
    return Endpoint(secure, host, port or default, authority, parts.path.rstrip("/"))


def _fault(url: str, host: str, scheme: str, *, plain_http: bool) -> str | None:
    if not url.isascii() or not url.isprintable() or any(character in url for character in ' "<>\\^`{|}'):
        return "holds a character that a URL may not hold (RFC 3986); write an international host name as punycode"
    if scheme not in ("http", "https"):
        return "has to begin with https://"
    if scheme == "http" and not plain_http:
        return "is plain http, which would send API keys in clear; use https, or allow plain http by name"
    if any(character in url for character in "@?#"):
        return "may hold neither credentials nor a query nor a fragment"
    if not host or any(not 0 < len(label) < 64 for label in host.split(".")):
        return "names no host"
    return None


class _Authorities(threading.Thread):
    """Reads the system's authorities, which takes OpenSSL some 20 ms without Python's lock, while the rest of the house
    is being imported."""

    def __init__(self) -> None:
        super().__init__(name="authorities", daemon=True)
        self._context: ssl.SSLContext | None = None
        self.start()

    def run(self) -> None:
        self._context = ssl.create_default_context()

    def trusted(self) -> ssl.SSLContext:
        """The context; what kept the thread from making one is raised here."""
        self.join()
        return self._context or ssl.create_default_context()


_AUTHORITIES = _Authorities()


def system_tls() -> ssl.SSLContext:
    """The context that trusts the system's authorities, one for all. Raises OSError where they cannot be read."""
    return _AUTHORITIES.trusted()


def verified(tls: ssl.SSLContext | None) -> ssl.SSLContext:
    """The context to use: `tls`, or one that trusts the system's authorities.

    Raises ValueError for a context that would not check the certificate and its name, or that takes less than TLS 1.2
    (RFC 8996).
    """
    tls = tls or system_tls()
    if tls.verify_mode is not ssl.CERT_REQUIRED or not tls.check_hostname:
        raise ValueError("the TLS context does not verify the certificate and the host's name")
    if tls.minimum_version is ssl.TLSVersion.MINIMUM_SUPPORTED:  # what some distributions' Python begins with
        tls.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.minimum_version not in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        raise ValueError("the TLS context takes versions below 1.2")
    return tls


def look_up(host: str, port: int) -> Sequence[Address]:
    """What the system's resolver says; raises OSError."""
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


class Dialer:
    """Opens connections to one endpoint: through TLS when `tls` is given, in clear when it is None."""

    def __init__(self, place: Endpoint, tls: ssl.SSLContext | None, resolve: Resolve, seconds: float) -> None:
        self._place = place
        self._tls = tls
        self._resolve = resolve
        self._seconds = seconds

    def open(self, hold: Hold) -> socket.socket:
        """A connected and verified socket, to which nothing has been written that a server could take for a request.

        Each step (the name; the connection, shared by all addresses; the TLS handshake) has the same limit in seconds.
        Raises OSError, of which ssl.SSLError and socket.gaierror are kinds, and whatever `hold` raises.
        """
        sock = self._connected(self._looked_up(), hold)
        if self._tls is None:
            return sock
        try:
            return self._secured(self._tls, sock, hold)
        except BaseException:
            sock.close()
            raise

    def _looked_up(self) -> Sequence[Address]:
        """In a thread of its own, since getaddrinfo knows no time-out."""
        answers: queue.SimpleQueue[Sequence[Address] | OSError] = queue.SimpleQueue()

        def ask() -> None:
            try:
                answers.put(self._resolve(self._place.host, self._place.port))
            except OSError as failure:
                answers.put(failure)

        threading.Thread(target=ask, name="upstream-look-up", daemon=True).start()
        try:
            answer = answers.get(timeout=self._seconds)
        except queue.Empty:
            answer = socket.gaierror(socket.EAI_AGAIN, "no answer in time")
        if isinstance(answer, OSError):
            raise answer
        return answer

    def _connected(self, addresses: Sequence[Address], hold: Hold) -> socket.socket:
        failure: OSError = socket.gaierror(socket.EAI_NONAME, "no address")
        for address in addresses:
            try:
                return self._connect(address, self._seconds / len(addresses), hold)
            except OSError as refused:
                failure = refused
        raise failure

    def _connect(self, address: Address, seconds: float, hold: Hold) -> socket.socket:
        family, kind, protocol, _, place = address
        sock = socket.socket(family, kind, protocol)
        try:
            hold(sock)
            sock.settimeout(seconds)
            sock.connect(place)
            _tune(sock)
        except BaseException:
            sock.close()
            raise
        return sock

    def _secured(self, tls: ssl.SSLContext, sock: socket.socket, hold: Hold) -> socket.socket:
        sock.settimeout(self._seconds)
        secured = tls.wrap_socket(sock, server_hostname=self._place.host, do_handshake_on_connect=False)
        try:
            hold(secured)
            secured.do_handshake()
        except BaseException:
            secured.close()
            raise
        return secured


def is_open(sock: socket.socket) -> bool:
    """Whether a connection on which nothing has been asked is good for a request, as far as it has been heard: neither
    closed nor spoken on by the peer. Leaves it without a time-out of its own."""
    sock.settimeout(0)
    try:
        sock.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
    except OSError:
        return False
    return False


def _tune(sock: socket.socket) -> None:
    """Nothing waits to be sent in company, and a dead peer is found out; macOS lacks some of the options."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for name, value in _KEEPALIVE.items():
        if hasattr(socket, name):
            level = socket.SOL_SOCKET if name.startswith("SO_") else socket.IPPROTO_TCP
            sock.setsockopt(level, getattr(socket, name), value)
