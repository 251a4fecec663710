"""The studio: a page for people, served as it lies beside the code.

It is public as the contract is, for nothing of anybody's is in it: its scripts ask the API with the key that is typed
into it. Whatever it may load or do is in its Content-Security-Policy; nothing that comes from outside can run there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from reelay.model import Answer, Call, Invocation
from reelay.page_files import PageFiles

FOLDER = Path(__file__).with_name("studio")


class StudioPage:
    """The files of the studio. `media_address` is an address of the bucket's as it is given out for a video: only
    there, and nowhere else outside, may the page find pictures and videos."""

    def __init__(self, media_address: Callable[[], str], folder: Path = FOLDER) -> None:
        self._media_address = media_address
        self._files = PageFiles(folder, "studio")

    @property
    def version(self) -> str:
        """Names the present state of all files."""
        return self._files.version

    def page(self, call: Call, _: Invocation) -> Answer:
        """The page. What it loads lies below it, with a slash at the end of its own address or without."""
        below = "" if call.path.endswith("/") else quote(unquote(call.path.rpartition("/")[2])) + "/"
        return self._files.page(call, self._policy, below)

    def file(self, call: Call, _: Invocation) -> Answer:
        """A script or a style sheet of the page. Raises NotFound for whatever is none of them."""
        return self._files.file(call)

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
