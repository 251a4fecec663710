"""A video's content at every time of its life: before it is there, while it is, and after its deletion."""

from __future__ import annotations

import pytest
import urllib3

from tests.e2e.event_house import EventHouse
from tests.e2e.local_house import PROMPT, Reply
from tests.patience import PATIENCE_SECONDS

NEVER_WAS = "video_01k9zzzzzzzzzzzzzzzzzzzzzz"


def content(house: EventHouse, video: str, variant: str = "video") -> Reply:
    reply = house.call("GET", f"/v1/videos/{video}/content", query={"variant": [variant]})
    faults = house.house.contract.answer_faults("retrieveVideoContent", reply.status, reply.headers, reply.body)
    assert faults == []
    return reply


@pytest.mark.case("content-early-late")
def test_content_is_not_ready_then_the_very_file_then_gone(events: EventHouse) -> None:
    events.take_in(events.message({"model": "sora-2", "messages": [{"role": "user", "content": PROMPT}]}))
    video = f"video_{events.only_record().id}"
    early = content(events, video)
    assert (early.status, early.error["code"]) == (409, "not_ready")
    assert int(early.headers["Retry-After"]) > 0
    assert video.removeprefix("video_") in early.error["message"]

    events.work_off()
    links = [content(events, video, variant).headers["Location"] for variant in ("video", "thumbnail")]
    files = [urllib3.request("GET", link, retries=False, timeout=PATIENCE_SECONDS) for link in links]
    assert [file.status for file in files] == [200, 200]
    assert (files[0].data[4:8], files[1].data[:4]) == (b"ftyp", b"RIFF")

    assert events.call("DELETE", f"/v1/videos/{video}").status == 200
    other = events.create("sora-2").frames[0]["id"]
    assert content(events, other).status == 302
    late, unknown = content(events, video), content(events, NEVER_WAS)
    assert (late.status, late.body) == (404, unknown.body), "as if it had never been"
    for link in links:  # handed out before, and good for minutes yet
        gone = urllib3.request("GET", link, retries=False, timeout=PATIENCE_SECONDS)
        assert gone.status in (403, 404), "S3 says 403 where the signer may not list the bucket"
        assert b"ftyp" not in gone.data
