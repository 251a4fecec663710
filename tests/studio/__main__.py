"""`python -m tests.studio`: the pictures of the studio in docs/, with posters painted for them."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from reelay.model import MediaKind, Record
from tests.studio.place import WIDE, Studio, ask_for, chromium, come_in, file_of, new_key, studio_up, tile

DOCS = Path(__file__).resolve().parents[2] / "docs"
MOVING_MS = 2500
"""Until nothing moves any more, such as the player's own sign that it loads."""

TALL: ViewportSize = {"width": 1280, "height": 1020}
PHONE: ViewportSize = {"width": 390, "height": 844}
SCENES = {
    "a lighthouse in the first snow, seen from a boat, 35mm film": ("#20304f", "#d9a9a0", "#e8eef2", 0.72),
    "paper boats on a river of ink, slow dolly": ("#f2d7a0", "#e8925f", "#27406b", 0.3),
    "two foxes on a dune at noon": ("#7fb4d8", "#f5e3bf", "#c98b4e", 0.55),
    "a tea field in the morning mist, drone shot": ("#e9efe0", "#b9d2b2", "#4f7a5a", 0.42),
    "an observatory under a green aurora": ("#0b1a2b", "#2f8f7a", "#101b26", 0.62),
    "a paper moon over Lisbon, stop motion": ("#2b2350", "#b0577f", "#1d1838", 0.25),
    "rain on a tram window, neon, portrait": ("#241b3d", "#7a3fa0", "#e06aa0", 0.5),
    "a whale among clouds, watercolour": ("#cfe3f1", "#f7efe6", "#6f93b8", 0.6),
}
PAINT = """([top, low, hill, at]) => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [640, 360];
    const to = canvas.getContext("2d");
    const sky = to.createLinearGradient(0, 0, 0, 300);
    sky.addColorStop(0, top);
    sky.addColorStop(1, low);
    to.fillStyle = sky;
    to.fillRect(0, 0, 640, 360);
    to.globalAlpha = 0.9;
    to.fillStyle = "#fff6e0";
    to.beginPath();
    to.arc(640 * at, 130, 34, 0, 7);
    to.fill();
    for (let row = 0; row < 4; row += 1) {
        to.globalAlpha = 0.35 + row * 0.2;
        to.fillStyle = hill;
        to.beginPath();
        to.moveTo(0, 360);
        for (let x = 0; x <= 640; x += 8) {
            const wave = Math.sin(x / (90 - row * 12) + at * 9 + row * 2) + Math.sin(x / 37 + row) / 3;
            to.lineTo(x, 215 + row * 38 - wave * (26 - row * 4));
        }
        to.lineTo(640, 360);
        to.fill();
    }
    return canvas.toDataURL("image/webp", 0.85).split(",")[1];
}"""


def main() -> None:
    """Take them."""
    with studio_up() as studio, sync_playwright() as playwright:
        browser = chromium(playwright)
        key = new_key()
        _furnish(studio, key, browser)
        _desk(studio, key, browser)
        _viewer(studio, key, browser)
        _phone(studio, key, browser)
        browser.close()


def _furnish(studio: Studio, key: str, browser: Browser) -> None:
    """Videos to look at."""
    page = browser.new_page()
    before = studio.made(key, metadata={"project": "postcards"})
    for prompt, colours in SCENES.items():
        before = _scene(studio, before, prompt, base64.b64decode(page.evaluate(PAINT, [*colours])))
    studio.store.delete(studio.records(key)[0])
    page.close()


def _scene(studio: Studio, before: Record, prompt: str, poster: bytes) -> Record:
    video, shown = file_of(before), file_of(before, MediaKind.THUMBNAIL)
    place = f"kept/media/painted/{before.id}.webp"
    studio.stack.s3.put_object(Bucket=studio.stack.bucket, Key=place, Body=poster, ContentType="image/webp")
    film = f"kept/media/painted/{before.id}.mp4"
    studio.stack.s3.copy_object(
        Bucket=studio.stack.bucket, Key=film, CopySource={"Bucket": studio.stack.bucket, "Key": str(video.key)}
    )
    request = {"model": before.model, "messages": [{"role": "user", "content": prompt}]}
    media = (replace(video, key=film), replace(shown, key=place))
    (made,) = studio.copies(before, 1, request=request, media=media)
    return made


def _desk(studio: Studio, key: str, browser: Browser) -> None:
    page = browser.new_page(viewport=TALL)
    come_in(page, studio, key)
    studio.gate.hold()
    ask_for(page, "a golden retriever in a space suit drifts past the rings of Saturn, landscape, 10 seconds")
    studio.until("81..")
    expect(page.locator(".job .words")).to_have_text("Being made, 81 %")
    _settled(page, 8)
    _shot(page, "studio")
    studio.gate.open()
    expect(page.locator(".job .words")).to_have_text("Ready")
    page.close()
    studio.store.delete(studio.records(key)[0])


def _viewer(studio: Studio, key: str, browser: Browser) -> None:
    page = browser.new_page(viewport=WIDE, color_scheme="dark")
    come_in(page, studio, key)
    _settled(page, 8)
    tile(page, [*SCENES][4]).click()
    expect(page.locator("#viewer video")).to_have_js_property("readyState", 4)
    expect(page.locator(".facts")).to_contain_text("project=postcards")
    _shot(page, "studio-dark")
    page.close()


def _phone(studio: Studio, key: str, browser: Browser) -> None:
    page = browser.new_page(viewport=PHONE, is_mobile=True, has_touch=True)
    come_in(page, studio, key)
    page.locator("#gallery-title").scroll_into_view_if_needed()
    _settled(page, 1)
    _shot(page, "studio-phone")
    page.close()


def _shot(page: Page, name: str) -> None:
    page.wait_for_timeout(MOVING_MS)
    page.screenshot(path=DOCS / f"{name}.png")


def _settled(page: Page, posters: int) -> None:
    """Wait until so many posters are there."""
    for number in range(posters):
        expect(page.locator("#gallery img").nth(number)).to_have_js_property("naturalWidth", 640)


if __name__ == "__main__":
    main()
