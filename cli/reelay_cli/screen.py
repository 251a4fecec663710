"""What a person sees. Results go to the standard output, everything that accompanies them to the error stream."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from reelay_cli.failures import Failure

LINE_PERCENT = 10
"""Where there is no terminal, a line is printed for each so many percent."""

BAR_CHARACTERS = 24
"""So that the longest words and all columns fit on 80."""

SECRET_CHARACTERS = 8
"""A shorter key, as people make up for a relay on their own machine, is found in words by chance."""

UNSHOWN = "\N{REPLACEMENT CHARACTER}"

_errors = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


_secrets: set[str] = set()


def never_show(secret: str) -> None:
    """From now on the secret is shown as dots, whoever repeats it."""
    if len(secret) >= SECRET_CHARACTERS:
        _secrets.add(secret)


def plain(text: str) -> str:
    """Text from elsewhere without what could move the cursor or dress up as something else."""
    return _hidden("".join(each if each.isprintable() or each == "\n" else UNSHOWN for each in text))


def _hidden(text: str) -> str:
    for secret in _secrets:
        text = text.replace(secret, "...")
    return text


def say(text: str) -> None:
    """A word beside the result."""
    _errors.print(plain(text))


def result(text: str) -> None:
    """A line of the result, at once, for whoever reads along."""
    click.echo(plain(text))


def row(fields: Iterable[str]) -> None:
    """A line of fields of the result, for programs."""
    click.echo("\t".join(plain(field).replace("\n", " ") for field in fields))


def document(value: Any) -> None:
    """The result as JSON, on one line, in ASCII."""
    click.echo(_hidden(json.dumps(value)))


def tell(failure: Failure, *, as_json: bool) -> None:
    """A failure: in words, or as JSON in the place of the result."""
    if as_json:
        document(failure.document())
    for line in () if as_json else failure.lines():
        say(line)


class Bar:
    """Something that moves: on a terminal a bar, elsewhere a line now and then."""

    def __init__(self, progress: Progress | None, words: str, total: float | None, done: int = 0) -> None:
        self._progress = progress
        self._task = progress.add_task(words, total=total, completed=done) if progress else None
        self._said: tuple[str, int] | None = None

    @property
    def moves(self) -> bool:
        """Whether somebody sits before it."""
        return self._progress is not None

    def show(self, words: str, percent: int) -> None:
        """How far it is."""
        words = plain(words)
        if self._progress and self._task is not None:
            self._progress.update(self._task, description=words, completed=percent)
            return
        step = (words, percent // LINE_PERCENT)
        if step != self._said:
            self._said = step
            say(f"{percent:3} % {words}")

    def more(self, count: int) -> None:
        """So many bytes more; only seen on a terminal."""
        if self._progress and self._task is not None:
            self._progress.update(self._task, advance=count)


@contextmanager
def percents(words: str, percent: int) -> Iterator[Bar]:
    """A bar of percents, so many of them done."""
    hint = TextColumn("Ctrl-C detaches", style="dim")
    with _bar(words, 100.0, TaskProgressColumn(), TimeElapsedColumn(), hint, done=percent) as bar:
        yield bar


@contextmanager
def bytes_of(words: str, size: int | None) -> Iterator[Bar]:
    """A bar of bytes; without a `size` it tells how many, and not of how many."""
    with _bar(words, None if size is None else float(size), DownloadColumn()) as bar:
        yield bar


@contextmanager
def _bar(words: str, total: float | None, *columns: ProgressColumn, done: int = 0) -> Iterator[Bar]:
    if not _errors.is_terminal or _errors.is_dumb_terminal:
        yield Bar(None, words, total)
        return
    text = TextColumn("{task.description}", markup=False)
    with Progress(SpinnerColumn(), text, BarColumn(BAR_CHARACTERS), *columns, console=_errors) as progress:
        yield Bar(progress, words, total, done)
