"""Use case: read, list, relabel and delete what was kept, and hand out its media.

Shapes follow OpenAI's stored chat completions (https://platform.openai.com/docs/api-reference/chat/list) and the
content operation of its Videos API. Whatever is not the tenant's own, was deleted or never was, is the same 404.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from reelay.errors import BadRequest, Conflict, NotFound, ReelayError
from reelay.ids import completion_id, core_of
from reelay.jobs import OPEN, Relabelled, next_step
from reelay.journal import looked_at
from reelay.links import media_links
from reelay.model import Answer, Call, Invocation, Json, Media, MediaKind, Order, Phase, Record
from reelay.replay import NOT_READY_RETRY_SECONDS, state, unfinished
from reelay.shapes import contents
from reelay.sse import encoded

if TYPE_CHECKING:
    from reelay.ports import Archive, Clock, Store

Reply = Callable[..., Answer]

SCAN_RECORDS = 1000
"""A filtered page examines at most this many records: its cost stays bounded, whatever the bucket holds."""

PAGE_BYTES = 5 * 1024 * 1024
"""A page ends early rather than grow beyond this: Lambda answers at most 6 MB (Lambda quotas)."""

ARCHIVE_SECONDS = 900
"""Media not in the record after this long are not being copied any more: a function lives 15 minutes at most."""

RELABEL_ATTEMPTS = 5


class Results:
    """The stored completions of one tenant at a time. `answer` builds a reply of (status, payload)."""

    def __init__(self, store: Store, archive: Archive, clock: Clock, answer: Reply) -> None:
        self._store = store
        self._archive = archive
        self._clock = clock
        self._answer = answer

    def page(self, call: Call, _: Invocation) -> Answer:
        """A page of completed records in the order of their creation."""
        model, metadata = call.parameters.get("model"), call.parameters.get("metadata") or {}
        found: list[Record] = []
        examined = size = 0
        last: Record | None = None
        for number, record in enumerate(islice(self._walk(call), SCAN_RECORDS), 1):
            if _matches(record, model, metadata):
                size += len(encoded(encoded(_view(record, call)).decode()))  # escaped once more in the proxy's JSON
                if len(found) == call.parameters["limit"] or (found and size > PAGE_BYTES):
                    return self._records(call, found, found[-1], more=True)
                found.append(record)
            last, examined = record, number
        if examined == SCAN_RECORDS:
            return self._records(call, found, last, more=True)
        return self._records(call, found, found[-1] if found else None, more=False)

    def retrieve(self, call: Call, _: Invocation) -> Answer:
        """One completion, with its metadata and what became of its media; or how far it is."""
        record = self._record(call, "completion_id")
        if record.phase in OPEN:
            headers = {"Retry-After": str(NOT_READY_RETRY_SECONDS), "Location": call.path}
            return self._answer(202, state(record), headers)
        return self._answer(200, _view(_whole(record), call))

    def update(self, call: Call, _: Invocation) -> Answer:
        """Replace the metadata; nothing else of a stored completion can change."""
        metadata = call.body.get("metadata") or {}
        for _attempt in range(RELABEL_ATTEMPTS):
            record = self._completed(call)
            step = next_step(record, Relabelled(metadata), self._clock.now())
            try:
                return self._answer(200, _view(self._store.save(step.record) if step.write else record, call))
            except Conflict:
                continue
        raise Conflict("This completion is being changed by others at the same time; please try again.", retry_after=1)

    def delete(self, call: Call, _: Invocation) -> Answer:
        """Remove the record, its transcript and its media."""
        record = self._record(call, "completion_id")
        self._store.delete(record)
        deleted = {"object": "chat.completion.deleted", "id": completion_id(record.id), "deleted": True}
        return self._answer(200, deleted)

    def messages(self, call: Call, _: Invocation) -> Answer:
        """The messages that were sent, each with an id of its own."""
        record = self._completed(call)
        stem = completion_id(record.id)
        sent = (record.request or {}).get("messages", ())
        messages = [_message(f"{stem}-{number}", message) for number, message in enumerate(sent)]
        if call.parameters.get("order") == Order.DESC:
            messages.reverse()
        after = call.parameters.get("after")
        if after is not None:
            places = [n for n, each in enumerate(messages) if each["id"] == after]
            if not places:
                raise BadRequest(f"after: expected the id of a message of {stem}, such as {stem}-0.", param="after")
            messages = messages[places[0] + 1 :]
        limit = call.parameters["limit"]
        page = messages[:limit]
        return self._list(page, last=page[-1]["id"] if page else None, more=len(messages) > limit)

    def content(self, call: Call, _: Invocation) -> Answer:
        """A redirect to a link of a few minutes to the archived video or thumbnail."""
        record = self._record(call, "video_id")
        kind = MediaKind(call.parameters["variant"])
        if record.phase is not Phase.COMPLETED:
            unfinished(record)
        for media in record.media:
            if media.kind == kind and media.archived:
                location = self._archive.address(media)
                return Answer(302, {"Location": location, "Cache-Control": "no-store"}, ())
        raise self._no_media(record, kind)

    def _no_media(self, record: Record, kind: MediaKind) -> ReelayError:
        for media in record.media:
            if media.kind == kind:
                return NotFound(f"The {kind} could not be copied: {media.reason}.", code="media_unavailable")
        texts = contents(record.completion or {})
        linked = any(link.kind == kind for text in texts for link in media_links(text))
        if linked and self._clock.now() - record.updated < ARCHIVE_SECONDS and not record.media:
            return Conflict(
                f"The {kind} is being copied; please try again in {NOT_READY_RETRY_SECONDS} s.",
                code="not_ready",
                retry_after=NOT_READY_RETRY_SECONDS,
            )
        return NotFound(f"This completion has no {kind}.", code="media_unavailable")

    def _walk(self, call: Call) -> Iterator[Record]:
        after = call.parameters.get("after")
        core = core_of(after) if after is not None else None
        if after is not None and core is None:
            raise BadRequest("after: expected the id of a completion, such as the last_id of a page.", param="after")
        return self._store.walk(call.tenant, Order(call.parameters["order"]), core)

    def _record(self, call: Call, parameter: str) -> Record:
        core = core_of(call.parameters[parameter])
        if core is None:
            raise _no_such()
        record = self._store.load(call.tenant, core)
        if not record.keeps:
            raise _no_such()
        return looked_at(record, self._store, self._clock)

    def _completed(self, call: Call) -> Record:
        return _whole(self._record(call, "completion_id"))

    def _records(self, call: Call, found: list[Record], last: Record | None, *, more: bool) -> Answer:
        cursor = completion_id(last.id) if last else None
        return self._list([_view(record, call) for record in found], last=cursor, more=more)

    def _list(self, data: list[Any], *, last: str | None, more: bool) -> Answer:
        first = data[0]["id"] if data else None
        page = {"object": "list", "data": data, "first_id": first, "last_id": last, "has_more": more}
        return self._answer(200, page)


def _whole(record: Record) -> Record:
    if record.phase is not Phase.COMPLETED:
        unfinished(record)
    return record


def _no_such() -> NotFound:
    return NotFound("No such completion: it was never made with this key, or it was deleted.")


def _matches(record: Record, model: str | None, metadata: Json) -> bool:
    if record.phase is not Phase.COMPLETED or not record.keeps or record.completion is None:
        return False
    if model is not None and model not in (record.model, record.completion.get("model")):
        return False
    return all(record.metadata.get(key) == value for key, value in metadata.items())


def _view(record: Record, call: Call) -> dict[str, Any]:
    base = call.path.partition("/v1/")[0]  # the stage, where the caller used one
    media = [_media(record, each, base) for each in record.media]
    return {**(record.completion or {}), "metadata": dict(record.metadata), "media": media}


def _media(record: Record, media: Media, base: str) -> dict[str, Any]:
    content = f"{base}/v1/videos/video_{record.id}/content?variant={media.kind}" if media.archived else None
    return {
        "kind": media.kind,
        "status": "archived" if media.archived else "unavailable",
        "content": content,
        "size": media.size,
        "sha256": media.sha256,
        "content_type": media.content_type,
        "source": media.source,
        "reason": media.reason,
    }


def _message(id: str, message: Json) -> dict[str, Any]:
    content = message.get("content")
    if isinstance(content, list):
        return {**message, "id": id, "content": None, "content_parts": content}
    return {**message, "id": id, "content": content}
