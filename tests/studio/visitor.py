"""Whoever follows written steps in a browser: a sentence is one thing to do, its bold words are on the page."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from playwright.sync_api import Page, expect

BOLD = r"\*\*(.+?)\*\*"


@dataclass
class Visitor:
    """A person at a page. `address` is what the document calls the relay, `url` where it really is; `kept` are the
    files that were downloaded, as name and bytes."""

    page: Page
    address: str
    url: str
    kept: list[tuple[str, bytes]] = field(default_factory=list)

    def opens(self, address: str) -> None:
        """An address of the document's."""
        assert address.startswith(self.address), f"{address} is not the relay's"
        self.page.goto(address.replace(self.address, self.url, 1))

    def types(self, words: str, name: str) -> None:
        """Into a field, by the words that stand in it while it is empty."""
        place = self.page.get_by_placeholder(name)
        place.click()
        place.press_sequentially(words)

    def types_and_enters(self, words: str, name: str, button: str) -> None:
        """As `types`, and one more key."""
        self.types(words, name)
        self.page.keyboard.press(button)

    def presses(self, name: str) -> None:
        """A button, by what is on it."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def watches(self, section: str, words: str) -> None:
        """What is below a heading, until it says so."""
        expect(self.page.get_by_role("region", name=section).get_by_role("listitem")).to_contain_text(words)

    def reloads(self) -> None:
        """The page."""
        self.page.reload()

    def picks(self, title: str, section: str) -> None:
        """What has a title, below a heading: there is one of it."""
        self.page.get_by_role("region", name=section).get_by_role("link", name=title, exact=True).click()

    def plays(self) -> None:
        """The video in front, by a click on it as on any other; to its end."""
        video = self.page.get_by_role("dialog").locator("video")
        expect(video).to_have_js_property("paused", value=True)
        video.click()
        expect(video).to_have_js_property("ended", value=True)
        assert video.evaluate("video => video.played.length === 1 && video.played.end(0) > 1"), "nothing was played"

    def downloads(self, name: str, ending: str) -> None:
        """What a button gives, as a file."""
        with self.page.expect_download() as download:
            self.presses(name)
        assert download.value.suggested_filename.endswith(ending)
        self.kept.append((download.value.suggested_filename, download.value.path().read_bytes()))


ACTIONS: dict[str, Callable[..., None]] = {
    rf"Open {BOLD} in a browser\.": Visitor.opens,
    rf"Type {BOLD} into the field {BOLD} and press {BOLD}\.": Visitor.types_and_enters,
    rf"Type {BOLD} into the field {BOLD}\.": Visitor.types,
    rf"Press the button {BOLD}\.": Visitor.presses,
    rf"Watch what is below {BOLD} until it says {BOLD}\.": Visitor.watches,
    r"Reload the page\.": Visitor.reloads,
    rf"Press {BOLD} below {BOLD}\.": Visitor.picks,
    r"Press the video, and it plays\.": Visitor.plays,
    rf"Press the button {BOLD}, and a file {BOLD} is yours\.": Visitor.downloads,
}


def action(sentence: str) -> Callable[[Visitor], None]:
    """What a sentence asks a visitor to do. Raises LookupError for one that says nothing known."""
    found = [(do, match) for words, do in ACTIONS.items() if (match := re.fullmatch(words, sentence))]
    plain = [(do, match) for do, match in found if not any("*" in group for group in match.groups())]
    if len(plain) != 1:
        raise LookupError(f"nobody knows how to do this: {sentence}")
    do, match = plain[0]
    return lambda visitor: partial(do, visitor)(*match.groups())
