"""A request that has every field of the contract, and what is different where a field has several forms."""

from __future__ import annotations

from typing import Any

SITS: Any = {"name": "sit", "description": "Sit down.", "parameters": {"type": "object"}, "strict": True}
PARTS: Any = [
    {"type": "text", "text": "what is it?", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"}},
    {"type": "image_url", "image_url": {"url": "https://a.example/a.png", "detail": "low"}},
    {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    {"type": "file", "file": {"file_data": "AAAA", "file_id": "f", "filename": "a.pdf"}},
]
CALLS: Any = [
    {"id": "c1", "type": "function", "function": {"name": "sit", "arguments": "{}"}},
    {"id": "c2", "type": "custom", "custom": {"name": "dig", "input": "here"}},
]
RICH: Any = {
    "messages": [
        {"role": "user", "content": PARTS, "name": "ann"},
        {"role": "system", "content": [{"type": "text", "text": "You are a dog."}]},
        {
            "role": "assistant", "content": [{"type": "refusal", "refusal": "no"}, {"type": "text", "text": "yes"}],
            "refusal": "no", "audio": {"id": "a"}, "tool_calls": CALLS,
            "function_call": {"name": "sit", "arguments": "{}"},
        },
        {"role": "tool", "content": "sat", "tool_call_id": "c1"},
        {"role": "function", "content": "sat", "name": "sit"},
    ],
    "model": "sora-2",
    "audio": {"format": "mp3", "voice": {"id": "v"}},
    "frequency_penalty": 0.5, "function_call": {"name": "sit"}, "functions": [SITS], "logit_bias": {"50256": -100},
    "logprobs": True, "max_completion_tokens": 100, "max_tokens": 1000, "metadata": {"project": "dogs"},
    "modalities": ["text", "audio"],
    "moderation": {"model": "m", "policy": {"input": {"mode": "block"}, "output": {"mode": "score"}}},
    "n": 1, "parallel_tool_calls": False,
    "prediction": {"type": "content", "content": [{"type": "text", "text": "Woof."}]},
    "presence_penalty": -0.5, "prompt_cache_key": "dogs", "prompt_cache_options": {"mode": "explicit", "ttl": "30m"},
    "prompt_cache_retention": "24h", "reasoning_effort": "low",
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "dog", "description": "A dog.", "schema": {"type": "object"}, "strict": True},
    },
    "safety_identifier": "u", "seed": 7, "service_tier": "flex", "stop": ["cat"], "store": True, "stream": False,
    "stream_options": {"include_usage": True, "include_obfuscation": False}, "temperature": 0.5,
    "tool_choice": {"type": "function", "function": {"name": "sit"}},
    "tools": [
        {"type": "function", "function": SITS},
        {
            "type": "custom",
            "custom": {
                "name": "dig", "description": "Dig.",
                "format": {"type": "grammar", "grammar": {"definition": "x", "syntax": "lark"}},
            },
        },
    ],
    "top_logprobs": 3, "top_p": 0.5, "user": "u", "verbosity": "low",
    "web_search_options": {
        "search_context_size": "low",
        "user_location": {
            "type": "approximate",
            "approximate": {"city": "Bonn", "country": "DE", "region": "NRW", "timezone": "Europe/Berlin"},
        },
    },
}  # fmt: skip
"""A request that has every field of the contract."""

OTHERS: tuple[Any, ...] = (
    {"tool_choice": {"type": "custom", "custom": {"name": "dig"}}},
    {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{}]}}},
    {"tool_choice": "auto", "function_call": "auto", "response_format": {"type": "text"}},
)
"""Where a field has several forms: what is different then."""
