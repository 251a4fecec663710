"""A record as the world is told of it: the details of events, and the outcome of a dropped file. No I/O.

Events hold facts and labels, never a prompt, a text, a link of the upstream's or its words. An outcome lies in the
bucket beside the request and is the answer itself.
"""

from __future__ import annotations

from typing import Any

from reelay.ids import completion_id, video_id
from reelay.model import Event, Json, Media, Notice, Phase, Problem, Record

MODEL_CHARACTERS = 256
"""What the contract takes; a record from before it did may have a longer one."""


def told(record: Record, notice: Notice) -> Event:
    """The event of a record that has ended; `openapi.yaml` (webhooks) has the shape of the detail."""
    detail: dict[str, Any] = {
        "notice_id": f"{record.id}.{notice.name.lower()}",
        "id": completion_id(record.id),
        "video_id": video_id(record.id),
        "tenant": record.tenant,
        "model": record.model[:MODEL_CHARACTERS],
        "status": "completed" if record.phase is Phase.COMPLETED else "failed",
        "created": record.created,
        "finished": record.finished,
        "metadata": dict(record.metadata),
        "error": record.problem and _fact(record.problem),
        "drop": record.drop,
    }
    if notice is Notice.ARCHIVED:
        detail["media"] = [_archived(record, each) for each in record.media]
    return Event(notice, detail)


def outcome(record: Record) -> Json:
    """What lies beside a dropped file: the completion with its labels and media, or the error, and always the id."""
    if record.problem is not None:
        problem = record.problem
        words = {"message": problem.message, "type": problem.type, "param": problem.param, "code": problem.code}
        return {"id": completion_id(record.id), "error": words}
    media = [{**_archived(record, each), "source": each.source, "reason": each.reason} for each in record.media]
    return {**(record.completion or {}), "metadata": dict(record.metadata), "media": media}


def content_path(record: Record, media: Media) -> str | None:
    """Where archived media are read from, below the API's address."""
    return f"/v1/videos/{video_id(record.id)}/content?variant={media.kind}" if media.archived else None


def _archived(record: Record, media: Media) -> dict[str, Any]:
    return {
        "kind": media.kind,
        "status": "archived" if media.archived else "unavailable",
        "content": content_path(record, media),
        "size": media.size,
        "sha256": media.sha256,
        "content_type": media.content_type,
    }


def _fact(problem: Problem) -> dict[str, Any]:
    return {"type": problem.type, "code": problem.code, "status": problem.status, "charged": problem.charged}
