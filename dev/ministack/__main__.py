"""`python -m dev.ministack`: deploy, fire, look, delete. Exit status 0 only when all of it is as it should be."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from dev.ministack import NotSo, checks, cloud, sam
from dev.ministack.authority import Authority
from dev.ministack.cloud import Cloud
from dev.ministack.deployed import Deployed
from dev.ministack.overheard import Overheard
from dev.ministack.triggers import TRIGGERS
from dev.simulator import Simulator
from reelay.identity import tenant_of

KEY = "rk-deploy-local-0123456789abcdef"
"""The caller's key; the events' completions are made to show under it."""

SERVICE_KEY = "sk-deploy-local-service"
LOG_LINES = 40
LOG_WORDS = ('"level":"', " [lambda", " [events]", " [sqs]")
"""What is shown of the log when something is not so: the functions' own lines, and MiniStack's on what calls them."""

Result = TypeVar("Result")


def main() -> int:
    """Run it all; returns the exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Ended from outside."))
    with TemporaryDirectory(prefix="reelay-ministack-") as folder:
        try:
            _run(Path(folder))
        except (NotSo, BotoCoreError, ClientError, HTTPError) as failure:
            _show(Path(folder))
            print(f"Not so: {failure}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 130
    print("All of it is so, and nothing is left running.")
    return 0


def _run(folder: Path) -> None:
    with ExitStack() as stop:
        template = _step("sam build", lambda: sam.build(folder))
        authority = Authority(folder)
        simulator = stop.enter_context(Simulator(tls=authority.server()))
        # Not in the template, which is deployed as it is: the functions inherit it from MiniStack.
        variables = {"MEDIA_TRUSTED_ORIGINS": simulator.origin}
        local = _step("MiniStack", lambda: stop.enter_context(cloud.running(folder, authority, variables)))
        stack = _deployed(local, template, simulator)
        _fire(stack, simulator)
        _step("sam delete", lambda: sam.delete(local))
        _step("the stack is gone, the bucket is not", lambda: checks.deleted(stack))


def _deployed(local: Cloud, template: Path, simulator: Simulator) -> Deployed:
    parameters = {"UpstreamBaseUrl": simulator.url, "EventsTenant": tenant_of(KEY)}
    _step("sam deploy", lambda: sam.deploy(template, local, parameters))
    stack = Deployed(local, KEY)
    stack.mend()
    stack.let_in()
    stack.secrets.put_secret_value(SecretId=stack.names["ServiceKey"], SecretString=SERVICE_KEY)
    return stack


def _fire(stack: Deployed, simulator: Simulator) -> None:
    """Every trigger, one after the other; then what they did together."""
    overheard = Overheard(stack)
    for trigger, pull in TRIGGERS.items():
        pull(stack)
        name = _step(f"{trigger} -> a completed record with its video", partial(checks.completed, stack, trigger))
        if trigger == "file":
            _step("outbox/ beside it", partial(checks.beside_the_file, stack, name))
    _step("a bad request is refused in words", lambda: checks.refused(stack, {"model": "sora-2"}))
    _step("the sweep runs", lambda: stack.invoke("SweepFunction", {}))
    _step("queues empty, no dead letters", lambda: checks.nothing_left(stack))
    _step("the bus told of each", lambda: checks.told(overheard))
    _step("one call of the upstream for each", lambda: checks.paid_once(simulator))
    overheard.stop()


def _step(words: str, do: Callable[[], Result]) -> Result:
    """Do it and say so, with the seconds that it took."""
    began = time.monotonic()
    result = do()
    print(f"{words:<55} {time.monotonic() - began:5.1f} s", flush=True)
    return result


def _show(folder: Path) -> None:
    log = folder / cloud.LOG
    if log.exists():
        lines = log.read_text(errors="replace").splitlines()
        telling = [line for line in lines if any(word in line for word in LOG_WORDS)]
        print("\n".join(["The last of the log:", *telling[-LOG_LINES:]]), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
