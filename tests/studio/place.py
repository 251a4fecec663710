"""The studio as a person has it: the whole local stack, its pace in a test's hand, and Chromium in front."""

from __future__ import annotations

import os
import re
import shutil
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
import urllib3
from playwright.sync_api import Browser, Locator, Page, Playwright, ViewportSize, expect

from dev.gateway.wire import hang_up
from dev.simulator import Simulator
from dev.stack import Stack, running
from reelay.aws_environment import AwsEnvironment
from reelay.identity import tenant_of
from reelay.ids import new_core
from reelay.model import Media, MediaKind, Order, Record
from reelay.sigv4 import Credentials
from reelay.store import S3Store
from reelay.wiring import bucket_of

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE_MS = 15_000
"""For what a page waits for, on a machine that does other things too."""

QUEUED = "Waiting in v98store’s queue"  # noqa: RUF001 - as the page has it
WIDE: ViewportSize = {"width": 1280, "height": 860}


class Gate(threading.Semaphore):
    """Holds the simulator's frames, or lets them pass, until told otherwise."""

    def __init__(self) -> None:
        super().__init__(0)
        self._changed = threading.Condition()
        self._open = True
        self._passes = 0
        self._asked = False

    def open(self) -> None:
        """Let all frames pass."""
        with self._changed:
            self._open = True
            self._changed.notify_all()

    def hold(self) -> None:
        """Let none pass but those that are let through one by one."""
        with self._changed:
            self._open, self._passes, self._asked = False, 0, False

    def pass_one(self) -> None:
        """Let one frame pass."""
        with self._changed:
            self._passes, self._asked = self._passes + 1, False
            self._changed.notify_all()

    def wait_for_frame(self) -> bool:
        """Wait until a frame asks to pass: those before it have been sent. False when none does."""
        with self._changed:
            return self._changed.wait_for(lambda: self._asked, PATIENCE_MS / 1000)

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        """As a semaphore's, which an open gate always has room in."""
        with self._changed:
            self._asked = self._asked or not self._passes
            self._changed.notify_all()
            found = self._changed.wait_for(lambda: self._open or self._passes, timeout if blocking else 0)
            if found and not self._open:
                self._passes -= 1
            return bool(found)


@dataclass(frozen=True)
class Studio:
    """What is up."""

    stack: Stack
    simulator: Simulator
    gate: Gate

    @property
    def url(self) -> str:
        """The page as it is deployed: below a stage."""
        return f"{self.stack.url}/live/"

    def until(self, text: str) -> None:
        """Let the frames of the answer that is being sent pass, up to one that has this text in it."""
        while self.gate.wait_for_frame():
            answer = self.simulator.posts
            if any(text.encode() in sent.data for sent in self.simulator.sent if sent.request == answer):
                return
            self.gate.pass_one()
        raise AssertionError(f"no frame has {text} in it")

    def cut(self) -> None:
        """Break every connection to the gateway, streams in their middle."""
        listener = self.stack.deployment.gateway._listener  # its own way to do so ends it too
        for connection in [*listener._connections]:
            hang_up(connection)

    def api(self, method: str, path: str, key: str, body: Any = None) -> Any:
        """Any other call of the API, its JSON."""
        headers = {"Authorization": f"Bearer {key}"}
        url, seconds = f"{self.stack.url}/{path}", PATIENCE_MS / 1000
        reply = urllib3.request(method, url, headers=headers, json=body, retries=False, timeout=seconds)
        return reply.json() | {"status_code": reply.status}

    def made(self, key: str, prompt: str = "a golden retriever in orbit", model: str = "sora-2", **more: Any) -> Record:
        """A video that was made before, by the API, and its files."""
        messages = [{"role": "user", "content": prompt}]
        done = self.api("POST", "v1/chat/completions", key, {"model": model, "messages": messages, **more})
        return self.kept(key, done["id"])

    def kept(self, key: str, name: str) -> Record:
        """A completion or a video once its files are kept too; they are copied after the answer."""
        core, begun = re.sub("^(chatcmpl-|video_)", "", name), time.monotonic()
        while not (record := self.store.load(tenant_of(key), core)).media:
            assert time.monotonic() - begun < PATIENCE_MS / 1000, f"the files of {name} were not kept"
        return record

    def copies(self, record: Record, count: int, **changes: Any) -> list[Record]:
        """More records like one, each a minute older than the one before, the first a minute older than it."""
        made = []
        for number in range(1, count + 1):
            created = record.created - 60 * number
            prompt = f"the same dog, take {number}"
            request = {"model": record.model, "messages": [{"role": "user", "content": prompt}]}
            fields = {"id": new_core(created), "created": created, "version": "", "request": request, **changes}
            made.append(self.store.create(replace(record, **fields)))
            self.store.index(made[-1])
        return made

    @property
    def store(self) -> S3Store:
        """Where the records are."""
        around = AwsEnvironment("us-east-1", self.stack.s3.meta.endpoint_url, Credentials("local", "local"))
        return S3Store(bucket_of(self.stack.bucket, around))

    def records(self, key: str) -> list[Record]:
        """Every record of a key, newest first."""
        return [*self.store.walk(tenant_of(key), Order.DESC, None)]


def file_of(record: Record, kind: MediaKind = MediaKind.VIDEO) -> Media:
    """What became of its video, or of its poster."""
    return next(media for media in record.media if media.kind is kind)


@contextmanager
def studio_up(**stack: Any) -> Iterator[Studio]:
    """The stack, until the end of `with`."""
    gate = Gate()
    with Simulator(gate=gate) as simulator, running(simulator=simulator, **stack) as up:
        yield Studio(up, simulator, gate)


def need_chromium() -> None:
    """Skip the test where there is none, in words; in CI, fail it."""
    if CHROMIUM is None:
        if "CI" in os.environ:
            pytest.fail("There is no Chromium here; CI has to have one (.ci/run installs it).")
        pytest.skip("There is no Chromium on this machine: with Debian, `apt-get install chromium`.")  # CI fails, above


def chromium(playwright: Playwright) -> Browser:
    """The machine's own. Its sandbox needs rights that a container does not give; only our own page is opened in it."""
    return playwright.chromium.launch(executable_path=CHROMIUM, chromium_sandbox=False)


def new_key() -> str:
    """A caller of one's own: nobody else sees what is made with it."""
    return f"sk-{uuid.uuid4().hex}"


def come_in(page: Page, studio: Studio, key: str) -> None:
    """Open the page and type the key."""
    page.goto(studio.url)
    page.get_by_label("Your key").fill(key)
    page.get_by_label("Your key").press("Enter")
    expect(page.get_by_label("What the video shows")).to_be_focused()


def ask_for(page: Page, prompt: str, model: str = "sora-2") -> Locator:
    """Write a prompt and send it; the card of the job."""
    page.get_by_label("What the video shows").fill(prompt)
    page.get_by_role("form", name="A new video").get_by_label("Model").fill(model)
    page.get_by_role("button", name="Make it").click()
    return job(page, prompt)


def job(page: Page, prompt: str) -> Locator:
    """The card of a job."""
    return page.locator(".job").filter(has=page.get_by_role("heading", name=prompt, exact=True))


def tile(page: Page, prompt: str) -> Locator:
    """The link to a video in the gallery."""
    return page.locator("#gallery").get_by_role("link", name=prompt, exact=True)
