"""The whole of Reelay on one machine: simulator, AWS, gateway, triggers, and the doors under the real awslambdaric."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from dev.contract_files import write_contract_files
from dev.deployment import DUMMY_AWS, Deployment, Plan, deployed
from dev.simulator import Simulator
from dev.upstream import LOCAL_KEY, LOCAL_TOKEN, StackError, real, real_token, simulated
from reelay import settings
from reelay.identity import tenant_of

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

__all__ = ["LOCAL_KEY", "LOCAL_TOKEN", "ROOT", "Stack", "StackError", "running"]

ROOT = Path(__file__).resolve().parent.parent
ECHO_SECONDS = 0.004
"""Between pieces of the request's echo, of which there are hundreds that nobody watches."""


@dataclass(frozen=True)
class Stack:
    """What is up: the gateway's origin, the bearer token to use and who is upstream, and what was deployed."""

    url: str
    token: str
    upstream: str
    simulator: Simulator | None
    deployment: Deployment

    @property
    def s3(self) -> S3Client:
        """A client of the S3 with the bucket in it."""
        return self.deployment.cloud.s3

    @property
    def sqs(self) -> SQSClient:
        """A client of the SQS with the queues in it."""
        return self.deployment.cloud.sqs

    @property
    def events(self) -> EventBridgeClient:
        """A client of the EventBridge with the bus in it."""
        return self.deployment.cloud.events

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return self.deployment.around.buckets[0].name

    @property
    def bus(self) -> str:
        """The name of Reelay's own bus."""
        return next(iter(self.deployment.around.buses.values()))

    @property
    def queues(self) -> Mapping[str, str]:
        """The queues' URLs by logical id."""
        return {queue.id: queue.url for queue in self.deployment.around.queues.values()}

    def invoke(self, function: str, event: Any) -> Any:
        """As `Gateway.invoke`."""
        return self.deployment.gateway.invoke(function, event)

    def fire(self, function: str) -> Any:
        """As `Triggers.fire`."""
        return self.deployment.triggers.fire(function)

    def take(self, queue: str, most: int = 1) -> dict[str, Any] | None:
        """As `Deployment.take`."""
        return self.deployment.take(queue, most)


@contextmanager
def running(  # noqa: PLR0913 - each has a default, and a test or a command that sets it
    *,
    port: int = 0,
    delay: float = 0.0,
    log: Path | None = None,
    simulator: Simulator | None = None,
    triggers: bool = True,
    visibility: int | None = None,
    parameters: Mapping[str, str] | None = None,
) -> Iterator[Stack]:
    """Start everything, yield when it answers, stop everything.

    With V98STORE_TOKEN in the environment the upstream is the real v98store (or UPSTREAM_BASE_URL) and calls cost
    money; S3_ENDPOINT_URL names another S3 than moto's, in which a dropped file sets nothing off. `delay` is the pause
    in seconds between the frames of a simulator started here; one that is up already can be given instead.

    Callers may bring any key of their own, and LOCAL_KEY is one of Reelay's, which the service pays for with the
    stack's token. What events ask for is paid with that too and shows under it (EVENTS_TENANT). The simulator may be
    asked after a job whose answer was cut (STATUS_URL). `triggers`, `visibility` and `parameters` are those of
    `deployment.Plan`. Raises StackError.
    """
    write_contract_files()
    with ExitStack() as stop:
        token = real_token() if simulator is None else None
        if token is None and simulator is None:
            simulator = stop.enter_context(Simulator(delay=delay, echo_delay=min(delay, ECHO_SECONDS)))
        upstream = real(token or LOCAL_TOKEN) if simulator is None else simulated(simulator)
        plan = Plan(
            template=ROOT / "template.yaml",
            secret=upstream.token,
            parameters={
                **upstream.parameters,
                "AllowCallerKeys": "yes",
                "EventsTenant": tenant_of(upstream.token),
                **(parameters or {}),
            },
            keys=(LOCAL_KEY,),
            environment={"STRICT_CONTRACT": "true", **upstream.environment, **_another_s3()},
            triggers=triggers,
            visibility=visibility,
            port=port,
            log=log,
        )
        deployment = _started(plan, stop)
        yield Stack(deployment.gateway.url, upstream.token, upstream.url, simulator, deployment)


def _started(plan: Plan, stop: ExitStack) -> Deployment:
    """The plan, deployed until `stop`. Raises StackError."""
    try:
        deployment = stop.enter_context(deployed(plan))
        for function in deployment.gateway.template.functions.values():
            settings.read({**function.environment, **plan.environment})
    except settings.SettingsError as error:
        raise StackError(str(error)) from None
    except (OSError, BotoCoreError, ClientError) as error:
        raise StackError(f"The stack cannot start: {error}") from None
    return deployment


def _another_s3() -> dict[str, str]:
    """Where another S3 than moto's is and what opens it."""
    given = os.environ.get("S3_ENDPOINT_URL")
    if not given:
        return {}
    return {"AWS_ENDPOINT_URL_S3": given} | {name: os.environ[name] for name in DUMMY_AWS if name in os.environ}
