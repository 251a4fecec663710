"""`python -m tests.cli`: docs/cli.svg, a recording of `reelay` at a terminal before the local stack."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from dev.stack import Stack, StackError, running
from reelay_cli.failures import Exit
from tests.cli.asking import ROOT, Person
from tests.cli.picture import svg
from tests.cli.recording import Recording
from tests.cli.terminal import INTERRUPT

PICTURE = ROOT / "docs/cli.svg"
PORT = 8080
"""Where `make dev` is, so that the address is the one that everybody sees."""

DELAY_SECONDS = 0.6
"""Between frames of the simulator: long enough that the record, which is written every 3 s, tells the half of it."""

COLUMNS = 92
PROMPT = r"\$ $"
LETTER_SECONDS, PAUSE_SECONDS = 0.04, 1.5
"""Between two letters that are typed, and for whoever reads along."""

BEFORE = (
    ("two foxes on a dune at noon", "sora-2", Exit.DONE),
    ("a lighthouse in a storm", "sim-stream-error", Exit.FAILED),
)
"""What there is already: prompts, models, and how it ended."""

TITLE = "reelay at a terminal: doctor, create, Ctrl-C, attach, list"
INSTALLED = ROOT / ".venv-cli/bin"


def main() -> None:
    """Record, and write the picture."""
    try:
        with (
            TemporaryDirectory() as folder,
            running(port=PORT, delay=DELAY_SECONDS, triggers=False, log=Path(folder) / "log") as stack,
        ):
            PICTURE.write_text(recorded(stack, INSTALLED), encoding="utf-8")
    except StackError as error:
        sys.exit(str(error))


def recorded(stack: Stack, programs: Path) -> str:
    """The picture of a session with the `reelay` that lies in the folder."""
    person = Person(stack.url)
    for prompt, model, code in BEFORE:
        told = person.asks("create", prompt, "--model", model)
        if told.code != code:
            sys.exit(f"the relay does not do as it should: {told.err}")
    with shell(person, programs) as terminal:
        session(terminal)
        return svg([*terminal.frames()], COLUMNS, TITLE)


@contextmanager
def shell(person: Person, programs: Path) -> Iterator[Recording]:
    """A shell in an empty folder, that knows the address and the key, and the command by its name."""
    environment = {
        **person.environment,
        "PATH": f"{programs}:/usr/bin:/bin",
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
        "COLORTERM": "truecolor",
    }
    with TemporaryDirectory() as folder:
        start = f"cd {folder} && stty cols {COLUMNS} && exec env PS1='$ ' bash --norc --noprofile --noediting"
        with Recording(["/bin/bash", "-c", start], environment) as terminal:
            terminal.until(PROMPT)
            yield terminal


def session(terminal: Recording) -> None:
    """What is typed, and what is waited for."""
    _types(terminal, "reelay doctor", until=rf"key .+\n{PROMPT}")
    _types(terminal, 'reelay create "a golden retriever in orbit" -o dog.mp4', until=r"generating \S+ +[1-9]\d%")
    terminal.type(INTERRUPT)
    terminal.until(rf"Come back with: .+\n{PROMPT}")
    (back,) = re.findall(r"^Come back with: (.+)$", terminal.text, re.MULTILINE)
    _enters(terminal, back, until=rf"\ndog\.mp4\n{PROMPT}")  # copied, over typed
    _types(terminal, "reelay list", until=rf"id +state(?s:.+)\n{PROMPT}")


def _types(terminal: Recording, command: str, until: str) -> None:
    """A command, letter by letter."""
    for letter in command[:-1]:
        terminal.type(letter)
        terminal.hold(LETTER_SECONDS)
    _enters(terminal, command[-1], until)


def _enters(terminal: Recording, words: str, until: str) -> None:
    """The rest of a command, and what it shows until that is there."""
    terminal.type(words)
    terminal.hold(PAUSE_SECONDS / 2)
    terminal.type("\n")
    terminal.until(until)
    terminal.hold(PAUSE_SECONDS)


if __name__ == "__main__":
    main()
