"""`make dev`: the local stack on a port until Ctrl-C, with lines to try."""

from __future__ import annotations

import argparse
import signal
import threading

from dev.stack import Stack, running

FRAME_SECONDS = 0.25
LINES = """\
Reelay is up: {url}   (upstream: {upstream})

  curl -N {url}/v1/chat/completions \\
    -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' \\
    -d '{{"model": "sora-2", "stream": true, "messages": [{{"role": "user", "content": "a retriever in orbit"}}]}}'

  curl {url}/v1/chat/completions?order=desc -H 'Authorization: Bearer {token}'
  curl {url}/openapi.yaml

  from openai import OpenAI
  client = OpenAI(base_url="{url}/v1", api_key="{token}")
  for chunk in client.chat.completions.create(
      model="sora-2", stream=True, messages=[{{"role": "user", "content": "a retriever in orbit"}}]
  ):
      print(chunk.choices[0].delta.content or "", end="", flush=True)

Ctrl-C ends it and forgets what was kept."""
HIDDEN = "$V98STORE_TOKEN"


def main() -> None:
    """Start the stack, print the lines, wait."""
    parser = argparse.ArgumentParser(prog="make dev", description="Reelay on one machine.")
    parser.add_argument("--port", type=int, default=8080, help="where the gateway listens (8080)")
    arguments = parser.parse_args()
    stopped = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: stopped.set())
    with running(port=arguments.port, delay=FRAME_SECONDS) as stack:
        print(_lines(stack), flush=True)
        stopped.wait()


def _lines(stack: Stack) -> str:
    """The lines; a real key is named, not shown."""
    upstream = "the simulator" if stack.simulator else stack.upstream
    return LINES.format(url=stack.url, upstream=upstream, token=stack.token if stack.simulator else HIDDEN)


if __name__ == "__main__":
    main()
