"""Whoever follows a written page from top to bottom: its blocks in a shell, its numbered steps in a browser."""

from __future__ import annotations

import logging
import re
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3
from playwright.sync_api import sync_playwright

from tests.cli.terminal import Terminal
from tests.clients.asks import MP4
from tests.patience import PATIENCE_SECONDS
from tests.studio.place import CHROMIUM, PATIENCE_MS, WIDE, chromium
from tests.studio.visitor import Visitor, action

LOG = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parents[2]
ADDRESS = "http://127.0.0.1:8080"
KEY = "sk-anything"
NEWCOMER_SECONDS = 120
"""From `make dev` to a file, as issue 8 has it."""

STOP = "Press **Ctrl-C** in the terminal of `make dev`."
LAST_LINE = "Ctrl-C ends it"


@dataclass(frozen=True, slots=True)
class Part:
    """What has to be done or seen: a block of a kind, or a numbered step."""

    kind: str
    text: str
    line: int

    @property
    def sentences(self) -> list[str]:
        """Of a step: what has to be done, which is its first sentence and each with bold words in it."""
        first, *rest = re.split(r"(?<=[.?!])\s+", re.sub(r"\s+", " ", self.text))
        return [first, *(each for each in rest if "**" in each)]


@dataclass
class Newcomer:
    """Who follows the page in a folder; `shown` is what the last block printed, in the document's own addresses."""

    folder: Path
    stop: ExitStack
    environment: dict[str, str]
    url: str = ""
    shown: str = ""
    began: float = 0.0
    program: subprocess.Popen[str] | None = None
    broken: list[str] = field(default_factory=list)
    visitor: Visitor | None = None

    def follows(self, part: Part) -> None:
        """One part of the page. Whatever fails says at which line."""
        try:
            match part.kind:
                case "sh" if part.text == "make dev\n":
                    self._starts()
                case "sh":
                    self._enters(part.text)
                case "python":
                    (self.folder / "lines.py").write_text(part.text)
                    self._enters(f"{sys.executable} lines.py")
                case "text":
                    self._sees(part.text)
                case "step":
                    self._does(part)
                case _:
                    raise LookupError(f"nobody knows what to do with a block of {part.kind!r}")
        except BaseException as error:
            error.add_note(f"docs/TUTORIAL.md, line {part.line}: {part.text}")
            raise
        LOG.info("%5.1f s: line %d is done", time.monotonic() - self.began, part.line)

    def _starts(self) -> None:
        """What `make dev` starts, on any free port, until it has printed all its lines."""
        log = self.stop.enter_context((self.folder / "log").open("w"))
        self.began = time.monotonic()
        program = subprocess.Popen(
            [sys.executable, "-m", "dev.up", "--port", "0"],
            cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
        self.program = self.stop.enter_context(program)
        self.stop.callback(program.kill)
        assert program.stdout
        lines = []
        for line in program.stdout:
            lines.append(line)
            if line.startswith(LAST_LINE):
                break
        self.url = re.findall(r"http://[\d.:]+", "".join(lines))[0]
        self.shown = "".join(lines).replace(self.url, ADDRESS)

    def _enters(self, block: str) -> None:
        """Into a shell at a terminal; what it exports and sets is there in the next block."""
        kept = self.folder / "environment"
        script = f'set -a\n{block.replace(ADDRESS, self.url)}\nenv -0 > "{kept}"'
        here = f"cd {self.folder}\n{script}"
        with Terminal(["/bin/bash", "-euc", here], self.environment) as terminal:
            code = terminal.ended()
            self.shown = terminal.text.replace(self.url, ADDRESS)
        assert code == 0, f"the shell ended with {code}: {self.shown}"
        self.environment = dict(pair.split("=", 1) for pair in kept.read_text().split("\0") if pair)

    def _sees(self, expected: str) -> None:
        """These lines, in this order; `...` is anything."""
        place = 0
        for line in expected.splitlines():
            words = ".*".join(re.escape(piece.strip()) for piece in line.split("..."))
            found = re.compile(words).search(self.shown, place)
            assert found, f"{line!r} is not what comes next: {self.shown[place:]!r}"
            place = found.end()

    def _does(self, step: Part) -> None:
        for sentence in step.sentences:
            if sentence == STOP:
                self._stops()
            elif CHROMIUM:
                self.visitor = self.visitor or self._at_a_browser()
                action(sentence)(self.visitor)
        if self.visitor and self.visitor.kept:
            self._has_the_file(*self.visitor.kept.pop())

    def _stops(self) -> None:
        assert self.program
        self.program.send_signal(signal.SIGINT)
        assert self.program.wait(PATIENCE_SECONDS) == 0

    def _at_a_browser(self) -> Visitor:
        browser = chromium(self.stop.enter_context(sync_playwright()))
        page = browser.new_context(viewport=WIDE, locale="en-US").new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.broken.append(error.message))
        return Visitor(page, ADDRESS, self.url)

    def _has_the_file(self, name: str, data: bytes) -> None:
        """In time, byte for byte what v98store gave, and paid for once."""
        seconds = time.monotonic() - self.began
        LOG.info("from `make dev` to %s in the browser: %.1f s", name, seconds)
        assert seconds < NEWCOMER_SECONDS
        assert data == MP4
        assert len(self.asks("GET", "videos")["data"]) == 1

    def asks(self, method: str, path: str, body: Any = None) -> Any:
        """A call of the API."""
        headers = {"Authorization": f"Bearer {KEY}"}
        url = f"{self.url}/v1/{path}"
        return urllib3.request(method, url, headers=headers, json=body, retries=False, timeout=PATIENCE_SECONDS).json()
