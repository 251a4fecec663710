"""One call of AWS, as the doors meet it when it fails; `tests.boto_faults` has the faults."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3

from tests.boto_faults import Fault, passes
from tests.s3_tap import repeated

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest, AWSResponse


class Failing:
    """What becomes of each attempt is `fault`; all pass at first. `attempts` counts them."""

    def __init__(self) -> None:
        self.fault: Fault = passes
        self.attempts = 0

    def before_send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        """As botocore asks before it sends."""
        self.attempts += 1
        return self.fault(request)


@contextmanager
def failing(call: str) -> Iterator[Failing]:
    """The call, such as `sqs.SendMessage`, of every client that is made meanwhile."""
    made = Failing()
    boto3.setup_default_session()
    assert boto3.DEFAULT_SESSION is not None
    heard: Any = boto3.DEFAULT_SESSION.events  # the stubs overlook that these events take the handler's answer
    heard.register(f"before-send.{call}", made.before_send)
    heard.register_first(f"needs-retry.{call}", repeated)
    yield made
    boto3.setup_default_session()
