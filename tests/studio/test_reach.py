"""For everybody: by keyboard, by screen reader, light and dark, on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it has no types
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from tests.studio.place import PATIENCE_MS, Studio, ask_for, come_in, job, new_key, tile

PROMPT = "a golden retriever in orbit"
PHONE: ViewportSize = {"width": 360, "height": 740}
TARGET_PIXELS = 24
"""The least size of what is pressed (WCAG 2.2, 2.5.8)."""


def faults(page: Page) -> list[str]:
    """What axe-core finds wrong, by rule and place."""
    violations = Axe().run(page).response["violations"]
    return [f"{each['id']}: {node['html']}" for each in violations for node in each["nodes"]]


@pytest.fixture(scope="module")
def filled(studio: Studio) -> str:
    """A key with a video and a failure."""
    key = new_key()
    studio.made(key)
    studio.api("POST", "v1/videos", key, {"prompt": "a refusal", "model": "sim-stream-error"})
    return key


@pytest.fixture(params=["light", "dark"])
def colours(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    scheme: Literal["light", "dark"] = request.param
    context = browser.new_context(color_scheme=scheme, reduced_motion="reduce", bypass_csp=True)  # axe is a script
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


def test_axe_finds_nothing_wrong_in_any_state(colours: Page, studio: Studio, filled: str) -> None:
    page = colours
    page.goto(studio.url)
    page.get_by_label("Your key").fill("two words")
    page.get_by_label("Your key").press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    assert faults(page) == []
    come_in(page, studio, filled)
    page.get_by_label("What the video shows").fill("a refusal, too")
    page.get_by_role("form", name="A new video").get_by_label("Model").fill("sim-stream-error")
    page.get_by_role("button", name="Make it").click()
    expect(job(page, "a refusal, too").locator(".words")).to_contain_text("It failed")
    expect(page.locator("#gallery img").first).to_be_visible()
    assert faults(page) == []
    tile(page, PROMPT).click()
    expect(page.get_by_role("dialog").locator("video")).to_be_visible()
    page.get_by_role("button", name="Remix", exact=True).click()
    assert faults(page) == []
    page.get_by_role("dialog").get_by_role("button", name="As code").click()
    expect(page.get_by_label("The code")).to_contain_text("curl")
    assert faults(page) == []


def test_all_of_it_works_without_a_mouse(page: Page, studio: Studio, key: str) -> None:
    page.goto(studio.url)
    page.keyboard.type(key)
    page.keyboard.press("Enter")
    expect(page.get_by_label("What the video shows")).to_be_focused()
    page.keyboard.type(PROMPT)
    page.keyboard.press("Control+Enter")
    expect(job(page, PROMPT).locator(".words")).to_have_text("Ready")
    tabs_to(page, tile(page, PROMPT))
    page.keyboard.press("Enter")
    viewer = page.get_by_role("dialog", name=PROMPT)
    expect(viewer).to_be_visible()
    tabs_to(page, viewer.get_by_role("button", name="Delete"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Keep it")).to_be_focused()
    page.keyboard.press("Escape")
    expect(viewer).to_be_visible()
    page.keyboard.press("Escape")
    expect(viewer).to_be_hidden()
    expect(tile(page, PROMPT)).to_be_focused()


def tabs_to(page: Page, place: Locator) -> None:
    """Press Tab until the focus is there."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if place.evaluate("each => each === document.activeElement"):
            return
    raise AssertionError("it cannot be reached by Tab")


def test_on_a_phone_the_progress_comes_into_sight(browser: Browser, studio: Studio, key: str) -> None:
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    page = context.new_page()
    come_in(page, studio, key)
    studio.gate.hold()
    card = ask_for(page, PROMPT)
    expect(card.get_by_role("progressbar")).to_be_in_viewport()
    studio.gate.open()
    expect(card.locator(".words")).to_have_text("Ready")
    context.close()


def test_a_phone_shows_it_all_in_one_column_and_its_buttons_are_large_enough(
    browser: Browser, studio: Studio, filled: str
) -> None:
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    page = context.new_page()
    come_in(page, studio, filled)
    expect(tile(page, PROMPT)).to_be_visible()
    for opened in (False, True):
        if opened:
            tile(page, PROMPT).tap()
            expect(page.get_by_role("dialog").get_by_role("button", name="Download")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        sizes = page.locator("button:visible, input:visible, textarea:visible").evaluate_all(
            "all => all.map((each) => each.getBoundingClientRect()).map(({ width, height }) => Math.min(width, height))"
        )
        assert min(sizes) >= TARGET_PIXELS
    context.close()
