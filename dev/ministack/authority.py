"""A certificate authority of one run's own: what plays AWS and v98store speaks TLS, and only this run trusts it."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme

NAMES = ("127.0.0.1", "localhost")


class Authority:
    """PEM files in `folder`: `bundle` is the authority, `certificate` and `key` are those of a server on loopback."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        server = authority.issue_cert(*NAMES)
        self.bundle, self.certificate, self.key = (folder / f"{name}.pem" for name in ("authority", "server", "key"))
        authority.cert_pem.write_to_path(self.bundle)
        server.private_key_pem.write_to_path(self.key)
        self.certificate.write_bytes(b"".join(pem.bytes() for pem in server.cert_chain_pems))

    def server(self) -> ssl.SSLContext:
        """What a server on loopback proves itself with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def client(self) -> ssl.SSLContext:
        """What trusts such a server and no other."""
        return ssl.create_default_context(cafile=str(self.bundle))
