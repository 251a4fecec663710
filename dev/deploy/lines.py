"""What to do with a stack that stands, ready to paste."""

from __future__ import annotations

from collections.abc import Mapping

LINES = """\
Reelay is up: {url}

The studio, a page for people: {url}/

A key of Reelay's own for somebody, shown once{secret}:

  make keys NAME=alice PLAN={plan}

With it, from a shell:

  export REELAY={url} KEY=rk-...

  curl -N "$REELAY/v1/chat/completions" \\
    -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' \\
    -d '{{"model": "sora-2", "stream": true, "messages": [{{"role": "user", "content": "a retriever in orbit"}}]}}'

  curl "$REELAY/v1/chat/completions?order=desc" -H "Authorization: Bearer $KEY"

and with OpenAI's client:

  import os
  from openai import OpenAI
  client = OpenAI(base_url="{url}/v1", api_key=os.environ["KEY"])
  for chunk in client.chat.completions.create(
      model="sora-2", stream=True, messages=[{{"role": "user", "content": "a retriever in orbit"}}]
  ):
      print(chunk.choices[0].delta.content or "", end="", flush=True)

By event, for those whom your account lets, with AWS's command line:

  ASK='{{"model": "sora-2", "messages": [{{"role": "user", "content": "a retriever in orbit"}}]}}'
  aws sqs send-message --queue-url {requests} --message-body "$ASK"
  aws events put-events --entries "EventBusName={bus},Source=me,DetailType=Completion Requested,Detail='$ASK'"
  echo "$ASK" | aws s3 cp - s3://{bucket}/inbox/ask.json    # the outcome: outbox/ask.json

To see that all of it works (it says first what it costs): make smoke URL={url}
Alarms and numbers: {dashboard}
What each alarm means, and what to do: docs/RUNBOOK.md"""

UNCONFIRMED = """\

AWS asks {email} by e-mail whether alarms are wanted; until the link in that mail is opened, none is sent there."""

KEYLESS = """\

The secret that holds the v98store key is empty, so nothing can be paid yet. Put the bare key into a file, and:

  aws secretsmanager put-secret-value --secret-id {secret} --secret-string file://key.txt && rm key.txt"""

SEALED = """\

The secret {secret}
is sealed with the KMS key {seal}, and nothing lets the functions use that. Unless the key's own policy does:

  make deploy PARAMETERS="ServiceKeyKmsKeyArn=THE KEY'S ARN\""""

NARROW = """\

Of all functions of this account only {limit} run at the same time in {region}, as in new accounts. A stream holds
one for as long as its video takes, and callers are answered 5xx while none is free. To ask for more, at no cost:

  aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 --desired-value 1000

Until that is granted, PARAMETERS="WorkerConcurrency=2" leaves callers the most."""

STUCK = """\
The stack {name} is {status} and can only be deleted: `make undeploy STACK={name}`, then deploy again.
The last line of this, the first thing that failed, says why:

  aws cloudformation describe-stack-events --stack-name {name} --output text \\
    --query "StackEvents[?ends_with(ResourceStatus, 'FAILED')].[LogicalResourceId,ResourceStatusReason]\""""


def lines(outputs: Mapping[str, str], *, tenant_secret: bool) -> str:
    """From a stack's outputs. `tenant_secret` says that keys are told with one."""
    return LINES.format(
        url=outputs["ApiUrl"].removesuffix("/v1"),
        plan=outputs["KeysPlanId"],
        requests=outputs["RequestsQueueUrl"],
        bus=outputs["EventBusName"],
        bucket=outputs["BucketName"],
        dashboard=outputs["DashboardUrl"],
        secret=" (with TENANT_SECRET=... it also tells whose tenant it is)" if tenant_secret else "",
    )


def unconfirmed(email: str) -> str:
    """What to do before alarms come by e-mail."""
    return UNCONFIRMED.format(email=email)


def keyless(secret: str) -> str:
    """What to do about a secret without a key."""
    return KEYLESS.format(secret=secret)


def sealed(secret: str, seal: str) -> str:
    """What to do about a named secret that the functions cannot open."""
    return SEALED.format(secret=secret, seal=seal)


def narrow(limit: int, region: str) -> str:
    """What to do about an account in which few functions may run."""
    return NARROW.format(limit=limit, region=region)


def stuck(name: str, status: str) -> str:
    """What to do about a stack that can only be deleted."""
    return STUCK.format(name=name, status=status)
