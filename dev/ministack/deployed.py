"""The stack as it stands: its resources by the template's names, and its API as a caller sees it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import urllib3

from dev.ministack import NotSo
from dev.ministack.cloud import Cloud
from dev.ministack.sam import STACK

STAGE = "live"
POLL_SECONDS = 0.25
WAIT_SECONDS = 60
"""For anything to come about. A job takes under a second, a cold start up to 7, and CI machines are slow."""

Found = TypeVar("Found")


class Deployed:
    """Needs a deployed stack. `key` is one of Reelay's own keys, for `let_in` to make."""

    def __init__(self, cloud: Cloud, key: str) -> None:
        self._key = key
        self._pool = urllib3.PoolManager(ca_certs=str(cloud.bundle), retries=False, timeout=WAIT_SECONDS)
        self.s3, self.sqs, self.events = (cloud.client(service) for service in ("s3", "sqs", "events"))
        self.secrets, self.functions = (cloud.client(service) for service in ("secretsmanager", "lambda"))
        self._stacks, self._gateway = cloud.client("cloudformation"), cloud.client("apigateway")
        found = self._stacks.describe_stack_resources(StackName=STACK)["StackResources"]
        self.names: Mapping[str, str] = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in found}
        self._api = f"{cloud.endpoint}/restapis/{self.names['Api']}/{STAGE}/_user_request_"

    def stands(self) -> bool:
        """Whether the stack is there at all."""
        named = self._stacks.list_stacks()["StackSummaries"]
        return any(each["StackName"] == STACK and each["StackStatus"] != "DELETE_COMPLETE" for each in named)

    def mend(self) -> None:
        """Give every event source its maximum concurrency as a number.

        MiniStack takes a template's Number parameter for text, and then reads from no queue at all.
        """
        for source in self.functions.list_event_source_mappings()["EventSourceMappings"]:
            if limit := source.get("ScalingConfig", {}).get("MaximumConcurrency"):
                scaling = {"MaximumConcurrency": int(limit)}
                self.functions.update_event_source_mapping(UUID=source["UUID"], ScalingConfig=scaling)

    def let_in(self) -> None:
        """Put the caller's key on the stack's plan, as `make keys` does with a key that it makes up."""
        made = self._gateway.create_api_key(name="deploy-local", value=self._key, enabled=True)["id"]
        self._gateway.create_usage_plan_key(usagePlanId=self.names["KeysPlan"], keyId=made, keyType="API_KEY")

    def get(self, path: str) -> urllib3.BaseHTTPResponse:
        """What the API answers the caller. MiniStack takes no API key from the authorizer, only from X-Api-Key."""
        headers = {"Authorization": f"Bearer {self._key}", "X-Api-Key": self._key}
        return self._pool.request("GET", self._api + path, headers=headers)

    def json(self, path: str) -> Any:
        """The document that the API answers with; raises NotSo unless it does."""
        answer = self.get(path)
        if answer.status != 200:
            raise NotSo(f"The API answered {answer.status} to GET {path}.")
        return answer.json()

    def follow(self, link: str) -> bytes:
        """What lies behind a link that the API gave; raises NotSo unless it is there."""
        answer = self._pool.request("GET", link)
        if answer.status != 200:
            raise NotSo(f"The bucket answered {answer.status} to a link of Reelay's.")
        return answer.data

    def invoke(self, function: str, payload: object) -> Any:
        """What the function returns to a direct invocation; raises NotSo when it fails."""
        answer = self.functions.invoke(FunctionName=self.names[function], Payload=json.dumps(payload))
        returned = json.load(answer["Payload"])
        if "FunctionError" in answer:
            raise NotSo(f"{function} failed: {returned.get('errorType')}")
        return returned

    def waiting(self, queue: str) -> int:
        """Messages on a queue, those that somebody is at work on included."""
        counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.names[queue], AttributeNames=counts)["Attributes"]
        return sum(int(attributes[name]) for name in counts)


def eventually(what: str, look: Callable[[], Found | None]) -> Found:
    """What `look` finds, as soon as it finds something; raises NotSo with `what` when it takes too long."""
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(POLL_SECONDS)
    raise NotSo(f"{what} did not come about within {WAIT_SECONDS} s.")
