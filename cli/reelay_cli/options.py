"""Options that commands share, and what they are checked against."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

import click
from click.shell_completion import CompletionItem

from reelay_cli import settings
from reelay_cli.failures import Failure
from reelay_cli.files import Target

if TYPE_CHECKING:
    from reelay_cli.client import Relay

COMPLETION_SECONDS = 2.0
COMPLETED_VIDEOS = 20
"""Whoever presses Tab waits no longer than this, and wants one of the newest."""

WAIT_SECONDS = 3600
PROMPT_CHARACTERS = 32_000
"""openapi.yaml, `VideoRequest`."""

AS_JSON = "reelay.json"
"""Where a context keeps that failures are told as JSON too."""

_ID = re.compile(r"(video_|chatcmpl-)[0-7][0-9a-hjkmnp-tv-z]{25}", re.ASCII)
F = TypeVar("F", bound=Callable[..., Any])


class Asking(TypedDict):
    """What every command that calls a relay is given."""

    url: str | None
    as_json: bool


class Making(Asking):
    """What a command that waits for a video is given."""

    output: Path | None
    force: bool
    timeout: float


def opened(url: str | None) -> Relay:
    """The relay at the address, with the key. Raises Failure."""
    # OpenAI's SDK takes half a second to import: --help and the completion of a word do without.
    from reelay_cli.client import Relay  # noqa: PLC0415 - said above

    return Relay(settings.address(url), settings.key())


def published(url: str) -> tuple[Any, str]:
    """As `client.published`."""
    from reelay_cli import client  # noqa: PLC0415 - said above

    return client.published(url)


def target(output: Path | None, *, force: bool) -> Target | None:
    """Where the video goes, when it may. Raises Failure."""
    if output is None:
        return None
    made = Target(output, force)
    made.check()
    return made


def again(options: Making) -> str:
    """The options that `reelay attach` needs to go on where a command was left."""
    words = ["-o", str(options["output"])] if options["output"] else []
    words += ["--force"] if options["force"] else []
    words += ["--url", options["url"]] if options["url"] and options["url"] != os.environ.get("REELAY_URL") else []
    return "".join(f" {word}" for word in map(shlex.quote, words))


class Id(click.ParamType[str]):
    """The id of a video; Tab offers the newest ones, where the key is in the environment."""

    name = "id"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The id as it is."""
        if not _ID.fullmatch(value):
            self.fail("expected the id of a video, as `reelay list` shows them: video_ and 26 characters.", param, ctx)
        return value

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002 - click's own signature
        """The newest videos, with their prompts; none where anything stands in the way."""
        if not os.environ.get(settings.KEY_VARIABLE):  # nobody can be asked now
            return []
        try:
            relay = opened(ctx.params.get("url") or os.environ.get(settings.URL_VARIABLE))
            found, _ = relay.hasty(COMPLETION_SECONDS).videos(COMPLETED_VIDEOS)
        except Failure:
            return []
        return [CompletionItem(each.id, help=each.title) for each in found if each.id.startswith(incomplete)]


class Words(click.ParamType[str]):
    """Text that can be sent: bytes of the command line that are no text come in as lone surrogates."""

    name = "text"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text as it is."""
        try:
            value.encode()
        except UnicodeError:
            self.fail("expected text in UTF-8.", param, ctx)
        return value


class Prompt(Words):
    """What is to be seen; `-` reads it from the standard input."""

    name = "prompt"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text without what surrounds it."""
        try:
            text = sys.stdin.read(PROMPT_CHARACTERS + 2) if value == "-" else value
        except UnicodeError:
            self.fail("expected text in UTF-8.", param, ctx)
        text = super().convert(text, param, ctx).strip()
        if not 0 < len(text) <= PROMPT_CHARACTERS:
            self.fail(f"expected 1 to {PROMPT_CHARACTERS} characters.", param, ctx)
        return text


def _refuse(_: click.Context, __: click.Parameter, value: str | None) -> None:
    if value is not None:
        raise click.UsageError(
            "A key on the command line is seen by everybody on this machine, and kept in the shell's history. Take it "
            f"out of use; put another into {settings.KEY_VARIABLE}, or leave it out and be asked for it."
        )


def _noted(ctx: click.Context, _: click.Parameter, value: bool) -> bool:
    ctx.meta[AS_JSON] = value
    return value


def _all(*options: Callable[[F], F]) -> Callable[[F], F]:
    def decorated(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorated


asking = _all(
    click.option("--url", envvar=settings.URL_VARIABLE, show_envvar=True, help="The relay's address."),
    click.option(
        "--json", "as_json", is_flag=True, is_eager=True, callback=_noted, help="The result as one JSON document."
    ),
    click.option("--api-key", "--key", callback=_refuse, hidden=True, expose_value=False),
)
replacing = click.option("--force", is_flag=True, help="Replace a file that is there.")
making = _all(
    click.option("-o", "--output", type=click.Path(path_type=Path), help="Where the video goes, once it is there."),
    replacing,
    click.option(
        "--timeout", type=click.FloatRange(0), default=WAIT_SECONDS, show_default=True, help="Seconds to wait at most."
    ),
)
begun = _all(
    click.option("--wait/--no-wait", default=True, help="Wait for the video, or only ask for it."),
    click.option(
        "--idempotency-key",
        metavar="NAME",
        help="Names this request for 24 hours: the same again is not paid for again. Default: a new name.",
    ),
)
