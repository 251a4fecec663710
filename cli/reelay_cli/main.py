"""The commands together, and how they end."""

from __future__ import annotations

from typing import Any

import click
from click.shell_completion import get_completion_class

from reelay_cli import CONTRACT, __version__, screen
from reelay_cli.doctor import doctor
from reelay_cli.failures import Exit, Failure
from reelay_cli.keeping import delete, download, list_, show
from reelay_cli.making import attach, create, remix
from reelay_cli.options import AS_JSON

NAME = "reelay"
COMPLETION_VARIABLE = "_REELAY_COMPLETE"
SHELLS = ("bash", "zsh", "fish")


class Commands(click.Group):
    """Whose failures are told in words, or as JSON, and become the exit status."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except Failure as failure:
            failed = failure
        except (KeyboardInterrupt, click.Abort):
            failed = Failure("Interrupted.", Exit.LEFT)
        screen.tell(failed, as_json=ctx.meta.get(AS_JSON, False))
        raise SystemExit(int(failed.exit))


STATUSES = f"""\b
Exit status:
{Exit.DONE:5}  it was done
{Exit.FAILED:5}  the video failed, or the doctor found another version or a wrong clock
{Exit.USAGE:5}  a wrong command line, or no usable address
{Exit.KEY:5}  no key, or one that the relay does not take
{Exit.REFUSED:5}  the relay, or v98store at once, says no
{Exit.UNREACHED:5}  no relay was reached, or it broke; no video was paid for
{Exit.UNKNOWN:5}  a video was asked for and no answer came: money may have been spent
{Exit.FILE:5}  a file that is there already, or cannot be written
{Exit.LATER:5}  not now: a limit, a pause, an unfinished video, the end of --timeout
{Exit.LEFT:5}  Ctrl-C, or a question that was not answered with yes
"""


@click.group(
    cls=Commands,
    epilog=STATUSES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message=f"%(prog)s %(version)s, for relays of contract {CONTRACT}")
def commands() -> None:
    """Make, watch, find again and download videos from a Reelay relay.

    The relay's address comes from --url or REELAY_URL, the key from REELAY_API_KEY; without one it is asked for.
    """


@commands.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print what completes words in SHELL.

    As in: eval "$(reelay completion bash)". Commands, options and, where the key is in REELAY_API_KEY, ids.
    """
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - click knows all of SHELLS
    click.echo(kind(commands, {}, NAME, COMPLETION_VARIABLE).source())


for each in (create, attach, list_, show, download, delete, remix, doctor):
    commands.add_command(each)


def main() -> None:
    """The console script."""
    commands(prog_name=NAME, complete_var=COMPLETION_VARIABLE)
