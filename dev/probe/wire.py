"""The one request of a probe, and everything that comes back, with its time.

Connection and TLS are the relay's own (`reelay.connection`), so the same certificates and names are verified. The
exchange is not: `reelay.upstream` tries a 429 again and keeps the head of a refusal to itself, and a probe has to see
what was answered, once.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from typing import TYPE_CHECKING

from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError, ReadTimeoutError

from dev.recording import Ending, Writer
from reelay.connection import Dialer, Endpoint, look_up, verified
from reelay.errors import UpstreamSilent
from reelay.exchange import CONNECT_SECONDS, IDLE_SECONDS, PIECE_BYTES, REPLY_BYTES, SEND_SECONDS
from reelay.handoff import Handoff, Over
from reelay.model import Failed

if TYPE_CHECKING:
    from urllib3.response import HTTPResponse

    from reelay.ports import Clock

TOTAL_SECONDS = 1200.0
"""From the first look-up to the last byte: clients of such sites wait 10 to 20 minutes."""

_HEADERS = {"User-Agent": "reelay", "Accept-Encoding": "identity", "Connection": "close"}


class NotSent(Exception):
    """Nothing was sent, in words for the person at the terminal; so nothing was charged."""


@dataclass(frozen=True, slots=True)
class Limits:
    """In seconds and bytes; the constants say why."""

    total_seconds: float = TOTAL_SECONDS
    idle_seconds: float = IDLE_SECONDS
    reply_bytes: int = REPLY_BYTES


class Probe:
    """Posts once to an endpoint and tells a writer what comes."""

    def __init__(self, place: Endpoint, writer: Writer, clock: Clock, limits: Limits | None = None) -> None:
        self._place = place
        self._dialer = Dialer(place, verified(None) if place.secure else None, look_up, CONNECT_SECONDS)
        self._writer = writer
        self._clock = clock
        self._limits = limits or Limits()
        self._handoff = Handoff(1, Failed(UpstreamSilent("the time of the probe is up")))
        self._began = clock.monotonic()

    def post(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Send it and read the answer to its end, whatever that is. Raises NotSent, and KeyboardInterrupt after the
        writer heard of it."""
        self._began = self._clock.monotonic()
        watchdog = threading.Timer(self._limits.total_seconds, self._handoff.interrupt)
        watchdog.daemon = True
        watchdog.start()
        try:
            with self._connected() as sock:
                ending = self._talked(sock, body, headers)
        finally:
            watchdog.cancel()
        self._writer.end(self._after(), ending)

    def _connected(self) -> socket.socket:
        try:
            return self._dialer.open(self._handoff.hold)
        except (OSError, Over) as failure:
            raise NotSent(f"no verified connection could be made ({type(failure).__name__})") from None

    def _talked(self, sock: socket.socket, body: bytes, headers: Mapping[str, str]) -> Ending:
        try:
            reply = self._response(sock, body, headers)
            self._writer.head(self._after(), reply.status, list(reply.headers.items()))
            with reply:
                ending = self._read(sock, reply)
            self._handoff.check()  # a socket that was shut down reads like the end of a body
        except Over:
            return Ending.LATE
        except ReadTimeoutError:
            return Ending.SILENT
        except (OSError, HTTPException, HTTPError):
            return self._broken()
        except KeyboardInterrupt:
            self._writer.end(self._after(), Ending.LEFT)
            raise
        return ending

    def _response(self, sock: socket.socket, body: bytes, headers: Mapping[str, str]) -> HTTPResponse:
        connection = HTTPConnection(self._place.authority, timeout=SEND_SECONDS)
        connection.sock = sock
        framed = {"Host": self._place.authority, **_HEADERS, **headers}
        path = f"{self._place.path}/chat/completions"
        with suppress(BrokenPipeError, ConnectionResetError):  # refused in mid-body: the reply may be there already
            connection.request("POST", path, body=body, headers=framed, preload_content=False, decode_content=False)
        connection.timeout = None  # a whole video is made in silence; the total alone ends that wait
        return connection.getresponse()

    def _read(self, sock: socket.socket, reply: HTTPResponse) -> Ending:
        sock.settimeout(self._limits.idle_seconds)
        room = self._limits.reply_bytes
        while piece := reply.read1(PIECE_BYTES):
            self._writer.piece(self._after(), piece)
            room -= len(piece)
            if room < 0:
                return Ending.LARGE
        return Ending.WHOLE

    def _broken(self) -> Ending:
        try:
            self._handoff.check()
        except Over:
            return Ending.LATE
        return Ending.CUT

    def _after(self) -> float:
        return self._clock.monotonic() - self._began
