"""The reference of the API, a page for people: a renderer that lies beside the code, and the contract it reads.

It is public as the contract is. Nothing of it comes from another host, and it sends no request but the one for
openapi.json.
"""

from __future__ import annotations

from pathlib import Path

from reelay.model import Answer, Call, Invocation
from reelay.page_files import PageFiles

FOLDER = Path(__file__).with_name("docs")
DIRECTIVES = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'unsafe-inline'",  # RapiDoc has style attributes and elements in its templates, and no style sheet
    "connect-src 'self'",  # openapi.json
    "img-src data:",  # an icon that is empty, lest the browser ask for /favicon.ico
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
)
"""What the page may do (W3C CSP 3). Trusted types are not asked for: RapiDoc writes the contract's markdown as HTML."""


class DocsPage:
    """The page and the script it loads."""

    def __init__(self) -> None:
        self._files = PageFiles(FOLDER, "docs")

    @property
    def version(self) -> str:
        """Names the present state of all files."""
        return self._files.version

    def page(self, call: Call, _: Invocation) -> Answer:
        """The page; it finds openapi.json beside its own address."""
        return self._files.page(call, "; ".join(DIRECTIVES))

    def file(self, call: Call, _: Invocation) -> Answer:
        """The renderer. Raises NotFound for whatever is no file of the page."""
        return self._files.file(call)
