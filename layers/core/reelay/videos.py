"""The Videos API as a view of records: its requests as chat completions, and records as its videos. No I/O.

Shapes follow OpenAI's Videos API as openai-python 3.54 speaks it (`openai.types.Video`).
"""

from __future__ import annotations

from typing import Any

from reelay.ids import video_id
from reelay.jobs import ARCHIVE_SECONDS, OPEN, media_settled
from reelay.links import media_links
from reelay.model import Json, Phase, Record, VideoRequest
from reelay.shapes import contents

ALMOST_PERCENT = 99
"""Shown while a video that is made is being copied: it cannot be downloaded yet."""


def wanted(body: Json) -> tuple[Json, VideoRequest]:
    """The chat completion that asks for a video, and what was said in the words of the Videos API.

    The upstream's chat operation takes no length and no size of its own: it reads them, as it reads the orientation,
    out of the prompt. So they are said there, in a line of their own, and only where the caller said them.
    """
    video = VideoRequest(body["prompt"], body.get("seconds"), body.get("size"))
    picture = body.get("input_reference")
    message = _message(_spoken(video), picture and picture["image_url"])
    return _request(body["model"], [message], body.get("metadata")), video


def remixed(record: Record, body: Json) -> tuple[Json, VideoRequest] | None:
    """The chat completion that changes an earlier video: its conversation, its answer, and the new prompt.

    The `sid` in the earlier answer is what makes it an edit. None where request or answer were not kept.
    """
    if record.request is None or record.completion is None:
        return None
    answer = next(contents(record.completion), "")
    said = _message(body["prompt"], None)
    messages = [*record.request["messages"], {"role": "assistant", "content": answer}, said]
    before = record.video or VideoRequest("")
    video = VideoRequest(body["prompt"], before.seconds, before.size, record.id)
    return _request(record.model, messages, body.get("metadata")), video


def view(record: Record, now: float) -> dict[str, Any]:
    """The record as a video.

    A video is completed when it can be downloaded, or when it is known that it cannot: a completion whose media are
    being copied is in progress, and one that holds no video has failed.
    """
    status, error = _status(record, now)
    asked = record.video
    return {
        "id": video_id(record.id),
        "object": "video",
        "model": record.model,
        "status": status,
        "progress": 100 if status == "completed" else min(record.progress, ALMOST_PERCENT),
        "created_at": record.created,
        "completed_at": record.finished or None if status == "completed" else None,
        "expires_at": None,
        "prompt": asked.prompt if asked else _prompt(record),
        "size": asked and asked.size,
        "seconds": asked and asked.seconds,
        "remixed_from_video_id": video_id(asked.remix_of) if asked and asked.remix_of else None,
        "error": error,
    }


def is_video(record: Record) -> bool:
    """Whether a record belongs in a list of videos: it was asked for as one, or turned out to be one."""
    return record.keeps and (record.video is not None or bool(record.media))


def _status(record: Record, now: float) -> tuple[str, dict[str, str] | None]:
    if record.phase in OPEN:
        return ("queued" if record.status in (None, "queued") else "in_progress"), None
    if record.phase is not Phase.COMPLETED:
        problem = record.problem
        words = problem.message if problem else "The video failed."
        return "failed", {"code": (problem and problem.code) or "failed", "message": words}
    if record.media:
        return ("completed" if media_settled(record, now) else "in_progress"), None
    if not any(media_links(text) for text in contents(record.completion or {})):
        return "failed", {"code": "no_video", "message": _NO_VIDEO}
    return ("in_progress" if now - record.finished < ARCHIVE_SECONDS else "completed"), None


def _request(model: str, messages: list[Any], metadata: Json | None) -> Json:
    labels = {"metadata": metadata} if metadata else {}
    return {"model": model, "messages": messages, "stream": True, **labels}


def _message(text: str, picture: str | None) -> dict[str, Any]:
    if picture is None:
        return {"role": "user", "content": text}
    parts = [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": picture}}]
    return {"role": "user", "content": parts}


def _spoken(video: VideoRequest) -> str:
    said = [f"{video.seconds} seconds"] if video.seconds else []
    if video.size:
        width, height = map(int, video.size.split("x"))
        shape = "square" if width == height else "landscape" if width > height else "portrait"
        said += [shape, video.size]
    return f"{video.prompt}\n\n({', '.join(said)})" if said else video.prompt


def _prompt(record: Record) -> str | None:
    """The last thing a user said, for a record that was asked for as a chat completion."""
    for message in reversed((record.request or {}).get("messages", ())):
        content = message.get("content")
        if message.get("role") == "user" and isinstance(content, str):
            return content
        if message.get("role") == "user":
            texts = [part["text"] for part in content or () if part.get("type") == "text"]
            return "\n".join(texts) or None
    return None


_NO_VIDEO = (
    "v98store answered, but with no video. What it said is the text of the chat completion with the same id "
    "(chatcmpl- in place of video_)."
)
