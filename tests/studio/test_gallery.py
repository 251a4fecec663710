"""What was made is found again: by scrolling, by model and label; and watched, changed, fetched, and deleted there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import warnings
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.studio.place import Studio, ask_for, come_in, job, tile

PROMPT = "a golden retriever in orbit"
PAGE = 24
"""Videos that the gallery reads at a time (gallery.js)."""


def prompts(page: Page) -> list[str]:
    return page.locator("#gallery .prompt").all_inner_texts()


def test_it_is_endless_newest_first_and_each_has_its_poster(page: Page, studio: Studio, key: str) -> None:
    newest = studio.made(key)
    older = studio.copies(newest, PAGE + 2)
    page.set_viewport_size({"width": 1280, "height": 500})
    come_in(page, studio, key)
    expect(tile(page, PROMPT)).to_be_visible()
    expect(page.locator("#gallery .card")).to_have_count(PAGE)
    page.locator("#gallery .card").last.scroll_into_view_if_needed()
    expect(page.locator("#gallery .card")).to_have_count(len(older) + 1)
    assert prompts(page) == [PROMPT, *(f"the same dog, take {each}" for each in range(1, len(older) + 1))]
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()
    expect(page.locator("#gallery .card").last.locator("img")).to_have_js_property("naturalWidth", 320)


def test_it_is_filtered_by_model_and_label(page: Page, studio: Studio, key: str) -> None:
    studio.made(key, "one")
    studio.made(key, "two", "sim-v4")
    studio.made(key, "three", "sim-v4", metadata={"project": "trailer", "take": "1"})
    come_in(page, studio, key)
    expect(page.locator("#gallery .card")).to_have_count(3)
    shelf = page.get_by_role("search", name="Made before")
    shelf.get_by_label("Model").fill("sim-v4")
    shelf.get_by_role("button", name="Show").click()
    expect(page.locator("#gallery .card")).to_have_count(2)
    assert prompts(page) == ["three", "two"]
    shelf.get_by_label("Labels").fill("project=trailer")
    shelf.get_by_label("Labels").press("Enter")
    expect(page.locator("#gallery .card")).to_have_count(1)
    shelf.get_by_label("Labels").fill("project=another")
    shelf.get_by_label("Labels").press("Enter")
    expect(page.get_by_text("Nothing here is of that model and those labels.")).to_be_visible()
    shelf.get_by_label("Labels").fill("project")
    shelf.get_by_label("Labels").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Labels look like project=trailer")


def test_one_is_opened_downloaded_remixed_and_deleted(page: Page, studio: Studio, key: str) -> None:
    made = studio.made(key, PROMPT, metadata={"project": "trailer"})
    come_in(page, studio, key)
    tile(page, PROMPT).click()
    viewer = page.get_by_role("dialog", name=PROMPT)
    expect(viewer.locator("video")).to_have_js_property("readyState", 4)
    expect(viewer.locator(".facts")).to_contain_text("project=trailer")
    expect(viewer.locator(".facts")).to_contain_text("29 kB")
    assert page.url.endswith(f"#video_{made.id}")

    with page.expect_download() as download:
        viewer.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == f"{made.id}.mp4"
    assert download.value.path().read_bytes()[4:8] == b"ftyp"

    paid = studio.simulator.posts
    viewer.get_by_role("button", name="Remix", exact=True).click()
    expect(viewer.get_by_label("What changes?")).to_be_focused()
    viewer.get_by_label("What changes?").fill("the same, at night")
    viewer.get_by_role("button", name="Remix it").click()
    expect(viewer).to_be_hidden()
    expect(job(page, "the same, at night").locator(".words")).to_have_text("Ready")
    assert studio.simulator.posts == paid + 1
    remix = studio.records(key)[0]
    assert remix.video is not None
    assert remix.video.remix_of == made.id
    assert prompts(page) == ["the same, at night", PROMPT]
    tile(page, "the same, at night").click()
    page.get_by_role("link", name="an earlier one").click()
    expect(viewer.locator("video")).to_have_js_property("readyState", 4)

    viewer.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Keep it").click()
    expect(viewer).to_be_visible()
    viewer.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog", name="Delete this video?").get_by_role("button", name="Delete").click()
    expect(tile(page, PROMPT)).to_have_count(0)
    assert [record.id for record in studio.records(key)] == [remix.id]


def test_what_is_deleted_leaves_no_card_behind_and_the_focus_goes_to_the_gallery(inside: Page) -> None:
    expect(ask_for(inside, PROMPT).locator(".words")).to_have_text("Ready")
    job(inside, PROMPT).get_by_role("link", name="Open").click()
    inside.get_by_role("dialog", name=PROMPT).get_by_role("button", name="Delete").click()
    inside.get_by_role("dialog", name="Delete this video?").get_by_role("button", name="Delete").click()
    expect(inside.get_by_role("dialog")).to_be_hidden()
    expect(job(inside, PROMPT)).to_have_count(0)
    expect(tile(inside, PROMPT)).to_have_count(0)
    expect(inside.get_by_role("heading", name="Made before")).to_be_focused()


def test_an_address_opens_its_video_and_back_closes_it(page: Page, studio: Studio, key: str) -> None:
    made = studio.made(key)
    come_in(page, studio, key)
    tile(page, PROMPT).click()
    expect(page.get_by_role("dialog", name=PROMPT)).to_be_visible()
    page.reload()
    expect(page.get_by_role("dialog", name=PROMPT)).to_be_visible()
    page.go_back()
    expect(page.get_by_role("dialog")).to_be_hidden()
    studio.store.delete(made)
    page.evaluate(f"location.hash = 'video_{made.id}'")
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("No such completion")
    expect(page.locator("#gallery .card")).to_have_count(0)


def test_a_link_that_has_died_is_replaced_while_one_watches(page: Page, studio: Studio, key: str) -> None:
    studio.made(key)
    come_in(page, studio, key)
    page.clock.install()
    tile(page, PROMPT).click()
    video = page.get_by_role("dialog").locator("video")
    expect(video).to_have_js_property("readyState", 4)
    page.clock.fast_forward(120_000)
    first = video.get_attribute("src")
    video.evaluate("video => { video.muted = true; video.src = video.src.replace('/video-', '/gone-') }")
    expect(video).not_to_have_attribute("src", re.compile("/gone-"))
    expect(video).to_have_js_property("readyState", 4)
    assert str(video.get_attribute("src")).split("?")[0] == str(first).split("?")[0]


def test_what_is_made_elsewhere_shows_itself_when_it_is_done(page: Page, studio: Studio, key: str) -> None:
    studio.gate.hold()
    video = studio.api("POST", "v1/videos", key, {"prompt": PROMPT})
    studio.until("排队中")
    page.clock.install()
    come_in(page, studio, key)
    expect(page.locator("#gallery .words")).to_contain_text("sora-2")
    assert page.locator("#gallery .card").get_attribute("data-state") in ("queued", "in_progress")
    studio.gate.open()
    studio.kept(key, video["id"])
    page.clock.run_for(4000)  # as long as a card waits until it asks again
    expect(page.locator("#gallery .card")).to_have_attribute("data-state", "completed")
    expect(page.locator("#gallery .words")).to_contain_text("just now")


@pytest.fixture
def written(page: Page, studio: Studio, key: str) -> dict[str, str]:
    """A video's request in each of its ways of being written."""
    studio.made(key, 'the dog\'s "new" suit')
    come_in(page, studio, key)
    tile(page, 'the dog\'s "new" suit').click()
    page.get_by_role("dialog").get_by_role("button", name="As code").click()
    shown = page.get_by_role("dialog", name="The same as code")
    ways = {}
    for way in ("curl", "Python", "Node.js"):
        shown.get_by_label(way).check()
        ways[way] = shown.get_by_label("The code").inner_text()
        assert key not in ways[way]
    return ways


