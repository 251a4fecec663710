"""The files of a page for people, served as they lie in a folder beside the code: its HTML and what that loads."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from reelay.errors import NotFound
from reelay.model import Answer, Call

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


class PageFiles:
    """The files in `folder`, which lie at `<name>/<version>/<file>`; the page writes `<name>/<file>`."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name

    def page(self, call: Call, policy: str, below: str = "") -> Answer:
        """The page with its Content-Security-Policy. `below` leads from where its address is looked up to where the
        name is: empty, or a path with a slash at its end."""
        html = self._files[PAGE].replace(f'"{self._name}/'.encode(), f'"{below}{self._name}/{self.version}/'.encode())
        headers = {
            "Content-Security-Policy": policy,
            "Cross-Origin-Opener-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
        }
        return _file(call, html, TYPES[".html"], {"Cache-Control": ALWAYS_ASKED, **headers})

    def file(self, call: Call) -> Answer:
        """A script or a style sheet. One of another version is answered with the present one, which no cache then
        takes for that; raises NotFound for whatever is none of them."""
        name = call.parameters["file"]
        if name == PAGE or name not in self._files:
            raise NotFound(f"There is no such file of /{self._name}.")
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


def _file(call: Call, data: bytes, kind: str, headers: Mapping[str, str]) -> Answer:
    """The file, or 304 where the caller has it already (RFC 9110 section 13.1.2)."""
    tag = f'"{hashlib.sha256(data).hexdigest()[:VERSION_CHARACTERS]}"'
    known = {each.strip().removeprefix("W/") for each in call.headers.get("if-none-match", "").split(",")}
    if known & {tag, "*"}:
        return Answer(304, {"ETag": tag, **headers}, ())
    return Answer(200, {"Content-Type": kind, "ETag": tag, **headers}, (data,))
