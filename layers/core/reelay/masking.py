"""Bytes from outside without a secret that they may repeat. No I/O."""

from __future__ import annotations

SHORTEST_CHARACTERS = 16
"""A secret that is shorter is left where it is: it may be a word of the text, and real keys have 40 and more."""


class Masked:
    """Bytes that come in pieces, with as many asterisks for each occurrence of `secret`.

    What may be the beginning of one waits for the next piece.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode() if len(secret) >= SHORTEST_CHARACTERS else b""
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """As much as is certain by now."""
        if not self._secret:
            return data
        text = (self._held + data).replace(self._secret, b"*" * len(self._secret))
        begun = self._begun(text)
        self._held = text[len(text) - begun :]
        return text[: len(text) - begun]

    def rest(self) -> bytes:
        """What waited in vain."""
        held, self._held = self._held, b""
        return held

    def _begun(self, text: bytes) -> int:
        """How many bytes at the end of it may be the beginning of the secret."""
        at = text.find(self._secret[:1], max(0, len(text) - len(self._secret) + 1))
        while at >= 0 and not self._secret.startswith(text[at:]):
            at = text.find(self._secret[:1], at + 1)
        return len(text) - at if at >= 0 else 0
