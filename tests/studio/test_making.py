"""A video is asked for, its progress watched, and played; and what is seen when it fails."""

from __future__ import annotations

import base64

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.studio.place import QUEUED, Studio, ask_for, come_in, job, tile

PROMPT = "a golden retriever drifts past Saturn"
PIXEL = base64.b64decode(
    b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M/wHwAEBgIApD5fRAAAAABJRU5ErkJggg=="
)
BAR = "progress"


def test_from_the_queue_over_its_progress_to_the_video_that_plays(inside: Page, studio: Studio, key: str) -> None:
    studio.gate.hold()
    paid = studio.simulator.posts
    card = ask_for(inside, PROMPT)
    expect(card.locator(".words")).to_have_text("Sending your request")
    studio.until("排队中")
    expect(card.locator(".words")).to_have_text(QUEUED)
    assert card.locator(BAR).get_attribute("value") is None
    studio.until("生成中")
    expect(card.locator(".words")).to_have_text("Being made. How far is not told yet")
    for percent in (36, 81):
        studio.until(f"{percent}..")
        expect(card.locator(".words")).to_have_text(f"Being made, {percent} %")
        expect(card.get_by_role("progressbar", name=f"Progress of: {PROMPT}")).to_have_js_property("value", percent)
    expect(inside.get_by_role("status")).to_have_text(f"Being made, 81 %: {PROMPT}")
    studio.gate.open()
    expect(card.locator(".words")).to_have_text("Ready")
    video = card.locator("video")
    video.evaluate("video => { video.muted = true; return video.play() }")
    expect(video).to_have_js_property("ended", value=True)
    assert video.evaluate("video => video.duration") == pytest.approx(2, abs=0.2)

    expect(tile(inside, PROMPT)).to_have_count(1)
    expect(inside.locator("#gallery img")).to_have_js_property("naturalWidth", 320)
    assert studio.simulator.posts == paid + 1
    (record,) = studio.records(key)
    assert record.request == {"model": "sora-2", "messages": [{"role": "user", "content": PROMPT}], "stream": True}

    card.get_by_role("button", name="Put away").click()
    expect(inside.get_by_role("heading", name="Asked for in this tab")).to_be_hidden()
    expect(inside.get_by_label("What the video shows")).to_be_focused()


@pytest.mark.parametrize("way", ["chosen", "dropped"])
def test_a_picture_and_labels_go_with_the_prompt(inside: Page, studio: Studio, key: str, way: str) -> None:
    if way == "chosen":
        file: FilePayload = {"name": "dog.png", "mimeType": "image/png", "buffer": PIXEL}
        inside.get_by_label("A picture file").set_input_files(file)
    else:
        inside.evaluate(
            """([bytes]) => {
                const data = new DataTransfer();
                data.items.add(new File([new Uint8Array(bytes)], "dog.png", { type: "image/png" }));
                document.getElementById("desk").dispatchEvent(new DragEvent("drop", { dataTransfer: data }));
            }""",
            [[*PIXEL]],
        )
    expect(inside.get_by_alt_text("The picture that the video begins with")).to_be_visible()
    inside.get_by_role("form", name="A new video").get_by_label("Labels").fill("project=trailer, take=2")
    card = ask_for(inside, PROMPT)
    expect(card.locator(".words")).to_have_text("Ready")
    expect(inside.get_by_alt_text("The picture that the video begins with")).to_be_hidden()
    (record,) = studio.records(key)
    assert record.metadata == {"project": "trailer", "take": "2"}
    assert record.request is not None
    text, picture = record.request["messages"][0]["content"]
    assert text["text"] == PROMPT
    assert picture["image_url"]["url"] == "data:image/png;base64," + base64.b64encode(PIXEL).decode()


def test_what_is_dropped_beside_the_desk_does_not_lead_away_and_a_dragged_text_is_no_file(inside: Page) -> None:
    prevented = """([place, file]) => {
        const data = new DataTransfer();
        if (file) data.items.add(new File(["x"], "dog.png", { type: "image/png" }));
        else data.setData("text/plain", "a dog");
        const told = { dataTransfer: data, bubbles: true, cancelable: true };
        const at = document.querySelector(place);
        return ["dragover", "drop"].map((name) => !at.dispatchEvent(new DragEvent(name, told)));
    }"""
    assert inside.evaluate(prevented, [".top", True]) == [True, True]
    assert inside.evaluate(prevented, ["#prompt", False]) == [False, False]


def test_a_large_picture_is_made_smaller_before_it_goes(inside: Page, studio: Studio, key: str) -> None:
    inside.evaluate(
        """async () => {
            const canvas = document.createElement("canvas");
            [canvas.width, canvas.height] = [2400, 800];
            const context = canvas.getContext("2d"), noise = context.createImageData(2400, 800);
            for (let at = 0; at < noise.data.length; at += 65536) {
                crypto.getRandomValues(noise.data.subarray(at, at + 65536));
            }
            context.putImageData(noise, 0, 0);
            const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
            const data = new DataTransfer();
            data.items.add(new File([blob], "noise.png", { type: "image/png" }));
            document.getElementById("desk").dispatchEvent(new DragEvent("drop", { dataTransfer: data }));
        }"""
    )
    expect(inside.get_by_alt_text("The picture that the video begins with")).to_have_js_property("naturalWidth", 1920)
    expect(ask_for(inside, PROMPT).locator(".words")).to_have_text("Ready")
    (record,) = studio.records(key)
    assert record.model == "sora-2"


