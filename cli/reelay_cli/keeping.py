"""`list`, `show`, `download`, `delete`: what there is."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from reelay_cli import screen
from reelay_cli.failures import Exit, Failure
from reelay_cli.files import Target
from reelay_cli.options import Id, asking, opened, replacing
from reelay_cli.video import Video
from reelay_cli.waiting import WORDS, fetch

if TYPE_CHECKING:
    from reelay_cli.client import Variant

LIST_LIMIT = 20
MOST_LISTED = 1000
ENDINGS = {"video": ".mp4", "thumbnail": ".webp"}
MINUTES = len("2026-11-26 22:21")
TABLE_COLUMNS = 76
"""A terminal with fewer has no room for prompts beside what must be whole."""


@click.command(name="list")
@click.option("-n", "--limit", type=click.IntRange(1, MOST_LISTED), default=LIST_LIMIT, show_default=True)
@click.option("--after", type=Id(), help="Those behind this one.")
@asking
def list_(limit: int, after: str | None, url: str | None, as_json: bool) -> None:
    """List videos, newest first.

    Running and failed ones too. Where the output is no terminal, each is one line: id, status, percent, creation, model
    and the beginning of the prompt, with tabs in between.
    """
    found, more = opened(url).videos(limit, after)
    if as_json:
        screen.document({"data": [each.data for each in found], "has_more": more})
        return
    if sys.stdout.isatty():
        _print_table(found)
    else:
        for each in found:
            screen.row(_fields(each))
    if more and found:
        screen.say(f"There are more: reelay list --after {found[-1].id}")


@click.command()
@click.argument("id", type=Id())
@asking
def show(id: str, url: str | None, as_json: bool) -> None:
    """Tell everything about the video ID."""
    video, _ = opened(url).look(id)
    if as_json:
        screen.document(video.data)
        return
    code, words = video.why() if video.status == "failed" else (None, None)
    told = {**video.data, "created_at": _moment(video.data.get("created_at")), "error": words, "code": code}
    told["completed_at"] = _moment(video.data.get("completed_at"))
    for name, value in told.items():
        if value is not None and name != "object":
            screen.result(f"{name + ':':23}{value}")


@click.command()
@click.argument("id", type=Id())
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file's name; its id by default.")
@replacing
@click.option("--thumbnail", "variant", flag_value="thumbnail", help="The picture in the place of the video.")
@asking
def download(
    id: str, output: Path | None, force: bool, variant: Variant | None, url: str | None, as_json: bool
) -> None:
    """Get the file of the video ID."""
    kind: Variant = variant or "video"
    place = Target(output or Path(id + ENDINGS[kind]), force)
    place.check()
    try:
        fetch(opened(url), id, kind, place)
    except Failure as failure:
        failure.id = id
        raise
    if as_json:
        screen.document({"id": id, "file": str(place.path), "size": place.path.stat().st_size})
    else:
        screen.result(str(place.path))


@click.command()
@click.argument("id", type=Id())
@click.option("-y", "--yes", is_flag=True, help="Do not ask first.")
@asking
def delete(id: str, yes: bool, url: str | None, as_json: bool) -> None:
    """Delete the video ID for good.

    Its files and its chat completion go with it.
    """
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("Nobody is there to be asked: say --yes.")
    relay = opened(url)
    if not yes:
        video, _ = relay.look(id)
        if not click.confirm(f"Delete {id} ({video.status}, {video.title}) for good?", err=True):
            raise Failure("Nothing was deleted.", Exit.LEFT)
    relay.delete(id)
    if as_json:
        screen.document({"id": id, "deleted": True})
    else:
        screen.result(id)


def _fields(video: Video) -> list[str]:
    created = _moment(video.data.get("created_at")) or ""
    return [video.id, video.status, str(video.progress), created, str(video.data.get("model") or ""), video.title]


def _print_table(videos: list[Video]) -> None:
    """On a narrow terminal the prompts give way, on a narrower one they go below; ids stay whole: they are copied."""
    rows = [_cells(each) for each in videos]
    console = Console(highlight=False)
    if console.width < TABLE_COLUMNS:
        for one, state, created, title in rows:
            console.print(Text(f"{one}\n  {state}  {created}\n  {title}"))
        return
    table = Table(box=None, pad_edge=False)
    for place, name in enumerate(("id", "state", "created")):
        table.add_column(name, no_wrap=True, min_width=max((len(row[place]) for row in rows), default=None))
    table.add_column("prompt")  # the one column that may shrink
    for row in rows:
        table.add_row(*(Text(cell, overflow="ellipsis", no_wrap=True) for cell in row))
    console.print(table)


def _cells(video: Video) -> tuple[str, str, str, str]:
    state = f"{WORDS[video.status]} {video.progress} %" if video.running else video.status
    return video.id, state, (_moment(video.data.get("created_at")) or "")[:MINUTES], video.title


def _moment(seconds: Any) -> str | None:
    """A time of the relay's on the clock of this machine's place."""
    if not isinstance(seconds, int):
        return None
    return f"{datetime.fromtimestamp(seconds).astimezone():%Y-%m-%d %H:%M:%S %z}"
