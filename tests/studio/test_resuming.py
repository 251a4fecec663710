"""A page that is left, reloaded or cut off finds its video again, and nothing is paid for twice."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, Page, expect

from tests.studio.place import QUEUED, Studio, ask_for, job

PROMPT = "a comet over the sea"


def test_a_reload_in_the_middle_goes_on_with_the_record(inside: Page, studio: Studio, key: str) -> None:
    studio.gate.hold()
    paid = studio.simulator.posts
    card = ask_for(inside, PROMPT)
    studio.until("36..")
    expect(card.locator(".words")).to_have_text("Being made, 36 %")
    inside.reload()
    expect(job(inside, PROMPT).locator(".words")).to_have_text("Being made, 36 %")
    studio.gate.open()
    expect(job(inside, PROMPT).locator(".words")).to_have_text("Ready")
    assert studio.simulator.posts == paid + 1
    assert len(studio.records(key)) == 1
    inside.reload()
    expect(inside.locator("#gallery .card")).to_have_count(1)
    assert inside.locator(".job").count() == 0, "what has ended is in the gallery"


def test_a_reload_before_any_answer_asks_under_the_same_name_and_pays_once(
    inside: Page, studio: Studio, key: str
) -> None:
    studio.gate.hold()
    paid = studio.simulator.posts
    ask_for(inside, PROMPT)
    assert studio.gate.wait_for_frame()
    inside.reload()
    expect(job(inside, PROMPT).locator(".words")).to_have_text(QUEUED)
    studio.gate.open()
    expect(job(inside, PROMPT).locator(".words")).to_have_text("Ready")
    assert studio.simulator.posts == paid + 1
    assert len(studio.records(key)) == 1


def test_a_lost_connection_is_told_and_found_again(inside: Page, context: BrowserContext, studio: Studio) -> None:
    studio.gate.hold()
    paid = studio.simulator.posts
    card = ask_for(inside, PROMPT)
    studio.until("69..")
    expect(card.locator(".words")).to_have_text("Being made, 69 %")
    context.set_offline(True)
    studio.cut()
    expect(card.locator(".words")).to_contain_text("Connection lost")
    context.set_offline(False)
    expect(card.locator(".words")).to_have_text("Being made, 69 %")
    studio.gate.open()
    expect(card.locator(".words")).to_have_text("Ready")
    assert studio.simulator.posts == paid + 1


def test_what_is_asked_for_without_a_connection_is_not_said_to_go_on(
    inside: Page, context: BrowserContext, studio: Studio
) -> None:
    paid = studio.simulator.posts
    context.set_offline(True)
    card = ask_for(inside, PROMPT)
    expect(card.locator(".words")).to_have_text(
        "No answer yet. Asking again under the same name, so that it is paid for once"
    )
    context.set_offline(False)
    expect(card.locator(".words")).to_have_text("Ready")
    assert studio.simulator.posts == paid + 1
