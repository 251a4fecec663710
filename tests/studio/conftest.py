"""A stack and a browser for all tests of the studio, and a page of one's own for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.studio.place import PATIENCE_MS, WIDE, Studio, chromium, come_in, need_chromium, new_key, studio_up

HARMLESS = "Failed to load resource"
"""What Chromium says of every answer above 399, wanted or not."""


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with studio_up(log=tmp_path_factory.mktemp("stack") / "log") as up:
        yield up


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Of one file: while Playwright runs, its event loop does too, and no other test of the process could have one."""
    need_chromium()
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        opened = chromium(playwright)
        yield opened
        opened.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(viewport=WIDE, locale="en-US")
    opened.set_default_timeout(PATIENCE_MS)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext, studio: Studio) -> Iterator[Page]:
    """A page that broke nothing: no script failed, and its policy stopped nothing."""
    broken: list[str] = []
    opened = context.new_page()
    opened.on("pageerror", lambda error: broken.append(error.message))
    opened.on("console", lambda said: broken.append(said.text) if said.type == "error" else None)
    yield opened
    studio.gate.open()
    assert [each for each in broken if not each.startswith(HARMLESS)] == []


@pytest.fixture
def key() -> str:
    return new_key()


@pytest.fixture
def inside(page: Page, studio: Studio, key: str) -> Page:
    """The page behind its door."""
    come_in(page, studio, key)
    return page


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder to be in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
