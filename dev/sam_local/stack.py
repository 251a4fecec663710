"""What the functions in containers need: the stack's AWS and its simulator, listening where containers reach them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from dev import template
from dev.aws import AwsServer
from dev.cloud import Cloud
from dev.deployment import DUMMY_AWS
from dev.intrinsics import REGION
from dev.place import Place, next_stack_name
from dev.sam_local import ROOT
from dev.sam_local.forward import LOOPBACK, Forward
from dev.simulator import Simulator
from dev.template import Template
from dev.upstream import LOCAL_TOKEN, simulated
from reelay.identity import tenant_of


@dataclass(frozen=True)
class Stack:
    """`endpoint` is the AWS's, `template` is template.yaml for this place, and `variables` are what every function has
    to find beside its own."""

    endpoint: str
    cloud: Cloud
    simulator: Simulator
    template: Template
    variables: Mapping[str, str]

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return self.template.around.buckets[0].name


class _Reached(Simulator):
    """A simulator that names itself by another address of this machine, in its links too."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(super().origin.rpartition(":")[2])

    @property
    def origin(self) -> str:
        """Scheme, host and port, without a slash."""
        return super().origin.replace(LOOPBACK, self._address)


@contextmanager
def running(address: str) -> Iterator[Stack]:
    """Everything up, with what the template names made in it; gone afterwards. `address` is this machine's.

    By address and not by name: boto3 would put a bucket's name before a host's.
    """
    with ExitStack() as stop:
        aws = stop.enter_context(AwsServer())
        simulator = stop.enter_context(_Reached(address))
        for port in (aws.port, simulator.port):
            stop.enter_context(Forward(address, port))
        endpoint, upstream = f"http://{address}:{aws.port}", simulated(simulator)
        more = {"AllowCallerKeys": "yes", "EventsTenant": tenant_of(LOCAL_TOKEN)}
        place = Place(next_stack_name(), endpoint, REGION, {**upstream.parameters, **more})
        read = template.read(ROOT / "template.yaml", place)
        cloud = Cloud.reached_by(DUMMY_AWS | {"AWS_ENDPOINT_URL": endpoint})
        cloud.create(read.around, LOCAL_TOKEN)
        variables = {"AWS_ENDPOINT_URL": endpoint, "STRICT_CONTRACT": "true", **upstream.environment}
        yield Stack(endpoint, cloud, simulator, read, variables)
