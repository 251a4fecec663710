"""Answers that end too soon, or go silent: on the level of events, of the body's framing, and of the connection.

A whole reply is cut in its middle by the same means.
"""

from __future__ import annotations

from collections.abc import Callable

from dev.simulator.ask import Ask
from dev.simulator.scenes import captured
from dev.simulator.scenes.scene import Scene
from dev.simulator.steps import Abort, Bytes, Frame, Framing, Head, Raw, Reached, Silence, Steps
from dev.simulator.telling import DONE, Say, body_of, frames, stream_head, streamed, told, whole

UNSENT_BYTES = 1000
"""By how much a lying Content-Length exceeds what is sent."""

_TASK = Reached("queued")
_MIDDLE = Reached("in_progress", 61)
_END = Reached("completed", 100)


def _until(ask: Ask, mark: Reached, framing: Framing = Framing.UNTIL_CLOSE) -> Steps:
    """The captured answer up to the moment when its job reaches `mark`."""
    if not ask.stream:
        yield from _half(ask, framing)
        return
    yield stream_head(ask, framing)
    for step in frames(ask, captured.beats(ask)):
        if step == mark:
            return
        yield step


def _half(ask: Ask, framing: Framing) -> Steps:
    body = body_of(whole(ask, captured.beats(ask)))
    yield Head(200, (("Content-Type", "application/json"), ("X-Oneapi-Request-Id", ask.request_id)), framing)
    yield Frame(body[: len(body) // 2])


def _then(mark: Reached, framing: Framing, *steps: Raw | Bytes | Abort) -> Callable[[Ask], Steps]:
    def play(ask: Ask) -> Steps:
        yield from _until(ask, mark, framing)
        yield from steps

    return play


def _length_lies(ask: Ask) -> Steps:
    body = body_of(_until(ask, _END))
    kind = "text/event-stream" if ask.stream else "application/json"
    length = ("Content-Length", str(len(body) + UNSENT_BYTES))
    yield Head(200, (("Content-Type", kind), length, ("X-Oneapi-Request-Id", ask.request_id)), Framing.LENGTH)
    yield from (step for step in _until(ask, _END) if not isinstance(step, Head))
    yield Abort()


def _without(ask: Ask, unwanted: Callable[[bytes], bool]) -> Steps:
    for step in told(ask, captured.beats(ask)):
        if not (isinstance(step, Frame) and unwanted(step.data)):
            yield step


def _no_finish(ask: Ask) -> Steps:
    if not ask.stream:
        return told(ask, captured.beats(ask))
    kept = [beat for beat in captured.beats(ask) if not (isinstance(beat, Say) and beat.finish)]
    return streamed(ask, kept)


def _closed_at_once(_: Ask) -> Steps:
    yield Abort()


def _silent(ask: Ask) -> Steps:
    yield Silence()
    yield from told(ask, captured.beats(ask))


def _silent_after_head(ask: Ask) -> Steps:
    for step in told(ask, captured.beats(ask)):
        yield step
        if isinstance(step, Head):
            yield Silence()


def _silent_midway(ask: Ask) -> Steps:
    """At 61 %, or in the middle of a whole reply's bytes."""
    for step in told(ask, captured.beats(ask)):
        if isinstance(step, Frame) and not ask.stream:
            middle = len(step.data) // 2
            yield from (Frame(step.data[:middle]), Silence(), Frame(step.data[middle:]))
        else:
            yield step
        if ask.stream and step == _MIDDLE:
            yield Silence()


_HALF_AN_EVENT = Bytes(b'data: {"id":"chatcmpl-0","choices":[{"index":0,"delta":{"content":"81')

SCENES = {
    "sim-cut": Scene("no finish, no [DONE]: the connection is closed", lambda a: _until(a, _END)),
    "sim-cut-chunked": Scene("no finish, no [DONE]: the chunked body ends well", _then(_END, Framing.CHUNKED)),
    "sim-cut-before-task": Scene("closed after the echo, before the task id", lambda a: _until(a, _TASK)),
    "sim-cut-mid-frame": Scene("closed in the middle of an event", _then(_MIDDLE, Framing.UNTIL_CLOSE, _HALF_AN_EVENT)),
    "sim-chunk-size-cut": Scene("cut in a chunk's size line", _then(_MIDDLE, Framing.CHUNKED, Raw(b"1f"), Abort())),
    "sim-content-length-lies": Scene("Content-Length says 1000 bytes more than come", _length_lies),
    "sim-reset": Scene("reset (TCP RST) in mid-stream", _then(_MIDDLE, Framing.CHUNKED, Abort(reset=True))),
    "sim-closed-at-once": Scene("closed before the status line", _closed_at_once),
    "sim-finish-no-done": Scene("finish_reason stop, then no [DONE]", lambda a: _without(a, lambda data: data == DONE)),
    "sim-done-no-finish": Scene("[DONE] without a finish_reason before it", _no_finish),
    "sim-silence": Scene("nothing, no status line either, until released; then sora-2", _silent),
    "sim-silence-after-head": Scene("the head, then nothing until released; then sora-2", _silent_after_head),
    "sim-silence-mid-stream": Scene("as sora-2, silent at 61 % until released", _silent_midway),
}
