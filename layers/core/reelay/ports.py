"""What the use cases need from outside, in their own words. Adapters and the fakes in tests/ keep these promises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Protocol

from reelay.model import Claim, Link, Media, Order, Outgoing, Record, Seen


class Clock(Protocol):
    """Time as an argument."""

    def now(self) -> float:
        """Unix seconds."""

    def monotonic(self) -> float:
        """Seconds that never go back; the scale of every deadline."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class Exchange(Protocol):
    """One paid request under way."""

    def wait(self, seconds: float) -> Seen | None:
        """The next thing seen, or None when `seconds` passed without one.

        First Head or Failed; after Head any number of Data; last End or Failed. After the last, Failed is never
        followed by anything and further calls return the last again.
        """

    def close(self) -> None:
        """Give the exchange up: the connection is shut down and its thread ends."""


class Upstream(Protocol):
    """v98store's chat completions endpoint."""

    def post(self, outgoing: Outgoing, deadline: float) -> Exchange:
        """Start the request and return at once; never raises for what the network does.

        What proves that nothing was charged (DNS, connect, TLS, 429, 503 with Retry-After) is tried again inside
        until `deadline`; whatever may have been charged is posted once and never again.
        """


class Store(Protocol):
    """Records by tenant and id, each write conditional on what was read."""

    def create(self, record: Record) -> Record:
        """Write a new record; returns it with rev and version set.

        Raises Conflict when the id exists and StoreFailed when S3 fails: then nothing may be sent.
        """

    def save(self, record: Record) -> Record:
        """Replace the revision that `record.version` names.

        Raises Conflict when another write came between, NotFound when the record was deleted, StoreFailed.
        """

    def load(self, tenant: str, id: str) -> Record:
        """Raises NotFound or StoreFailed."""

    def walk(self, tenant: str, order: Order, after: str | None) -> Iterator[Record]:
        """The tenant's records in order of creation, lazily, beginning after the id `after`, deleted or not.

        A large request is left out (None). Oldest first shows only what `index` was called for.
        """

    def index(self, record: Record) -> None:
        """Make a finished record show in the oldest-first order too. Doing it twice does no harm."""

    def keep_transcript(self, record: Record, transcript: IO[bytes]) -> None:
        """Keep all that the file holds, the upstream's bytes verbatim, in place of what was kept before.

        Leaves the file at its end.
        """

    def was_deleted(self, tenant: str, id: str) -> bool:
        """Whether the record was deleted, rather than never made; known for two days. Raises StoreFailed."""

    def delete(self, record: Record) -> None:
        """Remove the record and everything kept for it, media included; twice does no harm. Raises StoreFailed."""


class Claims(Protocol):
    """Which record a name of the tenant's stands for: one winner for each."""

    def take(self, tenant: str, claim: Claim) -> Claim:
        """Write `claim` unless its name is taken; returns the one that holds. Raises StoreFailed."""

    def replace(self, tenant: str, held: Claim, claim: Claim) -> Claim:
        """Put `claim` in the place of `held` as it was read; returns the one that holds then. Raises StoreFailed."""


class Archive(Protocol):
    """Media in, by guarded download and multipart upload; media out, by a link that lives minutes."""

    def keep(self, record: Record, link: Link, deadline: float) -> Media:
        """Copy what `link` points to. Never raises: a link that cannot be copied comes back with its reason."""

    def address(self, media: Media) -> str:
        """A presigned URL for archived media; `archive.PRESIGNED_SECONDS` is its life."""


class Telemetry(Protocol):
    """Numbers and one-line facts for the operator. Never a token, a prompt, a body or a link."""

    def count(self, metric: str, value: float = 1, unit: str = "Count") -> None:
        """Add to a CloudWatch metric; `unit` is a CloudWatch unit name."""

    def note(self, event: str, **fields: str | float | bool | None) -> None:
        """Log that `event` happened."""

    def alarm(self, event: str, **fields: str | float | bool | None) -> None:
        """Log at error level, with the current exception's type and place if there is one, never its message."""
