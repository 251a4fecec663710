"""What leaves always has OpenAI's shape: chunks and completions, whatever object the upstream sent. No I/O.

The shapes are `openai.types.chat.ChatCompletionChunk` and `ChatCompletion` of openai-python 3. A field that OpenAI
documents is kept when its value has the documented type, put right where the meaning is plain, and left out otherwise,
null included unless null is documented to mean something. A field that OpenAI does not document passes untouched.
Values are what `json.loads` makes, of a depth that its reader has bounded.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

Rule = Callable[[Any], Any]
"""From the value that came to the value that goes, or to `_GONE`."""

Rules = Mapping[str, Rule]

_GONE: Final = object()


@dataclass(frozen=True, slots=True)
class Identity:
    """What is ours in every chunk: the public `id`, `created` in Unix seconds, and the `model` that was asked for,
    which stands where the upstream names none."""

    id: str
    model: str
    created: int


def _fields(value: Mapping[str, Any], rules: Rules) -> dict[str, Any]:
    kept = {}
    for name, item in value.items():
        rule = rules.get(name)
        if rule is None or (item := rule(item)) is not _GONE:
            kept[name] = item
    return kept


def _gone(_: Any) -> Any:
    return _GONE


def _text(value: Any) -> Any:
    return value if isinstance(value, str) else _GONE


def _flag(value: Any) -> Any:
    return value if isinstance(value, bool) else _GONE


def _count(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if type(value) is int and value >= 0 else _GONE


def _number(value: Any) -> Any:
    return value if type(value) in (int, float) and -1e300 < value < 1e300 else _GONE


def _word(*words: str) -> Rule:
    return lambda value: word if isinstance(value, str) and (word := value.lower()) in words else _GONE


def _nullable(rule: Rule) -> Rule:
    return lambda value: None if value is None else rule(value)


def _list_of(rule: Rule) -> Rule:
    def check(value: Any) -> Any:
        if not isinstance(value, list):
            return _GONE
        return [item for item in map(rule, value) if item is not _GONE]

    return check


def _map_of(rule: Rule) -> Rule:
    def check(value: Any) -> Any:
        return _fields(value, dict.fromkeys(value, rule)) if isinstance(value, dict) else _GONE

    return check


def _object(required: Rules, optional: Rules | None = None) -> Rule:
    rules = {**required, **(optional or {})}

    def check(value: Any) -> Any:
        if not isinstance(value, dict):
            return _GONE
        kept = _fields(value, rules)
        return kept if required.keys() <= kept.keys() else _GONE

    return check


def _either(*rules: Rule) -> Rule:
    def check(value: Any) -> Any:
        return next((kept for rule in rules if (kept := rule(value)) is not _GONE), _GONE)

    return check


def _content(value: Any) -> Any:
    """Text, null, or the text of a list of parts (the shape of a request's content, which some upstreams answer in)."""
    if isinstance(value, list):
        texts = [part.get("text") if isinstance(part, dict) else part for part in value]
        return "".join(text for text in texts if isinstance(text, str))
    return None if value is None else _text(value)


def _role(value: Any) -> Any:
    return "assistant" if isinstance(value, str) else _GONE


def _arguments(value: Any) -> Any:
    """JSON in a string, as documented; an object that was not put into one is."""
    return json.dumps(value, separators=(",", ":")) if isinstance(value, dict) else _text(value)


def _usage(value: Any) -> Any:
    """Token counts; the total can be made up from the others, the others cannot."""
    if not isinstance(value, dict):
        return _GONE
    kept = _fields(value, _USAGE)
    if "prompt_tokens" not in kept or "completion_tokens" not in kept:
        return _GONE
    return {"total_tokens": kept["prompt_tokens"] + kept["completion_tokens"], **kept}


def _logprobs(value: Any) -> Any:
    kept = _fields(value, {"content": _TOKENS, "refusal": _TOKENS}) if isinstance(value, dict) else {}
    return {"content": None, "refusal": None, **kept} if any(kept.values()) else _GONE


def _delta_calls(value: Any) -> Any:
    """Tool calls of a delta: each needs the `index` by which its parts are put together."""
    calls = [call for call in value if isinstance(call, dict)] if isinstance(value, list) else []
    return [{"index": _index(call, at), **_fields(call, _DELTA_CALL)} for at, call in enumerate(calls)] or _GONE


def _message_calls(value: Any) -> Any:
    """Tool calls of a message: each needs an `id`, a `type` and what is called."""
    calls = [call for call in value if isinstance(call, dict)] if isinstance(value, list) else []
    whole = []
    for at, call in enumerate(calls):
        kept = {"id": f"call_{at}", **_fields(call, _MESSAGE_CALL)}
        if "function" in kept:
            kept["function"] = {"arguments": "", **kept["function"]}
            whole.append({**kept, "type": "function"})
        elif "custom" in kept:
            whole.append({**kept, "type": "custom"})
    return whole or _GONE


def _index(value: Mapping[str, Any], position: int) -> int:
    index = _count(value.get("index"))
    return position if index is _GONE else int(index)


_FINISH_REASONS = frozenset(("stop", "length", "tool_calls", "content_filter", "function_call"))
_UNFINISHED = frozenset(("", "null", "none"))


def _finish(value: Any) -> str | None:
    """A finish_reason in OpenAI's words: in any case, and "stop" for whatever other word an upstream has for an end."""
    word = value.strip().lower() if isinstance(value, str) else ""
    return word if word in _FINISH_REASONS else None if word in _UNFINISHED else "stop"


_TOKEN = {"token": _text, "logprob": _number}
_BYTES = {"bytes": _nullable(_list_of(_count))}
_TOKENS = _nullable(_list_of(_object({**_TOKEN, "top_logprobs": _list_of(_object(_TOKEN, _BYTES))}, _BYTES)))
_USAGE: Rules = {
    **dict.fromkeys(("prompt_tokens", "completion_tokens", "total_tokens"), _count),
    "prompt_tokens_details": _object(
        {},
        dict.fromkeys(("audio_tokens", "cache_write_tokens", "cached_tokens", "image_tokens", "text_tokens"), _count),
    ),
    "completion_tokens_details": _object(
        {},
        dict.fromkeys(
            (
                "accepted_prediction_tokens",
                "audio_tokens",
                "reasoning_tokens",
                "rejected_prediction_tokens",
                "text_tokens",
            ),
            _count,
        ),
    ),
}
_MODERATED = {
    "type": _word("moderation_result"),
    "model": _text,
    "flagged": _flag,
    "categories": _map_of(_flag),
    "category_scores": _map_of(_number),
    "category_applied_input_types": _map_of(_list_of(_word("text", "image"))),
}
_MODERATION = _either(
    _object({"type": _word("moderation_results"), "model": _text, "results": _list_of(_object(_MODERATED))}),
    _object({"type": _word("error"), "code": _text, "message": _text}),
)
_CUSTOM = _object({"name": _text, "input": _text})
_DELTA_CALL: Rules = {
    "index": _gone,
    "id": _text,
    "type": _word("function"),
    "function": _object({}, {"name": _text, "arguments": _arguments}),
}
_MESSAGE_CALL: Rules = {
    "index": _gone,
    "id": _text,
    "type": _gone,
    "function": _object({"name": _text}, {"arguments": _arguments}),
    "custom": _CUSTOM,
}
_AUDIO = {"id": _text, "data": _text, "expires_at": _count, "transcript": _text}
_SPOKEN: Rules = {
    "role": _role,
    "content": _content,
    "refusal": _nullable(_text),
    "reasoning_content": _nullable(_text),  # not OpenAI's, but everybody's: progress is read from it
}
_DELTA: Rules = {
    **_SPOKEN,
    "audio": _object({}, _AUDIO),
    "function_call": _object({}, {"name": _text, "arguments": _arguments}),
    "tool_calls": _delta_calls,
}
_CITATION = _object({"start_index": _count, "end_index": _count, "title": _text, "url": _text})
_MESSAGE: Rules = {
    **_SPOKEN,
    "audio": _object(_AUDIO),
    "function_call": _object({"name": _text, "arguments": _arguments}),
    "tool_calls": _message_calls,
    "annotations": _list_of(_object({"type": _word("url_citation"), "url_citation": _CITATION})),
}
_CHOICE: Rules = {**dict.fromkeys(("index", "delta", "message", "finish_reason"), _gone), "logprobs": _logprobs}
_REPLY: Rules = {
    **dict.fromkeys(("id", "object", "created", "model", "choices"), _gone),
    "usage": _usage,
    "system_fingerprint": _text,
    "service_tier": _word("auto", "default", "flex", "scale", "priority", "fast"),
    "moderation": _object({"input": _MODERATION, "output": _MODERATION}),
}
_CHUNK: Rules = {**_REPLY, "obfuscation": _text}
_COMPLETION: Rules = {**_REPLY, "obfuscation": _gone, "metadata": _map_of(_text)}


def _choices(payload: Mapping[str, Any]) -> list[dict[str, Any]]:
    choices = payload.get("choices")
    if isinstance(choices, dict):
        return [choices]
    return [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []


def _said(choice: Mapping[str, Any], label: str, other: str) -> Mapping[str, Any]:
    """What a choice says, under the label that is due or under the other one."""
    for said in (choice.get(label), choice.get(other)):
        if said and isinstance(said, dict):
            return said
    return {}


def _model(payload: Mapping[str, Any], otherwise: str) -> str:
    model = payload.get("model")
    return model if model and isinstance(model, str) else otherwise


def has_finish(payload: Mapping[str, Any]) -> bool:
    """Whether any choice says why it ended. Takes whatever the upstream sent."""
    return any(_finish(choice.get("finish_reason")) for choice in _choices(payload))


class ChunkShaper:
    """Turns the objects of one stream into conforming chunks: one id, one time, and the model that was named last."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._model = identity.model
        self._ended: dict[int, bool] = {}

    def shape(self, payload: Mapping[str, Any]) -> dict[str, Any] | None:
        """The chunk for one object: a chunk, or a whole completion as one chunk; None when it says nothing at all."""
        choices = [self._choice(choice, at) for at, choice in enumerate(_choices(payload))]
        rest = _fields(payload, _CHUNK)
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
        index = _index(choice, position)
        finish = _finish(choice.get("finish_reason"))
        self._ended[index] = self._ended.get(index, False) or finish is not None
        delta = _fields(_said(choice, "delta", "message"), _DELTA)
        return {"index": index, "delta": delta, "finish_reason": finish, **_fields(choice, _CHOICE)}


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
        **_fields(payload, _COMPLETION),
    }


def _whole_choice(choice: Mapping[str, Any], position: int) -> dict[str, Any]:
    message = _fields(_said(choice, "message", "delta"), _MESSAGE)
    return {
        "index": _index(choice, position),
        "message": {"content": None, "refusal": None, **message, "role": "assistant"},
        "finish_reason": _finish(choice.get("finish_reason")) or "stop",
        "logprobs": None,
        **_fields(choice, _CHOICE),
    }


_IN_EVERY_CHUNK = ("id", "created", "model", "system_fingerprint", "service_tier")


def as_chunks(completion: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A completion that conforms, as the chunks of a stream: what each choice says, then how each ended.

    Fields of the completion itself stand in the first chunk, `usage` in the last.
    """
    head = {"object": "chat.completion.chunk", **{k: completion[k] for k in _IN_EVERY_CHUNK if k in completion}}
    chunks = [{**head, "choices": [choice]} for choice in _said_and_ended(completion["choices"])]
    chunks = chunks or [{**head, "choices": []}]
    rest = {name: value for name, value in _fields(completion, _CHUNK).items() if name not in head}
    usage = rest.pop("usage", None)
    chunks[0].update(rest)
    if usage is not None:
        chunks[-1]["usage"] = usage
    return chunks


def _said_and_ended(choices: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    said = [
        {"index": c["index"], "delta": _fields(c["message"], _DELTA), "finish_reason": None, **_fields(c, _CHOICE)}
        for c in choices
    ]
    ended = [{"index": c["index"], "delta": {}, "finish_reason": c["finish_reason"]} for c in choices]
    return said + ended
