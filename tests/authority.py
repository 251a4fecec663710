"""TLS of an authority that is made for a test: a server that it certified, and a client that trusts it."""

from __future__ import annotations

import ssl

import trustme


def certified(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    """A server's context, its certificate for these names."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names).configure_cert(context)
    return context


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """A client's context that trusts the authority beside the system's."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context
