"""The reference as it is served: its files, versions and policy, and a renderer that is the published one."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from reelay.docs_page import FOLDER, DocsPage
from reelay.errors import NotFound
from reelay.model import Answer, Call, Invocation

ONCE = Invocation(60, live=False)
BUNDLE = "rapidoc-min.js"


@pytest.fixture
def docs() -> DocsPage:
    return DocsPage()


def file(docs: DocsPage, name: str, version: str | None = None) -> Answer:
    parameters = {"file": name, "version": version or docs.version}
    return docs.file(Call("getDocsFile", "/live/docs/1/a", "r", parameters=parameters), ONCE)


@pytest.mark.parametrize("path", ["/docs", "/live/docs"])
def test_the_page_finds_the_renderer_and_the_contract_beside_its_own_address(docs: DocsPage, path: str) -> None:
    answer = docs.page(Call("getDocs", path, "r"), ONCE)
    html = b"".join(answer.pieces).decode()
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["Cache-Control"] == "no-cache"
    assert re.findall(r"<script(.*?)>(.*?)</script>", html) == [
        (f' type="module" src="docs/{docs.version}/{BUNDLE}"', "")
    ]
    assert 'spec-url="openapi.json"' in html


def test_its_policy_lets_no_other_host_in_and_no_script_but_its_own(docs: DocsPage) -> None:
    headers = docs.page(Call("getDocs", "/docs", "r"), ONCE).headers
    policy = dict(each.split(" ", 1) for each in headers["Content-Security-Policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'unsafe-inline'",
        "connect-src": "'self'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


def test_the_page_asks_for_no_fonts_and_has_no_field_for_a_key() -> None:
    html = (FOLDER / "index.html").read_text()
    for switch in ("load-fonts", "allow-try", "allow-authentication"):
        assert f'{switch}="false"' in html
    assert not re.search(r"https?://|\son\w+=|\sstyle=|<style", html)


def test_the_renderer_is_kept_for_a_year_under_its_version_alone(docs: DocsPage) -> None:
    answer = file(docs, BUNDLE)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/javascript; charset=utf-8")
    assert b"".join(answer.pieces) == (FOLDER / BUNDLE).read_bytes()
    assert "immutable" in answer.headers["Cache-Control"]
    assert file(docs, BUNDLE, "another").headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("name", ["index.html", "README.md", "LICENSE.txt", "app.js", "../wiring.py", ".."])
def test_nothing_else_is_a_file_of_the_page(docs: DocsPage, name: str) -> None:
    with pytest.raises(NotFound):
        file(docs, name)


def test_the_renderer_is_the_one_whose_hash_is_written_down_and_has_its_licences_beside_it() -> None:
    written = re.search(r"sha512 of the file \| `(.+?)`", (FOLDER / "README.md").read_text())
    digest = hashlib.sha512((FOLDER / BUNDLE).read_bytes()).digest()
    assert written is not None
    assert written[1] == base64.b64encode(digest).decode()
    assert (FOLDER / "LICENSE.txt").read_text().startswith("MIT License")
    assert (FOLDER / f"{BUNDLE}.LICENSE.txt").exists()
