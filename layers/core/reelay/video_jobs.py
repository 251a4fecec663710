"""Use case: begin a video's job as the Videos API asks for it, and change an earlier one."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from reelay import sse, videos
from reelay.documents import no_record
from reelay.errors import BadRequest, TooLarge
from reelay.ids import core_of, video_id
from reelay.journal import looked_at
from reelay.model import Answer, Call, Invocation, Json, Phase, Record, VideoRequest
from reelay.payer import Payer
from reelay.relay import Begun, Relay, Wanted, rest_of
from reelay.replay import unfinished
from reelay.run import Form, standard_headers

if TYPE_CHECKING:
    from reelay.ports import Clock, Store


REQUEST_BYTES = 6 * 1024 * 1024
"""As much as comes by HTTP (`http_event.MAX_BODY_BYTES`): each remix sends the whole conversation again."""


class VideoJobs:
    """Answers at once with the video as it is then.

    Where the caller pays, the job goes on after the answer, in the same invocation, since no queue may hold the
    caller's key; where the service pays, a worker runs it.

    Where answers are buffered nothing can be told before the end: then the answer is the finished video. What is true
    of a completion (`Relay.create`) is true of a video, errors included.
    """

    def __init__(self, relay: Relay, store: Store, clock: Clock) -> None:
        self._relay = relay
        self._store = store
        self._clock = clock

    def create(self, call: Call, invocation: Invocation) -> Answer:
        """Begin a new video, or tell how far the one is that this request began before."""
        return self._film(call, videos.wanted(call.body), invocation)

    def remix(self, call: Call, invocation: Invocation) -> Answer:
        """The same for a change to an earlier video, whose conversation is sent again with the new prompt.

        Raises NotFound, what the earlier one failed with, Conflict while it runs, and BadRequest when it was not kept.
        """
        core = core_of(call.parameters["video_id"])
        if core is None:
            raise no_record()
        record = looked_at(self._store.load(call.tenant, core), self._store, self._clock)
        if record.phase is not Phase.COMPLETED:
            unfinished(record)
        asked = videos.remixed(record, call.body)
        if asked is None:
            raise BadRequest("Its request and answer are not kept, so there is nothing to remix.", code="not_kept")
        return self._film(call, asked, invocation)

    def _film(self, call: Call, asked: tuple[Json, VideoRequest], invocation: Invocation) -> Answer:
        request, video = asked
        wanted = Wanted(request, sse.encoded(request), video)
        if len(wanted.raw) > REQUEST_BYTES:
            raise TooLarge("The conversation of this video has grown beyond what can be sent. Remix an earlier one.")
        if call.payer is Payer.SERVICE:
            record, new = self._relay.queued(call, wanted, invocation)
            return self._told(call, record) if new else self._told_again(call, record)
        begun = self._relay.begin(call, wanted, invocation)
        if isinstance(begun, Record):
            return self._told_again(call, begun)
        return self._relay.charged(begun, lambda: self._run(call, begun, wanted, invocation))

    def _run(self, call: Call, begun: Begun, wanted: Wanted, invocation: Invocation) -> Answer:
        form = Form(invocation.live, False, 0)  # told before anything came
        journal, run, answer = self._relay.post(call, begun, wanted.raw, form, invocation)
        if invocation.live and run.completion is None:
            return replace(self._told(call, journal.record), then=rest_of(answer))
        deque(answer.pieces, maxlen=0)
        if invocation.live:
            return replace(self._told(call, journal.record), then=answer.then)
        answer.then()
        return self._told(call, journal.record)

    def _told_again(self, call: Call, record: Record) -> Answer:
        self._relay.noted(record)
        return self._told(call, looked_at(record, self._store, self._clock), {"x-reelay-replayed": "true"})

    def _told(self, call: Call, record: Record, more: dict[str, str] | None = None) -> Answer:
        base = call.path.partition("/v1/")[0]  # the stage, where the caller used one
        headers = standard_headers(stream=False) | {"Location": f"{base}/v1/videos/{video_id(record.id)}"}
        return Answer(200, headers | (more or {}), (sse.encoded(videos.view(record, self._clock.now())),))
