"""The reference of the API in Chromium: it shows the contract, and asks nobody but us."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.studio.place import Studio


@pytest.mark.parametrize("stage", ["/live", ""])
def test_it_shows_the_contract_and_nothing_leaves_the_host(page: Page, studio: Studio, stage: str) -> None:
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.goto(f"{studio.stack.url}{stage}/docs")
    expect(page).to_have_title("Reelay: the API")
    expect(page.locator("#api-title")).to_contain_text("Reelay")
    expect(page.get_by_role("heading", name='Create a completion (v98store\'s "Create Video")')).to_be_visible()
    expect(page.locator("rapi-doc")).to_contain_text("/v1/videos/{video_id}/remix")
    page.wait_for_load_state("networkidle")
    hosts = {urlsplit(url).netloc for url in asked if not url.startswith("data:")}
    assert hosts == {urlsplit(studio.stack.url).netloc}
    assert [urlsplit(url).path for url in asked if url.endswith(".json")] == [f"{stage}/openapi.json"]
    assert said == []


def test_the_studio_leads_to_it(page: Page, studio: Studio) -> None:
    page.goto(studio.url)
    page.get_by_role("link", name="This API").click()
    expect(page.get_by_role("heading", name='Create a completion (v98store\'s "Create Video")')).to_be_visible()
    page.go_back()
    assert page.get_by_role("link", name="its contract").get_attribute("href") == f"{studio.url}openapi.yaml"
