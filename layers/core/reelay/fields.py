"""OpenAI's documented fields as rules: what becomes of each value that the upstream sent for it. No I/O.

A field that OpenAI documents is kept when its value has the documented type, put right where the meaning is plain, and
left out otherwise, null included unless null is documented to mean something. A field that it does not document passes
untouched. Values are what `json.loads` makes, of a depth that its reader has bounded.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

Rule = Callable[[Any], Any]
"""From the value that came to the value that goes, or to `_GONE`."""

Rules = Mapping[str, Rule]

_GONE: Final = object()

MAX_CALLS: Final = 128
"""Tool calls of one message: as many as OpenAI lets a request have tools."""

_LARGEST_COUNT: Final = 2**53
"""Beyond it JSON's numbers are not exact everywhere (RFC 8259, section 6)."""


def by_rules(value: Mapping[str, Any], rules: Rules) -> dict[str, Any]:
    """The object with each field as its rule makes it; fields without a rule pass untouched."""
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
    return value if type(value) is int and 0 <= value <= _LARGEST_COUNT else _GONE


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
        return by_rules(value, dict.fromkeys(value, rule)) if isinstance(value, dict) else _GONE

    return check


def _object(required: Rules, optional: Rules | None = None) -> Rule:
    rules = {**required, **(optional or {})}

    def check(value: Any) -> Any:
        if not isinstance(value, dict):
            return _GONE
        kept = by_rules(value, rules)
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
    kept = by_rules(value, _USAGE)
    if "prompt_tokens" not in kept or "completion_tokens" not in kept:
        return _GONE
    return {"total_tokens": kept["prompt_tokens"] + kept["completion_tokens"], **kept}


def _logprobs(value: Any) -> Any:
    kept = by_rules(value, {"content": _TOKENS, "refusal": _TOKENS}) if isinstance(value, dict) else {}
    return {"content": None, "refusal": None, **kept} if any(kept.values()) else _GONE


def _calls(value: Any) -> list[dict[str, Any]]:
    return [call for call in value[:MAX_CALLS] if isinstance(call, dict)] if isinstance(value, list) else []


def _delta_calls(value: Any) -> Any:
    """Tool calls of a delta: each needs the `index` by which its parts are put together."""
    calls = [(index_of(call, at), call) for at, call in enumerate(_calls(value))]
    return [{"index": index, **by_rules(call, _DELTA_CALL)} for index, call in calls if index < MAX_CALLS] or _GONE


def _message_calls(value: Any) -> Any:
    """Tool calls of a message: each needs an `id`, a `type` and what is called."""
    whole = []
    for at, call in enumerate(_calls(value)):
        kept = {"id": f"call_{at}", **by_rules(call, _MESSAGE_CALL)}
        if "function" in kept:
            kept["function"] = {"arguments": "", **kept["function"]}
            whole.append({**kept, "type": "function"})
        elif "custom" in kept:
            whole.append({**kept, "type": "custom"})
    return whole or _GONE


def index_of(value: Mapping[str, Any], position: int) -> int:
    """A choice's or a call's own index, or its position where it has none."""
    index = _count(value.get("index"))
    return position if index is _GONE else int(index)


_FINISH_REASONS = frozenset(("stop", "length", "tool_calls", "content_filter", "function_call"))
_UNFINISHED = frozenset(("", "null", "none"))


def finish_reason(value: Any) -> str | None:
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
DELTA: Rules = {
    **_SPOKEN,
    "audio": _object({}, _AUDIO),
    "function_call": _object({}, {"name": _text, "arguments": _arguments}),
    "tool_calls": _delta_calls,
}
_CITATION = _object({"start_index": _count, "end_index": _count, "title": _text, "url": _text})
MESSAGE: Rules = {
    **_SPOKEN,
    "audio": _object(_AUDIO),
    "function_call": _object({"name": _text, "arguments": _arguments}),
    "tool_calls": _message_calls,
    "annotations": _list_of(_object({"type": _word("url_citation"), "url_citation": _CITATION})),
}
CHOICE: Rules = {**dict.fromkeys(("index", "delta", "message", "finish_reason"), _gone), "logprobs": _logprobs}
_REPLY: Rules = {
    **dict.fromkeys(("id", "object", "created", "model", "choices"), _gone),
    "usage": _usage,
    "system_fingerprint": _text,
    "service_tier": _word("auto", "default", "flex", "scale", "priority", "fast"),
    "moderation": _object({"input": _MODERATION, "output": _MODERATION}),
}
CHUNK: Rules = {**_REPLY, "obfuscation": _text}
# `media` is a field of ours, on completions that are kept.
COMPLETION: Rules = {**_REPLY, "obfuscation": _gone, "media": _gone, "metadata": _map_of(_text)}
