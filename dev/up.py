"""`make dev`: the local stack on a port until Ctrl-C, with lines to try."""

from __future__ import annotations

import argparse
import signal
import sys
import threading

from dev.stack import Stack, StackError, running

FRAME_SECONDS = 0.25
LINES = """\
Reelay is up: {url}   (upstream: {upstream})

  curl -N {url}/v1/chat/completions \\
    -H "Authorization: Bearer {shell}" -H 'Content-Type: application/json' \\
    -d '{{"model": "sora-2", "stream": true, "messages": [{{"role": "user", "content": "a retriever in orbit"}}]}}'

  curl "{url}/v1/chat/completions?order=desc" -H "Authorization: Bearer {shell}"

  from openai import OpenAI
  client = OpenAI(base_url="{url}/v1", api_key={python})
  for chunk in client.chat.completions.create(
      model="sora-2", stream=True, messages=[{{"role": "user", "content": "a retriever in orbit"}}]
  ):
      print(chunk.choices[0].delta.content or "", end="", flush=True)

Ctrl-C ends it and forgets what was kept."""


def main() -> None:
    """Start the stack, print the lines, wait."""
    parser = argparse.ArgumentParser(prog="make dev", description="Reelay on one machine.")
    parser.add_argument("--port", type=int, default=8080, help="where the gateway listens (8080)")
    arguments = parser.parse_args()
    stopped = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: stopped.set())
    try:
        with running(port=arguments.port, delay=FRAME_SECONDS) as stack:
            print(lines(stack), flush=True)
            stopped.wait()
    except StackError as error:
        sys.exit(str(error))


def lines(stack: Stack) -> str:
    """What to try, ready to paste. A real key is named, not shown."""
    if stack.simulator:
        names = {"upstream": "the simulator", "shell": stack.token, "python": f'"{stack.token}"'}
    else:
        named = '__import__("os").environ["V98STORE_TOKEN"]'
        names = {"upstream": stack.upstream, "shell": "$V98STORE_TOKEN", "python": named}
    return LINES.format(url=stack.url, **names)


if __name__ == "__main__":
    main()
