"""The studio: a page for people, served as it lies beside the code.

It is public as the contract is, for nothing of anybody's is in it: its scripts ask the API with the key that is typed
into it. Whatever it may load or do is in its Content-Security-Policy; nothing that comes from outside can run there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from reelay.errors import NotFound
from reelay.model import Answer, Call, Invocation

FOLDER = Path(__file__).with_name("studio")
PAGE = "index.html"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}
VERSION_CHARACTERS = 16
"""Hex digits of the digest that names a state of all files: enough that no two are ever taken for one."""

ALWAYS_ASKED = "no-cache"
"""May be kept, and is asked after each time: the page names the version of all that it loads."""

KEPT_A_YEAR = "public, max-age=31536000, immutable"
"""RFC 8246; a changed file has another address."""


class StudioPage:
    """The files of the studio. `media_address` is an address of the bucket's as it is given out for a video: only
    there, and nowhere else outside, may the page find pictures and videos."""

    def __init__(self, media_address: Callable[[], str], folder: Path = FOLDER) -> None:
        self._media_address = media_address
        self._folder = folder

    def page(self, call: Call, _: Invocation) -> Answer:
        """The page. What it loads lies below it, with a slash at the end of its own address or without."""
        below = "" if call.path.endswith("/") else quote(unquote(call.path.rpartition("/")[2])) + "/"
        html = self._files[PAGE].replace(b'"studio/', f'"{below}studio/{self.version}/'.encode())
        headers = {
            "Content-Security-Policy": self._policy,
            "Cross-Origin-Opener-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
        }
        return _file(call, html, TYPES[".html"], {"Cache-Control": ALWAYS_ASKED, **headers})

    def file(self, call: Call, _: Invocation) -> Answer:
        """A script or a style sheet. One of another version is answered with the present one, which no cache then
        takes for that; raises NotFound for whatever is none of them."""
        name = call.parameters["file"]
        if name == PAGE or name not in self._files:
            raise NotFound("The studio has no such file.")
        present = call.parameters["version"] == self.version
        caching = {"Cache-Control": KEPT_A_YEAR if present else ALWAYS_ASKED}
        return _file(call, self._files[name], TYPES[Path(name).suffix], caching)

    @cached_property
    def version(self) -> str:
        """Names the present state of all files."""
        digest = hashlib.sha256(b"".join(name.encode() + b"\0" + data for name, data in self._files.items()))
        return digest.hexdigest()[:VERSION_CHARACTERS]

    @cached_property
    def _files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted(self._folder.iterdir()) if path.suffix in TYPES}

    @cached_property
    def _policy(self) -> str:
        address = urlsplit(self._media_address())
        bucket = f"{address.scheme}://{address.netloc}"
        return "; ".join(
            (
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                f"img-src 'self' blob: data: {bucket}",
                f"media-src 'self' blob: {bucket}",
                "connect-src 'self'",
                "base-uri 'none'",
                "form-action 'none'",
                "frame-ancestors 'none'",
                "require-trusted-types-for 'script'",
                "trusted-types 'none'",
            )
        )


def _file(call: Call, data: bytes, kind: str, headers: Mapping[str, str]) -> Answer:
    """The file, or 304 where the caller has it already (RFC 9110 section 13.1.2)."""
    tag = f'"{hashlib.sha256(data).hexdigest()[:VERSION_CHARACTERS]}"'
    known = {each.strip().removeprefix("W/") for each in call.headers.get("if-none-match", "").split(",")}
    if known & {tag, "*"}:
        return Answer(304, {"ETag": tag, **headers}, ())
    return Answer(200, {"Content-Type": kind, "ETag": tag, **headers}, (data,))
