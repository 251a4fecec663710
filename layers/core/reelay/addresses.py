"""Where a link leads, read by one parser, and which addresses may be dialled for it. Pure: no look-up, no socket.

Two parsers that disagree about the host are how a guard is walked around (`http://a.example\\@127.0.0.1/` is one host
to the standard library and another to urllib3), so nothing else in the house takes a media link apart, and whatever
is not plainly a host name on the public internet is refused rather than understood.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from urllib.parse import quote, urljoin

MAX_LINK_CHARACTERS = 8_000
"""RFC 9110 section 4.1 recommends that URIs of 8,000 octets be supported; signed links stay below 3,000."""

MAX_HOST_CHARACTERS = 253
"""RFC 1035 section 2.3.4: 255 octets on the wire, which is 253 characters of text."""

_LINK = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^#]*)", re.ASCII)
_AUTHORITY = re.compile(r"([^:]+)(?::([0-9]{1,5}))?", re.ASCII)
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\xa0\\]")
"""Controls, white space and the backslash: no URL holds them (RFC 3986), and parsers differ about what they mean."""

_HOST = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+"  # labels of letters, digits, hyphens (RFC 1123 section 2.1)
    r"[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?",  # a last label that begins with a digit is a number in disguise
    re.ASCII,
)
_LOCAL = (".localhost", ".local", ".internal", ".localdomain", ".home.arpa")
"""Names that never mean a public host: RFC 6761, RFC 6762, ICANN resolution 2024.07.29.06, RFC 8375."""

_KEPT = "!#$%&'()*+,-./:;=?@[]_~"
"""What RFC 3986 allows in a path and a query, escapes included; all else is percent-encoded, as browsers do."""

_NOT_PUBLIC = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this host on this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback; Lambda's own Runtime API is 127.0.0.1:9001
        "169.254.0.0/16",  # link-local; instance metadata and credentials are 169.254.169.254
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # IETF protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # automatic multicast tunnelling
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
"""The IANA IPv4 Special-Purpose Address Registry and multicast, spelled out: `is_global` differs between
Pythons, and is asked beside it for what a later registry adds."""


class Refused(ValueError):
    """A link that may not be followed; the message is in words for people and does not hold the link."""


@dataclass(frozen=True, slots=True)
class Place:
    """One hop: what to dial and what to ask for. `target` is path and query in ASCII, without the fragment.

    `trusted` is True when the origin is one that the operator named: then neither scheme, port nor address is guarded.
    """

    scheme: str
    host: str
    port: int
    target: str = field(repr=False)
    trusted: bool = False

    @property
    def authority(self) -> str:
        """The Host header (RFC 9110 section 7.2)."""
        return self.host if self.port == _PORTS[self.scheme] else f"{self.host}:{self.port}"

    def follow(self, location: str) -> str:
        """The link that `location`, a Location header decoded as Latin-1, means here (RFC 9110 section 10.2.2).

        What comes back is as little trusted as what came in: it goes through `parse` again. Raises Refused.
        """
        reference = quote(location.encode("latin-1"), safe=_KEPT + "\\")
        try:
            return urljoin(f"{self.scheme}://{self.authority}{self.target}", reference)
        except ValueError as error:  # brackets that hold no IPv6 address
            raise Refused("the link is not a well-formed URL") from error


_PORTS = {"https": 443, "http": 80}


def parse(link: str, trusted_origins: AbstractSet[str] = frozenset()) -> Place:
    """The place that `link` names; `trusted_origins` are exact, such as `http://127.0.0.1:9000`.

    Raises Refused unless the link is https to port 443 of a host name that may be public, without credentials.
    """
    if len(link) > MAX_LINK_CHARACTERS:
        raise Refused(f"the link is longer than {MAX_LINK_CHARACTERS:,} characters")
    parts = None if _FORBIDDEN.search(link) else _LINK.match(link)
    if parts is None:
        raise Refused("the link is not a well-formed URL")
    scheme, authority, rest = parts[1].lower(), parts[2], parts[3]
    trusted = f"{scheme}://{authority}" in trusted_origins
    if not trusted:
        _check(scheme, authority)
    named = _AUTHORITY.fullmatch(authority)
    if named is None or scheme not in _PORTS:
        raise Refused("the link is not a well-formed URL")
    return Place(scheme, named[1].lower(), int(named[2] or _PORTS[scheme]), _target(rest), trusted)


def is_public(address: str) -> bool:
    """Whether `address` is an IPv4 address on the public internet, in the one canonical notation.

    Every IPv6 address is refused, since Reelay connects over IPv4 alone: that also shuts out the addresses which carry
    an IPv4 address inside (mapped, compatible, NAT64, 6to4, Teredo).
    """
    try:
        number = IPv4Address(address)
    except AddressValueError:
        return False
    return number.is_global and not any(number in network for network in _NOT_PUBLIC)


def allowed(host: str, hosts: AbstractSet[str]) -> bool:
    """Whether `hosts` names `host`, exactly or by a `.suffix` that stands for every name below it; empty allows all."""
    return not hosts or any(host.endswith(entry) if entry.startswith(".") else host == entry for entry in hosts)


def _check(scheme: str, authority: str) -> None:
    if scheme != "https":
        raise Refused("the link is not https")
    if "@" in authority:
        raise Refused("the link carries credentials")
    host, colon, port = authority.partition(":")
    if len(host) > MAX_HOST_CHARACTERS or not _HOST.fullmatch(host) or host.lower().endswith(_LOCAL):
        raise Refused("the link does not lead to a public host name")
    if colon and port != "443":
        raise Refused("the link leads to a port other than 443")


def _target(rest: str) -> str:
    try:
        target = quote(rest, safe=_KEPT)
    except UnicodeEncodeError as error:  # a lone surrogate
        raise Refused("the link is not a well-formed URL") from error
    return target if target.startswith("/") else f"/{target}"