def test_what_is_no_picture_and_what_are_no_labels_is_said_and_nothing_is_sent(inside: Page, studio: Studio) -> None:
    paid = studio.simulator.posts
    note: FilePayload = {"name": "a.txt", "mimeType": "text/plain", "buffer": b"hello"}
    inside.get_by_label("A picture file").set_input_files(note)
    expect(inside.get_by_role("alert")).to_have_text("A picture is a PNG, JPEG, WebP or GIF file.")
    inside.get_by_role("form", name="A new video").get_by_label("Labels").fill("trailer")
    ask_for(inside, PROMPT)
    expect(inside.get_by_role("alert")).to_have_text("Labels look like project=trailer, with commas between them.")
    assert inside.locator(".job").count() == 0
    expect(inside.get_by_label("What the video shows")).to_have_value(PROMPT)
    assert studio.simulator.posts == paid


@pytest.mark.parametrize(
    ("model", "says", "charged"),
    [
        ("sim-sentinel-block", "It failed. ", False),
        ("sim-moderation-blocked", "It failed. ", True),
        ("sim-stream-error", "It failed. ", True),
        ("sim-no-link", "It failed. v98store answered, but with no video", True),
    ],
)
def test_a_failure_is_told_with_what_it_may_have_cost(
    inside: Page, studio: Studio, model: str, says: str, charged: bool
) -> None:
    paid = studio.simulator.posts
    card = ask_for(inside, PROMPT, model)
    expect(card.locator(".words")).to_contain_text(says)
    assert len(card.locator(".words").inner_text()) > len("It failed. ")
    assert ("may have cost money" in card.locator(".words").inner_text()) is charged
    card.get_by_role("button", name="Change the prompt").click()
    expect(inside.get_by_label("What the video shows")).to_have_value(PROMPT)
    assert studio.simulator.posts == paid + 1, "asked for once, whatever became of it"


def test_a_failure_outlives_a_reload_until_it_is_put_away_and_its_picture_comes_back(
    inside: Page, studio: Studio
) -> None:
    paid = studio.simulator.posts
    file: FilePayload = {"name": "dog.png", "mimeType": "image/png", "buffer": PIXEL}
    inside.get_by_label("A picture file").set_input_files(file)
    expect(inside.get_by_alt_text("The picture that the video begins with")).to_be_visible()
    expect(ask_for(inside, PROMPT, "sim-stream-error").locator(".words")).to_contain_text("It failed. ")
    inside.reload()
    expect(job(inside, PROMPT).locator(".words")).to_contain_text("It may have cost money")
    expect(job(inside, PROMPT)).to_contain_text("sim-stream-error")
    job(inside, PROMPT).get_by_role("button", name="Change the prompt").click()
    expect(inside.get_by_label("What the video shows")).to_have_value(PROMPT)
    expect(inside.get_by_alt_text("The picture that the video begins with")).to_be_visible()
    job(inside, PROMPT).get_by_role("button", name="Put away").click()
    inside.reload()
    expect(inside.get_by_text("Nothing yet.")).to_be_visible()
    assert inside.locator(".job").count() == 0
    assert studio.simulator.posts == paid + 1


def test_a_remix_that_failed_is_changed_as_a_remix(page: Page, studio: Studio, key: str) -> None:
    made = studio.made(key)
    request = {"model": "sim-stream-error", "messages": [{"role": "user", "content": PROMPT}]}
    (failing,) = studio.copies(made, 1, model="sim-stream-error", request=request)
    come_in(page, studio, key)
    tile(page, PROMPT).click()
    viewer = page.get_by_role("dialog", name=PROMPT)
    viewer.get_by_role("button", name="Remix", exact=True).click()
    viewer.get_by_label("What changes?").fill("at night")
    viewer.get_by_role("button", name="Remix it").click()
    expect(job(page, "at night").locator(".words")).to_contain_text("It failed. ")
    job(page, "at night").get_by_role("button", name="Change the prompt").click()
    expect(viewer.get_by_label("What changes?")).to_have_value("at night")
    assert page.url.endswith(f"#video_{failing.id}")


def test_what_is_written_stays_text(inside: Page) -> None:
    nasty = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"
    card = ask_for(inside, nasty)
    expect(card.locator(".words")).to_have_text("Ready")
    tile(inside, nasty).click()
    expect(inside.get_by_role("dialog").get_by_role("heading", name=nasty, exact=True)).to_be_visible()
    assert inside.title() == "Reelay studio"
    assert job(inside, nasty).locator("script").count() == 0
