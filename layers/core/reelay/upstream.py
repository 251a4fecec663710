"""v98store's chat completions over HTTP: the adapter behind `ports.Upstream`."""

from __future__ import annotations

import random
import re
import ssl
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from reelay.connection import Dialer, Resolve, endpoint, look_up, verified
from reelay.errors import UpstreamRefused
from reelay.exchange import HttpsExchange, Limits, Means
from reelay.model import Failed, Outgoing

if TYPE_CHECKING:
    from reelay.ports import Clock, Exchange

_FRAMING = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    }
)
"""Headers by which this adapter frames the exchange; what an Outgoing says of them is not sent."""

_DEFAULT_LIMITS = Limits()
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")


class HttpsUpstream:
    """Keeps the promises of `ports.Upstream`.

    `base_url` is everything before `/chat/completions`. ValueError when it is not an https URL (or an http one where
    `plain_http` allows it by name), holds credentials, query or fragment, or when `tls` would not verify. `jitter`
    gives numbers from 0 to 1.
    """

    def __init__(  # noqa: PLR0913 - two settings, four seams and the limits, by name and all but the clock with a default
        self,
        base_url: str,
        *,
        clock: Clock,
        plain_http: bool = False,
        tls: ssl.SSLContext | None = None,
        limits: Limits = _DEFAULT_LIMITS,
        resolve: Resolve = look_up,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        place = endpoint(base_url, plain_http=plain_http)
        dialer = Dialer(place, verified(tls) if place.secure else None, resolve, limits.connect_seconds)
        self._means = Means(dialer, f"{place.path}/chat/completions", clock, limits, jitter)
        self._authority = place.authority

    def dial(self, deadline: float) -> HttpsLine:
        """Begin to connect and return at once; see `ports.Upstream`."""
        return HttpsLine(HttpsExchange(self._means, deadline), self._authority)


class HttpsLine:
    """Keeps the promises of `ports.Line`."""

    def __init__(self, exchange: HttpsExchange, authority: str) -> None:
        self._exchange = exchange
        self._authority = authority

    def post(self, outgoing: Outgoing) -> Exchange:
        """Start the request and return at once; see `ports.Line`.

        A header that HTTP does not allow fails the exchange with status 400 before anything is sent.
        """
        fault = _fault(outgoing.headers)
        if fault is not None:
            self._exchange.close()
            return _NeverSent(Failed(fault))
        self._exchange.post(Outgoing(outgoing.body, self._framed(outgoing.headers)))
        return self._exchange

    def close(self) -> None:
        """Give up the connection, and the request if one was posted."""
        self._exchange.close()

    def _framed(self, headers: Mapping[str, str]) -> dict[str, str]:
        passed = {name: value for name, value in headers.items() if name.lower() not in _FRAMING}
        ours = {"User-Agent": "reelay", "Accept-Encoding": "identity", "Connection": "close"}
        return {"Host": self._authority} | ours | passed


class _NeverSent:
    """An exchange that was over before it began."""

    def __init__(self, last: Failed) -> None:
        self._last = last

    def wait(self, seconds: float) -> Failed:  # noqa: ARG002 - there is nothing to wait for
        """The reason."""
        return self._last

    def close(self) -> None:
        """Nothing is open."""


def _fault(headers: Mapping[str, str]) -> UpstreamRefused | None:
    """http.client lets NUL and folded lines through; a second request smuggled in a header would be paid too."""
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            return UpstreamRefused("A header's name is not one that HTTP allows.", status=400, code="invalid_header")
        if not _HEADER_VALUE.fullmatch(value):
            message = f"The header {name} may hold printable ASCII characters only (RFC 9110 section 5.5)."
            return UpstreamRefused(message, status=400, param=name, code="invalid_header")
    return None
