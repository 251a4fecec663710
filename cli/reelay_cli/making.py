"""`create`, `remix`, `attach`: what begins a video or waits for one."""

from __future__ import annotations

import mimetypes
import re
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from reelay_cli import screen
from reelay_cli.failures import Exit, Failure
from reelay_cli.options import Id, Making, Prompt, Words, again, asking, begun, making, opened, target
from reelay_cli.video import Video
from reelay_cli.waiting import Watch

if TYPE_CHECKING:
    from reelay_cli.client import Picture

PICTURE_BYTES = 4_000_000
"""A larger one may not arrive (openapi.yaml, `VideoRequest`)."""

_NAME = re.compile(r"[!-~]([ -~]{0,253}[!-~])?", re.ASCII)
PICTURES = ("image/png", "image/jpeg", "image/webp", "image/gif")


class Beginning(Making):
    """What a command that begins a video is given."""

    prompt: str
    wait: bool
    idempotency_key: str | None


class Wish(Beginning):
    """What `create` is given."""

    model: str | None
    seconds: int | None
    size: str | None
    image: str | None
    metadata: tuple[str, ...]


@click.command()
@click.argument("prompt", type=Prompt())
@click.option("-m", "--model", type=Words(), help="The relay's default is sora-2.")
@click.option("-s", "--seconds", type=click.IntRange(1, 99), help="How long it lasts.")
@click.option("--size", type=Words(), metavar="WxH", help="In pixels, as in 1280x720.")
@click.option("--image", metavar="FILE|URL", help="A picture to begin with, up to 4 MB.")
@click.option(
    "--metadata", type=Words(), metavar="KEY=VALUE", multiple=True, help="A label to find it by; may come again."
)
@making
@begun
@asking
def create(**wish: Unpack[Wish]) -> None:
    """Make a video of PROMPT.

    A PROMPT of `-` is read from the standard input. The video's id is printed as soon as there is one, and the file's
    name once the video lies there. This costs money.
    """
    image = _picture(wish["image"]) if wish["image"] else None
    given = {
        "model": wish["model"],
        "seconds": str(wish["seconds"] or ""),
        "size": wish["size"],
        "input_reference": image if isinstance(image, dict) else None,
        "metadata": dict(map(_label, wish["metadata"])),
    }
    watch, name = _beginning(wish)
    fields = {field: value for field, value in given.items() if value}
    file = image if isinstance(image, tuple) else None
    _begun(watch.relay.create(name, wish["prompt"], fields, file), watch, wish)


@click.command()
@click.argument("id", type=Id())
@click.argument("prompt", type=Prompt())
@making
@begun
@asking
def remix(id: str, **options: Unpack[Beginning]) -> None:
    """Make a changed video of the video ID.

    PROMPT says what is to be different; `-` is read from the standard input. This costs money like any other video.
    """
    watch, name = _beginning(options)
    before, _ = watch.relay.look(id)
    if before.running:
        words = f"{id} is not finished, so it cannot be remixed yet."
        raise Failure(words, Exit.LATER, next=f"Wait for it: reelay attach {id}", spent=False)
    if before.status == "failed":
        raise Failure(f"{id} failed, so there is nothing to remix.", Exit.REFUSED, spent=False)
    _begun(watch.relay.remix(name, id, options["prompt"]), watch, options)


@click.command()
@click.argument("id", type=Id())
@making
@asking
def attach(id: str, **options: Unpack[Making]) -> None:
    """Wait for the video ID again.

    Wherever it was begun. With -o its file is fetched, too.
    """
    watch = _watch(options)
    video, _ = watch.relay.look(id)
    _ended(watch.follow(video), options)


def _watch(options: Making) -> Watch:
    """Whatever is bound to fail does so here, before anything is paid for."""
    place = target(options["output"], force=options["force"])
    return Watch(opened(options["url"]), options["timeout"], place, again(options))


def _beginning(options: Beginning) -> tuple[Watch, str]:
    """Who will watch, and the request's name."""
    if options["output"] and not options["wait"]:
        raise click.UsageError("-o needs the video, and --no-wait does not wait for it.")
    name = options["idempotency_key"] or str(uuid.uuid4())
    if not _NAME.fullmatch(name):
        raise click.BadParameter("expected up to 255 characters of ASCII.", param_hint="--idempotency-key")
    return _watch(options), name


def _begun(video: Video, watch: Watch, options: Beginning) -> None:
    if options["as_json"]:
        screen.say(video.id)  # for a person, should the end never come
    else:
        screen.result(video.id)
    if options["wait"]:
        _ended(watch.follow(video), options)
    elif options["as_json"]:
        screen.document({**video.data, "file": None})


def _ended(video: Video, options: Making) -> None:
    """The video is there, and its file if one was asked for."""
    file = options["output"]
    if options["as_json"]:
        screen.document({**video.data, "file": file and str(file)})
    elif file:
        screen.result(str(file))
    else:
        screen.say(f"It is there. Get it with: reelay download {video.id}")


def _picture(given: str) -> Picture | dict[str, str]:
    """A file's name, bytes and media type, or a link as the relay takes it."""
    if given.startswith(("https://", "data:")):
        return {"image_url": given}
    kind, _ = mimetypes.guess_type(given)
    if kind not in PICTURES:
        raise click.BadParameter("expected a PNG, JPEG, WebP or GIF, or a link with https.", param_hint="--image")
    try:
        data = Path(given).read_bytes()
    except OSError:
        raise click.BadParameter("this file cannot be read.", param_hint="--image") from None
    if len(data) > PICTURE_BYTES:
        raise click.BadParameter("expected at most 4 MB.", param_hint="--image")
    return (Path(given).name, data, kind)


def _label(given: str) -> tuple[str, str]:
    key, equals, value = given.partition("=")
    if not (key and equals):
        raise click.BadParameter("expected KEY=VALUE.", param_hint="--metadata")
    return key, value
