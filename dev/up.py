"""`make dev`: the local stack on a port until Ctrl-C, with lines to try."""

from __future__ import annotations

import argparse
import signal
import sys
import threading

from dev.stack import LOCAL_KEY, Stack, StackError, running

FRAME_SECONDS = 0.25
LINES = """\
Reelay is up: {url}   (upstream: {upstream})

  {url}/   the studio, a page to make and watch videos; its key: {shell}

  curl -N {url}/v1/chat/completions \\
    -H "Authorization: Bearer {shell}" -H 'Content-Type: application/json' \\
    -d '{{"model": "sora-2", "stream": true, "messages": [{{"role": "user", "content": "a retriever in orbit"}}]}}'

  curl "{url}/v1/chat/completions?order=desc" -H "Authorization: Bearer {shell}"

With the key {own}, one of Reelay's own, the service pays instead of the caller.

The same by events, with AWS's command line; the line above lists what became of them. The queues are
{queues}

  export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_DEFAULT_REGION={region}
  ASK='{{"model": "sora-2", "messages": [{{"role": "user", "content": "a retriever in orbit"}}]}}'
  aws --endpoint-url {aws} sqs send-message --queue-url {requests} --message-body "$ASK"
  aws --endpoint-url {aws} events put-events --entries \\
    "EventBusName={bus},Source=me,DetailType=Completion Requested,Detail='$ASK'"
{drop}
  echo "$ASK" | aws --endpoint-url {url} lambda invoke --function-name IntakeFunction \\
    --payload fileb:///dev/stdin /dev/stdout

  from openai import OpenAI
  client = OpenAI(base_url="{url}/v1", api_key={python})
  for chunk in client.chat.completions.create(
      model="sora-2", stream=True, messages=[{{"role": "user", "content": "a retriever in orbit"}}]
  ):
      print(chunk.choices[0].delta.content or "", end="", flush=True)

Ctrl-C ends it and forgets what was kept."""

DROP = """\
  echo "$ASK" | aws --endpoint-url {aws} s3 cp - s3://{bucket}/inbox/ask.json
  aws --endpoint-url {aws} s3 cp s3://{bucket}/outbox/ask.json -   # the outcome"""
NO_DROP = (
    "  # A file under inbox/ sets nothing off here: the bucket is in another S3, whose events do not reach this stack."
)


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
    places = {"url": stack.url, "aws": stack.sqs.meta.endpoint_url, "bucket": stack.bucket}
    return LINES.format(
        own=LOCAL_KEY,
        **names,
        **places,
        region=stack.sqs.meta.region_name,
        bus=stack.bus,
        requests=stack.queues["RequestsQueue"],
        queues="\n".join(f"  {url}" for url in stack.queues.values()),
        drop=(DROP if stack.deployment.cloud.own_s3 else NO_DROP).format(**places),
    )


if __name__ == "__main__":
    main()
