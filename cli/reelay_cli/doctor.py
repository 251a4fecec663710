"""`doctor`: what stands between this machine and a video, in words."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import click

from reelay_cli import CONTRACT, screen, settings
from reelay_cli.failures import DOCTOR, Exit, Failure
from reelay_cli.options import asking, opened, published
from reelay_cli.video import no_relay

CLOCK_SECONDS = 300
"""Beyond this certificates seem expired or not yet valid, and the times in lists are wrong."""


@dataclass
class Examination:
    """What is found out on the way: each check may read what one before it wrote."""

    given: str | None
    url: str = ""
    contract: Any = None
    date: str = ""

    def address(self) -> str:
        """It is one, and the key is safe on the way."""
        self.url = settings.address(self.given)
        return self.url

    def relay(self) -> str:
        """A relay answers there."""
        try:
            self.contract, self.date = published(self.url)
        except Failure as failure:
            failure.next = "Compare the address with what `make dev` prints, or with the deployment's output ApiUrl."
            raise
        return "It answers."

    def version(self) -> str:
        """It speaks as these commands do."""
        match self.contract:
            case {"info": {"title": "Reelay", "version": str(version)}}:
                pass
            case _:
                raise no_relay()
        if not compatible(version):
            words = f"The relay's contract is version {version}, and this command line was made for {CONTRACT}."
            raise Failure(words, Exit.FAILED, next="Install the command line that came with the relay.")
        return f"Contract {version}."

    def clock(self) -> str:
        """This machine knows what time it is."""
        try:
            there = parsedate_to_datetime(self.date).replace(tzinfo=UTC).timestamp()
        except ValueError:
            return "The relay does not say what time it is, so that cannot be compared."
        ahead = round(time.time() - there)
        if abs(ahead) > CLOCK_SECONDS:
            words = f"This machine's clock is {abs(ahead)} s {'ahead of' if ahead > 0 else 'behind'} the relay's."
            raise Failure(words, Exit.FAILED, next="Set it: certificates and the times in lists go by it.")
        return "It agrees with the relay's."

    def key(self) -> str:
        """The relay takes it."""
        opened(self.url).videos(1)
        return "The relay takes it."


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: `exit` is 0 where all is well."""

    check: str
    exit: Exit
    words: str
    next: str = ""

    def document(self) -> dict[str, Any]:
        """For a program."""
        return {"check": self.check, "ok": not self.exit, "message": self.words, "next": self.next or None}


@click.command()
@asking
def doctor(url: str | None, as_json: bool) -> None:
    """Check address, relay, clock and key.

    This costs nothing. The exit status is that of the first check that fails. What depends on it is not tried.
    """
    examination = Examination(url)
    found = []
    for check in (examination.address, examination.relay, examination.version, examination.clock, examination.key):
        found.append(_done(check))
        if not as_json:
            _print(found[-1])
        if check in (examination.address, examination.relay) and found[-1].exit:
            break
    if as_json:
        screen.document({"ok": not any(each.exit for each in found), "checks": [each.document() for each in found]})
    raise SystemExit(next((int(each.exit) for each in found if each.exit), 0))


def _done(check: Callable[[], str]) -> Finding:
    name = check.__name__
    try:
        return Finding(name, Exit.DONE, check())
    except Failure as failure:
        return Finding(name, failure.exit, failure.message, failure.next.removesuffix(DOCTOR).rstrip())


def _print(finding: Finding) -> None:
    mark = "WRONG" if finding.exit else "ok"
    screen.result(f"{mark:6}{finding.check:8} {finding.words}")
    if finding.next:
        screen.result(f"{'':15}{finding.next}")


def compatible(version: str) -> bool:
    """Whether a relay of this contract understands these commands: the major number is the same, before 1.0 the minor
    one too."""
    ours, theirs = CONTRACT.split("."), version.split(".")
    return ours[:1] == theirs[:1] and (ours[0] != "0" or ours[1:2] == theirs[1:2])