def test_its_request_is_shown_as_code_that_runs(
    written: dict[str, str], studio: Studio, key: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", key)
    paid = studio.simulator.posts
    names: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the SDK warns that OpenAI's own Sora is gone
        exec(compile(written["Python"], "shown", "exec"), names)  # noqa: S102 - the page's own lines
    names["client"].close()
    assert (here / "video.mp4").read_bytes()[4:8] == b"ftyp"
    if shutil.which("curl"):
        assert "data: [DONE]" in run(["bash", "-euc", written["curl"]])
    if shutil.which("node"):
        (here / "shown.mjs").write_text(written["Node.js"])
        run(["node", "--check", "shown.mjs"])
    texts = {record.request["messages"][0]["content"] for record in studio.records(key) if record.request}
    assert texts == {'the dog\'s "new" suit'}
    assert studio.simulator.posts == paid + (2 if shutil.which("curl") else 1)


def run(command: list[str]) -> str:
    """What a command prints."""
    return subprocess.run(command, env={**os.environ}, capture_output=True, text=True, check=True).stdout  # noqa: S603 - the page's own lines


def test_the_desk_shows_its_request_as_code_and_copies_it(inside: Page) -> None:
    inside.context.grant_permissions(["clipboard-read", "clipboard-write"])
    inside.get_by_label("What the video shows").fill(PROMPT)
    inside.get_by_role("form", name="A new video").get_by_role("button", name="As code").click()
    inside.get_by_role("button", name="Copy").click()
    expect(inside.get_by_role("button", name="Copied")).to_be_visible()
    assert inside.evaluate("navigator.clipboard.readText()") == inside.get_by_label("The code").inner_text()
    box = inside.get_by_role("dialog").bounding_box()
    assert box is not None
    inside.mouse.click(box["x"] + 4, box["y"] + 40)
    expect(inside.get_by_role("dialog")).to_be_visible()
    inside.mouse.click(box["x"] - 40, box["y"] + 40)
    expect(inside.get_by_role("dialog")).to_be_hidden()
