"""What `make sam-local` prints: what is up, and lines to try, ready to paste."""

from __future__ import annotations

import shlex

from dev.ministack.sam import SAM
from dev.sam_local import ROOT, events
from dev.sam_local.sam import LOG, Sam
from dev.upstream import LOCAL_TOKEN

LINES = """
The application is up in containers: {url}   (upstream: the simulator; what the functions print: {log})

  curl {url}/v1/chat/completions -H "Authorization: Bearer {token}" -H 'Content-Type: application/json' \\
    -d '{{"model": "sora-2", "stream": true, "messages": [{{"role": "user", "content": "a retriever in orbit"}}]}}'

  curl "{url}/v1/chat/completions?order=desc" -H "Authorization: Bearer {token}"

`sam local` cannot stream: the first answer comes in one piece, when it is whole (`make dev` streams). It asks for no
API key and knows no queues or schedules, so that every trigger is an event that you hand to its function:

  export {environment}
  OPTIONS="{options}"
{invocations}

Ctrl-C ends it, removes its containers and images, and forgets what was kept.
"""


def lines(sam: Sam, url: str) -> str:
    """For a stack that is up; the commands are for a shell in the project's folder."""
    program = SAM.relative_to(ROOT)
    invocations = [
        f"  {program} local invoke {events.function_of(events.read(sample), sam.stack.template)} $OPTIONS"
        f" --event {sample.relative_to(ROOT)}"
        for sample in events.SAMPLES
    ]
    return LINES.format(
        url=url,
        log=sam.folder / LOG,
        token=LOCAL_TOKEN,
        environment=" ".join(f"{name}={shlex.quote(value)}" for name, value in sam.environment.items()),
        options=" ".join(sam.options),
        invocations="\n".join(invocations),
    )
