"""The captured stream of the documented operation, frame by frame, and the variants of it that were seen elsewhere.

Each stream is a tuple of JSON payloads; `as_stream` makes the bytes that carried it. Ids, hosts and the order of the
deltas are as captured; what the capture left out (the whole of an id, a prompt) is made up.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Payload = Mapping[str, Any]

PROMPT = 'an astronaut golden retriever named Sora says "woof" and levitates 🐕'
TASK_ID = "task_01k7e5w9z5f2d91pekrqy59rwc"
VIDEO = "https://filesystem.site/cdn/20251013/0f6fbe13a9c64ed7a1c3bd2e5d1d4c0a.mp4"
POSTER = "https://filesystem.site/cdn/20251013/0f6fbe13a9c64ed7a1c3bd2e5d1d4c0a.webp"
SIGNED_VIDEO = (
    "https://videos.blob.example/raw/0f6fbe13.mp4?st=2025-10-13T14%3A01%3A02Z&se=2025-10-14T14%3A01%3A02Z"
    "&sp=r&sig=pA9%2Fq3Zk%2B0c%3D"
)
CREATED = 1760367843


def echo(**request: Any) -> str:
    """The echo of the parsed request, as the upstream prints it."""
    return f"```json\n{json.dumps(request, ensure_ascii=False, indent=4)}\n```"


def _frame(delta: Payload, finish_reason: str | None = None, **more: Any) -> Payload:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    head = {"id": "chatcmpl-89DmEkhXUhtXJ9Xq", "object": "chat.completion.chunk", "created": CREATED, "model": "sora-2"}
    return {**head, "choices": [choice], **more}


def _pieces(text: str) -> Iterator[Payload]:
    """A text in pieces of one and two characters by turns."""
    at, size = 0, 1
    while at < len(text):
        yield _frame({"content": text[at : at + size]})
        at, size = at + size, 3 - size


def _result(video: str) -> str:
    return f"\n\n> 生成完成 ✅\n> sid: s_68eca3f1d2a88191a0a7d3c3\n\n![{POSTER}]({POSTER})\n[在线播放▶️]({video})"


def _telling(*, request: Payload, last: str) -> tuple[Payload, ...]:
    """The captured order of deltas with this echo and this last text."""
    preview, source = (f"https://asyncdata.net/{view}/{TASK_ID}" for view in ("web", "source"))
    told = [
        f"\n\n> ID: `{TASK_ID}`\n>[数据预览]({preview}) | [原始数据]({source})\n> 排队中",
        *"...",
        "\n> 生成中",
        *"..",
        "\n\n>🏃 进度 36..",
        "44..",
        "6",
        "1..",
        "69..",
        "81..",
        last,
    ]
    return (
        _frame({"role": "assistant", "content": ""}),
        *_pieces(echo(**request)),
        _frame({}),
        *(_frame({"content": text}) for text in told),
        _frame({}, "stop"),
    )


CAPTURED = _telling(request={"prompt": PROMPT, "orientation": "portrait"}, last=_result(VIDEO))

V2 = _telling(
    request={"prompt": PROMPT, "orientation": "portrait", "duration": 15},
    last=_result(VIDEO) + '\n\n<p align="center"><small>Powered by <a href="https://relay.example/">us</a></small></p>',
)

V4 = (
    _frame({"role": "assistant", "content": "⌛️ 任务正在队列中，请耐心等待...\n"}),
    _frame({"content": "🏃 进度：36.0%\n"}),
    _frame({"content": "🏃 进度：9"}),
    _frame({"content": "2.50%\n"}),
    _frame({"content": f"✅ 视频生成成功，[点击这里]({VIDEO}) 查看视频~~~"}),
    _frame({}, "stop"),
)

V5: Payload = {
    "id": "foaicmpl-5f0c2b",
    "object": "chat.completion",
    "created": CREATED,
    "model": "sora-2",
    "choices": [
        {
            "index": 0,
            "delta": {"role": "assistant", "content": f"✅ 视频生成成功，[点击这里]({VIDEO}) 查看视频~~~"},
            "finish_reason": None,
        }
    ],
}


def _v7(number: int, delta: Payload, finish_reason: str | None = None) -> Payload:
    usage = {"prompt_tokens": 0, "completion_tokens": number, "total_tokens": number}
    return _frame(delta, finish_reason, id=f"chatcmpl-17603678{number:02}", usage=usage)


_V7_DELTAS: tuple[Payload, ...] = (
    {"role": "assistant", "content": None, "reasoning_content": "**Video Generation Begins**\n"},
    *(
        {"content": None, "reasoning_content": f"**Video Generation Progress**: {percent}% (processing)\n"}
        for percent in (8, 40, 95)
    ),
    {"content": f"```html\n<video src='{VIDEO}' controls></video>\n```", "reasoning_content": None},
)
V7 = (*(_v7(number, delta) for number, delta in enumerate(_V7_DELTAS)), _v7(len(_V7_DELTAS), {}, "STOP"))

V8 = _telling(request={"prompt": PROMPT, "orientation": "landscape"}, last=_result(SIGNED_VIDEO))

STREAMS: Mapping[str, tuple[Payload, ...]] = {
    "captured": CAPTURED,
    "V2": V2,
    "V4": V4,
    "V5": (V5,),
    "V7": V7,
    "V8": V8,
}


def as_events(payloads: Iterable[Payload]) -> list[str]:
    """The data of each event of a stream, `[DONE]` last."""
    return [*(json.dumps(payload, ensure_ascii=False) for payload in payloads), "[DONE]"]


def as_stream(payloads: Iterable[Payload], line_end: str = "\n") -> bytes:
    """The bytes of a stream."""
    return "".join(f"data: {event}{line_end}{line_end}" for event in as_events(payloads)).encode()


def content_of(payloads: Iterable[Payload]) -> str:
    """The content of choice 0, put together by hand."""
    return "".join(payload["choices"][0]["delta"].get("content") or "" for payload in payloads)
