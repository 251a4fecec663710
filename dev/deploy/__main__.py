"""`make deploy`: asks what has to be decided, deploys with SAM, sees to the service's key, prints lines to try."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from dev.deploy import ROOT, NotDone, parameters
from dev.deploy.account import STUCK, Account, Deployed
from dev.deploy.lines import keyless, lines, narrow, sealed, stuck, unconfirmed
from dev.deploy.parameters import SERVICE_KEY_SEAL, SERVICE_KEY_SECRET
from dev.deploy.questions import Questions
from dev.deploy.terminal import Terminal
from reelay.bearer import bearer_token
from reelay.errors import Unauthorized

ROOM = 100
"""Functions at the same time under which a stack as it is by default may find none free: the 40 calls that
ThrottleBurst lets come at once, with an authorizer for each, and five workers."""


def main(words: Sequence[str] | None = None) -> int:
    """Deploy as the words say (None: those of the command line); the exit status."""
    asked = _arguments(words)
    terminal = Terminal(asks=not asked.yes)
    try:
        _run(asked, Account(), terminal)
    except NotDone as why:
        print(why, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _run(asked: argparse.Namespace, account: Account, terminal: Terminal) -> None:
    terminal.tell(f"Stack {asked.stack}, {account.name()}.")
    there = _there(account, asked.stack)
    if (limit := account.concurrency()) is not None and limit < ROOM:
        terminal.tell(narrow(limit, account.region))
    known = parameters.read(ROOT / "template.yaml")
    values = Questions(known, _given(asked.parameters), there, terminal, account.secret_fault).values()
    release = f"{time.time():.0f}"
    _deploy(asked, values | {parameters.ARCHITECTURE: asked.architecture, parameters.RELEASE: release})
    stack = account.stack(asked.stack)
    if stack is None or stack.parameters.get(parameters.RELEASE) != release:  # which SAM calls no failure
        raise NotDone("SAM deployed nothing: the change set was not taken.")
    _tell(account, stack, terminal)
    if email := values.get("AlarmEmail"):
        terminal.tell(unconfirmed(email))


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make deploy", description="Reelay into the AWS account of your credentials.")
    parser.add_argument("parameters", nargs="*", metavar="NAME=VALUE", help="parameters that are not asked for")
    parser.add_argument("--stack", required=True, help="the stack's name")
    parser.add_argument("--architecture", required=True, choices=("arm64", "x86_64"), help="what was built for")
    parser.add_argument("--sam", required=True, help="where SAM is")
    parser.add_argument("--yes", action="store_true", help="ask nothing: what is not given stays as it is")
    return parser.parse_args(words)


def _there(account: Account, name: str) -> Deployed | None:
    """The stack that is to be updated; None for a first deployment. Raises NotDone where it can only be deleted."""
    there = account.stack(name)
    if there is not None and there.status in STUCK:
        raise NotDone(stuck(name, there.status))
    return there


def _given(words: list[str]) -> dict[str, str]:
    given = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise NotDone(f"{word} is no parameter: expected NAME=VALUE.")
        given[name] = value
    return given


def _deploy(asked: argparse.Namespace, values: Mapping[str, str]) -> None:
    """SAM shows its change set and asks by itself. The values lie in a file of this user's, not in the process list."""
    with TemporaryDirectory(prefix="reelay-deploy-") as folder:
        file = Path(folder) / "parameters.yaml"  # which JSON is too; SAM knows no .json here
        file.write_text(json.dumps(dict(values)), encoding="utf-8")
        confirm = ["--no-confirm-changeset"] if asked.yes else []
        words = ["deploy", "--stack-name", asked.stack, "--parameter-overrides", f"file://{file}", *confirm]
        done = subprocess.run([asked.sam, *words], cwd=ROOT, check=False)  # noqa: S603 - our own environment's SAM
    if done.returncode:
        raise NotDone("SAM did not deploy; what it said stands above.")


def _tell(account: Account, stack: Deployed, terminal: Terminal) -> None:
    secret = stack.outputs["ServiceKeySecret"]
    if not account.has_key(secret):
        key = _key(terminal, secret)
        if key:
            account.put_key(secret, key)
    terminal.tell()
    terminal.tell(lines(stack.outputs, tenant_secret="TenantSecret" not in stack.parameters))
    if not account.has_key(secret):
        terminal.tell(keyless(secret))
    if (seal := _unknown_seal(account, stack)) is not None:
        terminal.tell(sealed(secret, seal))


def _unknown_seal(account: Account, stack: Deployed) -> str | None:
    """The KMS key of a named secret, where no parameter names it to the functions' roles."""
    known = stack.parameters
    seal = account.seal(known[SERVICE_KEY_SECRET]) if known.get(SERVICE_KEY_SECRET) else None
    named = known.get(SERVICE_KEY_SEAL) or known.get("KmsKeyArn") or ""
    return None if seal is None or named in (seal, f"{named.rpartition('/')[0]}/{seal}") else seal


def _key(terminal: Terminal, secret: str) -> str:
    """The v98store key that pays, or "" for later."""
    while key := terminal.ask_secret(f"\nThe v98store key that pays, which goes into {secret} (Enter: later): "):
        try:
            bearer_token(f"Bearer {key}", optional=False)
        except Unauthorized:
            terminal.tell("That is no key: expected letters, digits and -._~+/ and nothing else.")
        else:
            return key
    return ""


if __name__ == "__main__":
    sys.exit(main())
