"""Where the relay is, and the key for it."""

from __future__ import annotations

import ipaddress
import os
import re
import sys
from urllib.parse import SplitResult, urlsplit

import click

from reelay_cli.failures import Exit, Failure
from reelay_cli.screen import never_show

URL_VARIABLE = "REELAY_URL"
KEY_VARIABLE = "REELAY_API_KEY"

_WHERE = (
    "Give its address with --url or in REELAY_URL: http://127.0.0.1:8080 with `make dev`, or a deployment's ApiUrl."
)
_KEY = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)  # a bearer token: RFC 6750, section 2.1


def address(given: str | None) -> str:
    """The relay's address without its /v1 and without a slash at the end.

    Raises Failure for one that is absent, is none, or would send the key in the clear over a network.
    """
    if not given:
        raise Failure("No relay to call.", Exit.USAGE, next=_WHERE)
    try:
        parts = urlsplit(given.strip())
        well_formed = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        raise Failure("The relay's address is not a URL.", Exit.USAGE, next=_WHERE) from None
    if not well_formed or parts.query or parts.fragment or "@" in parts.netloc:
        raise Failure("The relay's address is not one of a relay.", Exit.USAGE, next=_WHERE)
    if parts.scheme == "http" and not _on_this_machine(parts):
        words = "Over http the key would cross the network readable for everybody on the way."
        raise Failure(words, Exit.USAGE, next="Use https. Plain http is for a relay on this machine.")
    return parts.geturl().rstrip("/").removesuffix("/v1")


def key() -> str:
    """The key: from REELAY_API_KEY, or asked without echo where somebody sits at a terminal. Raises Failure."""
    given = os.environ.get(KEY_VARIABLE, "").strip()
    if not given:
        if not sys.stdin.isatty():
            raise Failure("No key.", Exit.KEY, next=f"Put it into {KEY_VARIABLE}.")
        given = str(click.prompt("Key (not shown)", hide_input=True, err=True)).strip()
    if not _KEY.fullmatch(given):
        words = "The key holds characters that no key has: a blank, a quote or a line break too many?"
        raise Failure(words, Exit.KEY, next=f"Copy it again into {KEY_VARIABLE}.")
    never_show(given)
    return given


def _on_this_machine(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")  # RFC 6761, section 6.3
