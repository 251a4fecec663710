"""What the use cases need from outside, in their own words. Adapters and the fakes in tests/ keep these promises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Protocol

from reelay.model import Claim, Event, Job, Json, Link, Mark, Media, Order, Outgoing, Record, Seen, Tally, Told


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


class Line(Protocol):
    """A connection to the upstream that is being made, on which nothing has been sent; good for one request."""

    def post(self, outgoing: Outgoing) -> Exchange:
        """Start the request, the only one, and return at once; never raises for what the network does.

        What proves that nothing was charged (DNS, connect, TLS, 429, 503 with Retry-After) is tried again inside
        until the line's deadline; whatever may have been charged is posted once and never again.
        """

    def close(self) -> None:
        """No request will be posted, or what was is given up: the connection is shut down."""


class Upstream(Protocol):
    """v98store's chat completions endpoint."""

    def dial(self, deadline: float) -> Line:
        """Begin to connect and return at once; never raises for what the network does.

        `deadline` is on `Clock.monotonic`'s scale, of the connection and of the request that is posted on it.
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
        """Keep all that the file holds, the upstream's bytes, in place of what was kept before.

        Leaves the file at its end.
        """

    def transcript(self, record: Record) -> bytes:
        """What was kept of the upstream's bytes; b"" when nothing was. Raises StoreFailed."""

    def watch(self, record: Record) -> None:
        """Mark that there is something left to do for the record. Twice does no harm. Raises StoreFailed."""

    def unwatch(self, job: Job) -> None:
        """Nothing is left to do for it. Twice does no harm. Raises StoreFailed."""

    def watched(self) -> Iterator[Mark]:
        """The mark of every record with something left to do, lazily, oldest record first, whatever its tenant. Raises
        StoreFailed."""

    def was_deleted(self, tenant: str, id: str) -> bool:
        """Whether the record was deleted, rather than never made; known for a fortnight. Raises StoreFailed."""

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


class Queue(Protocol):
    """Jobs on their way to a worker, each delivered at least once."""

    def send(self, job: Job, delay: float = 0) -> None:
        """Hand the job to a worker in `delay` seconds or later. Raises QueueFailed."""


class Bus(Protocol):
    """Events for whoever wants to know."""

    def publish(self, event: Event) -> None:
        """Tell it at least once. Raises BusFailed, and EventRefused for what will never be taken."""


class Keys(Protocol):
    """The service's own key for the upstream."""

    def key(self) -> str:
        """The key as it is now, at most five minutes old. Raises KeyUnavailable."""

    def refused(self) -> None:
        """The upstream did not take the key: the next `key` is read anew."""


class Statuses(Protocol):
    """Asking the upstream after a job whose answer was cut; costs nothing."""

    def ask(self, task_id: str, model: str) -> Told | None:
        """What it says; None when it does not know the job or cannot be asked now."""


class Drops(Protocol):
    """Requests that come as files, and the outcomes that lie beside them."""

    def read(self, key: str, tag: str) -> bytes:
        """The file as it was when it had that tag. Raises NotFound when it is gone or was replaced meanwhile, TooLarge,
        and StoreFailed."""

    def answer(self, key: str, outcome: Json) -> None:
        """Lay the outcome of the file `key` beside it, in place of an earlier one. Raises StoreFailed."""


class Tallies(Protocol):
    """What each tenant made the service pay for, each write conditional on what was read."""

    def load(self, tenant: str) -> Tally:
        """The tenant's tally, an empty one where there is none. Raises StoreFailed."""

    def save(self, tenant: str, tally: Tally) -> None:
        """Replace the revision that `tally.version` names. Raises Conflict when another write came between, and
        StoreFailed."""


class Switch(Protocol):
    """The operator's hand on every paid call."""

    def paused(self) -> bool:
        """Whether paid calls are stopped; the answer is at most half a minute old. Raises StoreFailed."""
