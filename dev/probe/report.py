"""What a probe found, for a person: places, rules, times and hosts; never the key, the prompt or the text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from dev.probe.life import Look
from dev.probe.reading import Reading
from dev.probe.schemas import Broken
from dev.recording import Recording

SHOWN_HEADERS = (
    "content-type",
    "content-length",
    "content-encoding",
    "transfer-encoding",
    "retry-after",
    "server",
    "cf-ray",
    "x-oneapi-request-id",
    "x-request-id",
)
"""Those that the relay reads, and those by which v98store's support finds a request."""

SHOWN_CHARACTERS = 100
"""Of a header's value: room for every id and type."""

SHOWN_RULES = 20
"""Rules told; whoever breaks more of them has another format."""

_WIDTH = 12


def lines(recording: Recording, reading: Reading, faults: Sequence[Broken], looks: Sequence[Look], now: float) -> str:
    """The report. `now` is in Unix seconds."""
    parts = [*_head(recording), *_times(recording, reading), *_links(looks, now), *_conforms(faults)]
    return "\n".join(f"{name:<{_WIDTH}} {words}".rstrip() for name, words in parts)


def _head(recording: Recording) -> Iterator[tuple[str, str]]:
    if recording.status is None:
        yield "Status", "none"
        return
    yield "Status", f"{recording.status} after {_seconds(recording.head_after)}"
    for name in SHOWN_HEADERS:
        if value := recording.header(name):
            yield "", f"{name}: {_printable(value)}"


def _times(recording: Recording, reading: Reading) -> Iterator[tuple[str, str]]:
    pieces = recording.pieces
    yield "First byte", _seconds(pieces[0].after) if pieces else "none"
    for after, progress in reading.progress:
        yield "Progress", f"{_seconds(after):>9}  {progress.status} {progress.percent} %"
    if reading.task:
        yield "Task", f"{_seconds(reading.task[0]):>9}  {reading.task[1]}"
    size = f"{len(recording.body):,} bytes in {len(pieces):,} pieces, {reading.items:,} read as events or a document"
    yield "Ended", f"after {_seconds(recording.ended_after)}, {recording.ending}: {size}"
    yield "Outcome", reading.outcome


def _links(looks: Sequence[Look], now: float) -> Iterator[tuple[str, str]]:
    for each in looks:
        yield "Link", f"{each.kind} at {each.host}: {_life(each.dies_at, now)}; {each.now}"


def _life(dies_at: float | None, now: float) -> str:
    if dies_at is None:
        return "it does not say how long it lives"
    try:
        moment = f"{datetime.fromtimestamp(dies_at, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return "it says that it lives for longer than a calendar reaches"
    return f"it says that it lives until {moment}, {round(dies_at - now):,} s from now"


def _conforms(faults: Sequence[Broken]) -> Iterator[tuple[str, str]]:
    if not faults:
        yield "Conforms", "to upstream.yaml"
        return
    yield "Conforms", "NOT to upstream.yaml:"
    told = list(_counted(faults))
    yield from (("", words) for words in told[:SHOWN_RULES])
    if len(told) > SHOWN_RULES:
        yield "", f"and {len(told) - SHOWN_RULES} more"


def _counted(faults: Iterable[Broken]) -> Iterator[str]:
    """Each rule and place once, with how often and where first."""
    units: dict[tuple[str, str], list[str]] = {}
    for fault in faults:
        units.setdefault((fault.place, fault.rule), []).append(fault.unit)
    for (place, rule), found in units.items():
        often = f", and {len(found) - 1:,} more" if len(found) > 1 else ""
        yield f"{place + ': ' if place else ''}{rule} (in {found[0]}{often})"


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f} s"


def _printable(text: str) -> str:
    """One line that a terminal may be shown."""
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in text)[:SHOWN_CHARACTERS]
