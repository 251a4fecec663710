"""What leaves always has OpenAI's shape: chunks and completions, whatever object the upstream sent. No I/O.

The shapes are `openai.types.chat.ChatCompletionChunk` and `ChatCompletion` of openai-python 3; `fields` says what
becomes of each field.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reelay.fields import CHOICE, CHUNK, COMPLETION, DELTA, MESSAGE, by_rules, finish_reason, index_of


@dataclass(frozen=True, slots=True)
class Identity:
    """What is ours in every chunk: the public `id`, `created` in Unix seconds, and the `model` that was asked for,
    which stands where the upstream names none."""

    id: str
    model: str
    created: int


MAX_CHOICES = 128
"""The most that OpenAI lets anybody ask for (`n`): an upstream that answers with more would only cost memory."""


def _choices(payload: Mapping[str, Any]) -> list[dict[str, Any]]:
    choices = payload.get("choices")
    if isinstance(choices, dict):
        choices = [choices]
    if not isinstance(choices, list):
        return []
    objects = [choice for choice in choices[:MAX_CHOICES] if isinstance(choice, dict)]
    if len(objects) == 1 and objects[0].get("index") == 0:  # as in nearly every chunk, which asks twice
        return objects
    return [choice for at, choice in enumerate(objects) if index_of(choice, at) < MAX_CHOICES]


def _said(choice: Mapping[str, Any], label: str, other: str) -> Mapping[str, Any]:
    """What a choice says, under the label that is due or under the other one."""
    for said in (choice.get(label), choice.get(other)):
        if said and isinstance(said, dict):
            return said
    return {}


def _model(payload: Mapping[str, Any], otherwise: str) -> str:
    model = payload.get("model")
    return model if model and isinstance(model, str) else otherwise


def endings(payload: Mapping[str, Any]) -> dict[int, bool]:
    """For each choice, by its index, whether it says why it ended. Takes whatever the upstream sent."""
    choices = enumerate(_choices(payload))
    return {index_of(choice, at): finish_reason(choice.get("finish_reason")) is not None for at, choice in choices}


def contents(completion: Mapping[str, Any]) -> Iterator[str]:
    """The texts of a completion in contract shape, one for each choice that has one."""
    for choice in completion.get("choices") or ():
        content = choice["message"].get("content")
        if isinstance(content, str):
            yield content


class ChunkShaper:
    """Turns the objects of one stream into conforming chunks: one id, one time, and the model that was named last."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._model = identity.model
        self._ended: dict[int, bool] = {}

    def shape(self, payload: Mapping[str, Any]) -> dict[str, Any] | None:
        """The chunk for one object: a chunk, or a whole completion as one chunk; None when it says nothing at all."""
        choices = [self._choice(choice, at) for at, choice in enumerate(_choices(payload))]
        rest = by_rules(payload, CHUNK)
        if not choices and not isinstance(payload.get("choices"), list) and not any(rest.values()):
            return None
        self._model = _model(payload, self._model)
        return {**self._head(), "choices": choices, **rest}

    def closing(self) -> list[dict[str, Any]]:
        """Chunks that end the choices that never gave a finish_reason, for a stream that ended well.

        A stream without any choice gets one, so that `choices[0]` is there for whoever puts the chunks together.
        """
        open_choices = [index for index, ended in self._ended.items() if not ended] if self._ended else [0]
        self._ended.update(dict.fromkeys(open_choices, True))
        return [
            {**self._head(), "choices": [{"index": at, "delta": {}, "finish_reason": "stop"}]} for at in open_choices
        ]

    def _head(self) -> dict[str, Any]:
        ours = self._identity
        return {"id": ours.id, "object": "chat.completion.chunk", "created": ours.created, "model": self._model}

    def _choice(self, choice: Mapping[str, Any], position: int) -> dict[str, Any]:
        index = index_of(choice, position)
        finish = finish_reason(choice.get("finish_reason"))
        self._ended[index] = self._ended.get(index, False) or finish is not None
        delta = by_rules(_said(choice, "delta", "message"), DELTA)
        return {"index": index, "delta": delta, "finish_reason": finish, **by_rules(choice, CHOICE)}


_GROWING = frozenset(
    ("content", "refusal", "reasoning_content", "reasoning", "arguments", "input", "data", "transcript")
)
_NESTED = frozenset(("function", "custom", "function_call", "audio"))


def _overlay(kept: dict[str, Any], part: Mapping[str, Any]) -> None:
    """Of each field the last value stays that says something: some upstreams repeat ids and names, or repeat them
    empty."""
    for name, value in part.items():
        if value not in (None, "") or name not in kept:
            kept[name] = value


