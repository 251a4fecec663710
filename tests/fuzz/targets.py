"""The targets by name: what each does with an input, and the inputs it begins with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.fuzz import doors, readers, samples


@dataclass(frozen=True, slots=True)
class Target:
    """`run` raises where the input breaks a promise; `seeds` makes inputs that break none."""

    run: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]


def _streams() -> list[bytes]:
    return [samples.uncut(stream) for stream in samples.streams()]


def _replies() -> list[bytes]:
    return [samples.uncut(each) for each in (*samples.streams(), b'{"choices": [{"finish_reason": "stop"}]}')]


def _texts() -> list[bytes]:
    return [samples.uncut(text) for text in samples.texts()]


def _units() -> list[bytes]:
    """What is repeated: the ends of the texts have links, gauges and ids in them."""
    return [text[at : at + 40] for text in samples.texts() for at in range(0, len(text), 40)]


def _forms() -> list[bytes]:
    """With and without the first boundary: `doors.form` reads either."""
    field = b'\r\nContent-Disposition: form-data; name="prompt"\r\n\r\na dog\r\n--fuzz'
    file = b'\r\nContent-Disposition: form-data; name="input_reference"; filename="a.gif"\r\n\r\nGIF89a--\r\n--fuzz'
    return [field + b"--\r\n", field + file + b"--", b"--fuzz" + file + field + b"--"]


def _paths() -> list[bytes]:
    return [b"v1/chat/completions?a=1&a=%20\n" + body for body in samples.bodies()]


TARGETS: Mapping[str, Target] = {
    "sse": Target(readers.sse, _streams),
    "reply": Target(readers.reply, _replies),
    "links": Target(readers.links, _texts),
    "slow_text": Target(readers.slow_text, _units),
    "json": Target(doors.json_text, samples.bodies),
    "form": Target(doors.form, _forms),
    "event": Target(doors.event, samples.mangled_seeds),
    "body": Target(doors.body, lambda: samples.bodies() + _forms()),
    "message": Target(doors.message, samples.bodies),
    "gateway": Target(doors.gateway, _paths),
}
