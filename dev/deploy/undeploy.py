"""`make undeploy`: says what stays and what ends in mid-air, asks, deletes the stack, says how to remove the rest."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence

from dev.deploy import ROOT, NotDone
from dev.deploy.account import LISTED, Account, Deployed
from dev.deploy.parameters import SERVICE_KEY_SECRET
from dev.deploy.terminal import Terminal

KEPT, UNDER_WAY = "kept/records/", "open/"

NOTHING_MADE = "\nIts first deployment failed, and what it had made is gone already, the empty bucket too."


def main(words: Sequence[str] | None = None) -> int:
    """Delete as the words say (None: those of the command line); the exit status."""
    parser = argparse.ArgumentParser(prog="make undeploy", description="The stack goes, the bucket stays.")
    parser.add_argument("--stack", required=True, help="the stack's name")
    parser.add_argument("--sam", required=True, help="where SAM is")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    asked = parser.parse_args(words)
    terminal = Terminal(asks=not asked.yes)
    try:
        _undeploy(asked, Account(), terminal)
    except NotDone as why:
        print(why, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _undeploy(asked: argparse.Namespace, account: Account, terminal: Terminal) -> None:
    terminal.tell(f"Stack {asked.stack}, {account.name()}.")
    stack = account.stack(asked.stack)
    if stack is None:
        raise NotDone(f"There is no stack {asked.stack} there.")
    made = bool(stack.outputs)
    keys = account.keys(stack.outputs["KeysPlanId"]) if made else []
    terminal.tell(_stays(account, stack, keys) if made else NOTHING_MADE)
    if terminal.asks and terminal.ask(f"\nThe stack's name, to delete it ({asked.stack}): ") != asked.stack:
        raise NotDone("That is another name. Nothing was deleted.")
    words = ["delete", "--stack-name", asked.stack, "--no-prompts"]
    if subprocess.run([asked.sam, *words], cwd=ROOT, check=False).returncode:  # noqa: S603 - our own environment's SAM
        raise NotDone("SAM did not delete the stack; what it said stands above.")
    terminal.tell(_left(stack.outputs["BucketName"], keys) if made else "\nThe stack is gone.")


def _stays(account: Account, stack: Deployed, keys: list[str]) -> str:
    bucket, named = stack.outputs["BucketName"], stack.parameters.get(SERVICE_KEY_SECRET)
    secret = f"The secret {named} stays;" if named else "The v98store key goes with its secret; so do"
    gone = "queues, messages on them, bus, logs, alarms and API"
    under_way = account.count(bucket, UNDER_WAY)
    words = [
        f"\nThe bucket {bucket} stays, with {_many(account.count(bucket, KEPT))} records, their videos, and what was",
        "dropped under inbox/. Nobody but your account reads it then, for the API is gone.",
        f"{secret} {gone}{' go' if named else ''}.",
    ]
    if keys:
        words.append(f"{len(keys)} API keys stay in API Gateway, where they open nothing any more.")
    if under_way:
        words.append(
            f"\n{_many(under_way)} jobs are under way. What they are charged for is lost with the stack: stop new ones"
            f" with\n  echo leaving | aws s3 cp - s3://{bucket}/guard/paused\nand wait until none is left, a quarter of"
            " an hour as a rule."
        )
    return "\n".join(words)


def _left(bucket: str, keys: list[str]) -> str:
    words = [
        "\nThe stack is gone. To remove the bucket too, with every record and video in it, for good:",
        f"\n  aws s3 rb s3://{bucket} --force",
        "\nTo deploy onto what it holds, see docs/RUNBOOK.md, Restoring.",
    ]
    if keys:
        words += ["\nTo remove the API keys:\n", *(f"  aws apigateway delete-api-key --api-key {key}" for key in keys)]
    return "\n".join(words)


def _many(count: int) -> str:
    return f"{count:,}{' or more' if count == LISTED else ''}"


if __name__ == "__main__":
    sys.exit(main())