class _Pile:
    """An object that comes in parts: texts of `_GROWING` are concatenated, objects of `_NESTED` put together the same
    way, everything else overlaid."""

    __slots__ = ("_grown", "_last", "_nested")

    def __init__(self) -> None:
        self._grown: dict[str, list[str]] = {}
        self._nested: dict[str, _Pile] = {}
        self._last: dict[str, Any] = {}

    def add(self, part: Mapping[str, Any]) -> None:
        for name, value in part.items():
            if name in _GROWING and isinstance(value, str):
                self._grown.setdefault(name, []).append(value)
            elif name in _NESTED and isinstance(value, dict):
                self._nested.setdefault(name, _Pile()).add(value)
            else:
                _overlay(self._last, {name: value})

    def text(self, name: str) -> str:
        """A growing text so far; joined once, and then only what came since."""
        pieces = self._grown.get(name, [])
        if len(pieces) > 1:
            pieces[:] = ["".join(pieces)]
        return _mended(pieces[0]) if pieces else ""

    def value(self) -> dict[str, Any]:
        grown = {name: self.text(name) for name in self._grown}
        nested = {name: pile.value() for name, pile in self._nested.items()}
        return {**self._last, **grown, **nested}


def _mended(text: str) -> str:
    """Surrogate pairs that were split over two pieces made whole, and halves that stay alone made U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


class _Choice:
    """One choice of a completion that comes in parts."""

    __slots__ = ("_calls", "_logprobs", "_rest", "_tokens", "message")

    def __init__(self) -> None:
        self.message = _Pile()
        self._rest: dict[str, Any] = {}
        self._calls: dict[int, _Pile] = {}
        self._logprobs: dict[str, Any] = {}
        self._tokens: dict[str, list[Any]] = {}

    def add(self, choice: Mapping[str, Any]) -> None:
        self.message.add(choice["delta"])
        for call in choice["delta"].get("tool_calls", ()):
            self._calls.setdefault(call["index"], _Pile()).add(call)
        for name, found in (choice.get("logprobs") or {}).items():
            if isinstance(found, list):
                self._tokens.setdefault(name, []).extend(found)
            else:
                _overlay(self._logprobs, {name: found})
        _overlay(self._rest, choice)

    def value(self) -> dict[str, Any]:
        calls = [self._calls[index].value() for index in sorted(self._calls)]
        message = {**self.message.value(), "tool_calls": calls}
        return {**self._rest, "message": message, "logprobs": {**self._logprobs, **self._tokens}}


class Assembly:
    """Chunks that conform, put together to one completion."""

    def __init__(self) -> None:
        self._top: dict[str, Any] = {}
        self._choices: dict[int, _Choice] = {}

    def add(self, chunk: Mapping[str, Any]) -> None:
        """Take the next chunk, as `ChunkShaper` makes them."""
        for choice in chunk["choices"]:
            self._choices.setdefault(choice["index"], _Choice()).add(choice)
        _overlay(self._top, chunk)

    @property
    def content(self) -> str:
        """The content of choice 0 so far."""
        choice = self._choices.get(0)
        return choice.message.text("content") if choice else ""

    def completion(self) -> dict[str, Any]:
        """The completion of all chunks so far, a choice that has not ended as if it had stopped.

        Raises ValueError when no chunk was added: there is no id to give.
        """
        top = self._top
        if not top:
            raise ValueError("a completion needs at least one chunk")
        choices = [self._choices[index].value() for index in sorted(self._choices)]
        return whole(Identity(top["id"], top["model"], top["created"]), {**top, "choices": choices})


def whole(identity: Identity, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The completion for a whole reply, labelled `message` or, as some do it, `delta`."""
    return {
        "id": identity.id,
        "object": "chat.completion",
        "created": identity.created,
        "model": _model(payload, identity.model),
        "choices": [_whole_choice(choice, at) for at, choice in enumerate(_choices(payload))],
        **by_rules(payload, COMPLETION),
    }


def _whole_choice(choice: Mapping[str, Any], position: int) -> dict[str, Any]:
    message = by_rules(_said(choice, "message", "delta"), MESSAGE)
    return {
        "index": index_of(choice, position),
        "message": {"content": None, "refusal": None, **message, "role": "assistant"},
        "finish_reason": finish_reason(choice.get("finish_reason")) or "stop",
        "logprobs": None,
        **by_rules(choice, CHOICE),
    }


_IN_EVERY_CHUNK = ("id", "created", "model", "system_fingerprint", "service_tier")


def as_chunks(completion: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A completion that conforms, as the chunks of a stream: what each choice says, then how each ended.

    Fields of the completion itself stand in the first chunk, `usage` in the last.
    """
    head = {"object": "chat.completion.chunk", **{k: completion[k] for k in _IN_EVERY_CHUNK if k in completion}}
    chunks = [{**head, "choices": [choice]} for choice in _said_and_ended(completion["choices"])]
    chunks = chunks or [{**head, "choices": []}]
    rest = {name: value for name, value in by_rules(completion, CHUNK).items() if name not in head}
    usage = rest.pop("usage", None)
    chunks[0].update(rest)
    if usage is not None:
        chunks[-1]["usage"] = usage
    return chunks


def _said_and_ended(choices: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    said = [
        {"index": c["index"], "delta": by_rules(c["message"], DELTA), "finish_reason": None, **by_rules(c, CHOICE)}
        for c in choices
    ]
    ended = [{"index": c["index"], "delta": {}, "finish_reason": c["finish_reason"]} for c in choices]
    return said + ended
