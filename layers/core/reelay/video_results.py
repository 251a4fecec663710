"""Use case: videos as OpenAI's Videos API shows them, and the files of their media."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from reelay import videos
from reelay.aftercare import links_of
from reelay.errors import Conflict, NotFound, ReelayError
from reelay.ids import video_id
from reelay.jobs import ARCHIVE_SECONDS, media_settled
from reelay.lookup import cursor, own_record
from reelay.model import Answer, Call, Invocation, Json, MediaKind, Order, Phase, Record
from reelay.pages import labelled, listed, page
from reelay.replay import NOT_READY_RETRY_SECONDS, unfinished

if TYPE_CHECKING:
    from reelay.ports import Archive, Clock, Store
    from reelay.results import Reply

DAY_SECONDS = 24 * 3600
POLL_MILLISECONDS = 5000
SOON_MILLISECONDS = 1000
"""Told as `openai-poll-after-ms`, which the OpenAI SDK's poll helper obeys: a video takes minutes, but at its very
beginning and near its end somebody waits for the next word."""

BEGINNING_SECONDS = 10
NEAR_PERCENT = 90


class VideoResults:
    """The videos of one tenant at a time. `answer` builds a reply of (status, payload, headers); the bucket lets media
    go after `media_days`, 0 for never."""

    def __init__(self, store: Store, archive: Archive, clock: Clock, answer: Reply, media_days: int = 0) -> None:
        self._store = store
        self._archive = archive
        self._clock = clock
        self._answer = answer
        self._media_days = media_days

    def page(self, call: Call, _: Invocation) -> Answer:
        """A page of videos, running and failed ones too, by the time of their creation."""
        model, metadata = call.parameters.get("model"), call.parameters.get("metadata") or {}
        records = self._store.walk(call.tenant, Order(call.parameters["order"]), cursor(call))
        wanted = partial(_matches, model=model, metadata=metadata)
        view = partial(videos.view, now=self._clock.now())
        found = page(records, call.parameters["limit"], wanted, view)
        last = video_id(found.last.id) if found.last else None
        return self._answer(200, listed(found.data, last, more=found.more))

    def retrieve(self, call: Call, _: Invocation) -> Answer:
        """One video as it is now, and when to ask again while it is not finished."""
        now = self._clock.now()
        video = videos.view(self._record(call), now)
        if video["status"] not in ("queued", "in_progress"):
            return self._answer(200, video)
        soon = now - video["created_at"] < BEGINNING_SECONDS or video["progress"] >= NEAR_PERCENT
        wait = SOON_MILLISECONDS if soon else POLL_MILLISECONDS
        return self._answer(200, video, {"openai-poll-after-ms": str(wait)})

    def delete(self, call: Call, _: Invocation) -> Answer:
        """Remove the record, its transcript and its media."""
        record = self._record(call)
        self._store.delete(record)
        return self._answer(200, {"id": video_id(record.id), "object": "video.deleted", "deleted": True})

    def content(self, call: Call, _: Invocation) -> Answer:
        """A redirect to a link of a few minutes to the archived video or thumbnail, or that link as it is."""
        record = self._record(call)
        kind = MediaKind(call.parameters["variant"])
        if record.phase is not Phase.COMPLETED:
            unfinished(record)
        for media in record.media:
            if media.kind == kind and media.archived:
                if self._media_days and self._clock.now() - media.at >= self._media_days * DAY_SECONDS:
                    raise NotFound(
                        f"The {kind} was kept for {self._media_days} days and is gone.", code="media_unavailable"
                    )
                location = self._archive.address(media)
                if call.parameters.get("redirect") == "false":
                    return self._answer(200, {"object": "video.link", "url": location})
                return Answer(302, {"Location": location, "Cache-Control": "no-store"}, ())
        raise self._no_media(record, kind)

    def _record(self, call: Call) -> Record:
        return own_record(call, "video_id", self._store, self._clock)

    def _no_media(self, record: Record, kind: MediaKind) -> ReelayError:
        now = self._clock.now()
        linked = any(link.kind == kind for link in links_of(record))
        reason = next((media.reason for media in record.media if media.kind == kind), None)
        if linked and not media_settled(record, now) and now - record.finished < ARCHIVE_SECONDS:
            state = f"could not be copied yet: {reason}. It is tried again" if reason else "is being copied"
            return Conflict(
                f"The {kind} {state}; please ask again in {NOT_READY_RETRY_SECONDS} s.",
                code="not_ready",
                retry_after=NOT_READY_RETRY_SECONDS,
            )
        words = f"The {kind} could not be copied: {reason}." if reason else f"This completion has no {kind}."
        return NotFound(words, code="media_unavailable")


def _matches(record: Record, model: str | None, metadata: Json) -> bool:
    return videos.is_video(record) and labelled(record, model, metadata)
