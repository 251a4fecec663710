"""Use case: read, list, relabel and delete what was kept.

Shapes follow OpenAI's stored chat completions (https://platform.openai.com/docs/api-reference/chat/list). Whatever is
not the tenant's own, was deleted or never was, is the same 404.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from reelay.errors import BadRequest, Conflict
from reelay.events import content_path
from reelay.ids import completion_id
from reelay.jobs import OPEN, Relabelled, next_step
from reelay.lookup import cursor, own_record
from reelay.model import Answer, Call, Invocation, Json, Media, Order, Phase, Record
from reelay.pages import labelled, listed, page
from reelay.replay import NOT_READY_RETRY_SECONDS, state, unfinished

if TYPE_CHECKING:
    from reelay.ports import Clock, Store

Reply = Callable[..., Answer]

RELABEL_ATTEMPTS = 5


class Results:
    """The stored completions of one tenant at a time. `answer` builds a reply of (status, payload, headers)."""

    def __init__(self, store: Store, clock: Clock, answer: Reply) -> None:
        self._store = store
        self._clock = clock
        self._answer = answer

    def page(self, call: Call, _: Invocation) -> Answer:
        """A page of completed records in the order of their creation."""
        model, metadata = call.parameters.get("model"), call.parameters.get("metadata") or {}
        records = self._store.walk(call.tenant, Order(call.parameters["order"]), cursor(call))
        wanted = partial(_matches, model=model, metadata=metadata)
        found = page(records, call.parameters["limit"], wanted, partial(_view, call=call))
        last = completion_id(found.last.id) if found.last else None
        return self._answer(200, listed(found.data, last, more=found.more))

    def retrieve(self, call: Call, _: Invocation) -> Answer:
        """One completion, with its metadata and what became of its media; or how far it is."""
        record = self._record(call)
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
        record = self._record(call)
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
        shown = messages[:limit]
        return self._answer(200, listed(shown, shown[-1]["id"] if shown else None, more=len(messages) > limit))

    def _record(self, call: Call) -> Record:
        return own_record(call, "completion_id", self._store, self._clock)

    def _completed(self, call: Call) -> Record:
        return _whole(self._record(call))


def _whole(record: Record) -> Record:
    if record.phase is not Phase.COMPLETED:
        unfinished(record)
    return record


def _matches(record: Record, model: str | None, metadata: Json) -> bool:
    if record.phase is not Phase.COMPLETED or not record.keeps or record.completion is None:
        return False
    return labelled(record, model, metadata)


def _view(record: Record, call: Call) -> dict[str, Any]:
    base = call.path.partition("/v1/")[0]  # the stage, where the caller used one
    media = [_media(record, each, base) for each in record.media]
    return {**(record.completion or {}), "metadata": dict(record.metadata), "media": media}


def _media(record: Record, media: Media, base: str) -> dict[str, Any]:
    path = content_path(record, media)
    return {
        "kind": media.kind,
        "status": "archived" if media.archived else "unavailable",
        "content": base + path if path else None,
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
