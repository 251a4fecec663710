"""Adapters whose client is made at the first call: most answers are out before a queue or a bus is needed."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from reelay.model import Event, Job, Link, Media, Record

if TYPE_CHECKING:
    from reelay.aws import SdkCredentials
    from reelay.bus import EventBridgeBus
    from reelay.ports import Archive, Clock
    from reelay.queue import SqsQueue
    from reelay.service_key import SecretsManagerKeys
    from reelay.sigv4 import Credentials


class LateArchive:
    """Keeps the promises of `ports.Archive` with what `make` makes."""

    def __init__(self, make: Callable[[], Archive]) -> None:
        self._make = make

    def keep(self, record: Record, link: Link, deadline: float) -> Media:
        """Copy what the link points to. Never raises."""
        return self._made.keep(record, link, deadline)

    def address(self, media: Media) -> str:
        """A link to the copy. Raises NotFound."""
        return self._made.address(media)

    @cached_property
    def _made(self) -> Archive:
        return self._make()


class LateCredentials:
    """boto3's way to find and renew credentials."""

    def __call__(self) -> Credentials:
        """As they are now. Raises StoreFailed where there are none."""
        return self._sdk()

    @cached_property
    def _sdk(self) -> SdkCredentials:
        from reelay.aws import SdkCredentials  # noqa: PLC0415 - at the first call, and seldom at all

        return SdkCredentials()


class LateQueue:
    """Keeps the promises of `ports.Queue` with the SQS queue at `url`."""

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, job: Job, delay: float = 0) -> None:
        """Hand the job to a worker in `delay` seconds or later. Raises QueueFailed."""
        self._queue.send(job, delay)

    @cached_property
    def _queue(self) -> SqsQueue:
        from reelay.aws import client  # noqa: PLC0415 - at the first call
        from reelay.queue import SqsQueue  # noqa: PLC0415 - likewise

        return SqsQueue(client("sqs"), self._url)


class LateBus:
    """Keeps the promises of `ports.Bus` with the EventBridge bus named `bus`."""

    def __init__(self, bus: str) -> None:
        self._name = bus

    def publish(self, event: Event) -> None:
        """Tell it at least once. Raises BusFailed."""
        self._bus.publish(event)

    @cached_property
    def _bus(self) -> EventBridgeBus:
        from reelay.aws import client  # noqa: PLC0415 - at the first call
        from reelay.bus import EventBridgeBus  # noqa: PLC0415 - likewise

        return EventBridgeBus(client("events"), self._name)


class LateKeys:
    """Keeps the promises of `ports.Keys` with the secret `secret_id`."""

    def __init__(self, secret_id: str, clock: Clock) -> None:
        self._secret_id = secret_id
        self._clock = clock

    def key(self) -> str:
        """The key as it is now. Raises KeyUnavailable."""
        return self._keys.key()

    def refused(self) -> None:
        """The upstream did not take the key: the next `key` is read anew."""
        self._keys.refused()

    @cached_property
    def _keys(self) -> SecretsManagerKeys:
        from reelay.aws import client  # noqa: PLC0415 - at the first call
        from reelay.service_key import SecretsManagerKeys  # noqa: PLC0415 - likewise

        return SecretsManagerKeys(client("secretsmanager"), self._secret_id, self._clock)
