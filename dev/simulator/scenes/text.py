"""Text models: a short plain answer, and a call of a tool."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dev.simulator.ask import Ask
from dev.simulator.scenes.captured import FIRST, LAST
from dev.simulator.scenes.scene import Scene
from dev.simulator.steps import Frame, Steps
from dev.simulator.telling import (
    DONE,
    Beat,
    Say,
    chunk,
    compact,
    completion,
    document,
    event,
    frames,
    say,
    stream_head,
    told,
    usage,
    whole,
)

TEXT_FAMILIES = ("gpt-", "o1", "o3", "o4", "claude-", "gemini-", "deepseek-", "qwen", "glm-")
"""How the names of text models begin; each of them is played as sim-text."""

_ANSWER = "\n\nHello there, how may I assist you today?"
_ARGUMENTS = ('{"loc', 'ation": "', 'Shanghai"}')


def _text(ask: Ask) -> Steps:
    if not ask.stream:
        yield from whole(ask, _words())
        return
    yield stream_head(ask)
    yield from frames(ask, _words())
    yield from _usage(ask)
    yield Frame(DONE)


def _words() -> Iterator[Beat]:
    yield FIRST
    for word in _ANSWER.split(" "):
        yield say(word if word.startswith("\n") else " " + word)
    yield LAST


def _usage(ask: Ask) -> Iterator[Frame]:
    """The chunk that `stream_options.include_usage` asks for: no choices, only counts."""
    options = ask.body.get("stream_options")
    if isinstance(options, dict) and options.get("include_usage"):
        yield Frame(event(chunk(ask, LAST) | {"choices": [], "usage": usage(ask, _ANSWER)}))


def _tools(ask: Ask) -> Steps:
    if any(message["role"] == "tool" for message in ask.messages):
        return _text(ask)
    return _call_streamed(ask) if ask.stream else document(ask, compact(_call_whole(ask)))


def _call(ask: Ask, arguments: str) -> dict[str, Any]:
    tools = ask.body.get("tools") or [{"function": {"name": "get_weather"}}]
    function = {"name": tools[0]["function"]["name"], "arguments": arguments}
    return {"id": "call_" + ask.seed[:24], "type": "function", "function": function}


def _call_whole(ask: Ask) -> dict[str, Any]:
    message = {"content": None, "tool_calls": [_call(ask, "".join(_ARGUMENTS))]}
    return completion(ask, message, finish="tool_calls")


def _call_streamed(ask: Ask) -> Steps:
    first = Say({"role": "assistant", "content": None, "tool_calls": [{"index": 0, **_call(ask, "")}]})
    pieces = [Say({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}) for piece in _ARGUMENTS]
    return told(ask, [first, *pieces, Say({}, finish="tool_calls")])


SCENES = {
    "sim-text": Scene("a text model: a short plain answer, usage when stream_options asks for it", _text),
    "sim-tools": Scene("a text model that calls the first tool offered, then answers", _tools),
}
