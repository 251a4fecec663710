"""Videos as they are read: pages, one of them, its file, and what there is instead."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from reelay.contract import Contract
from reelay.errors import BadRequest, Conflict, NotFound, ReelayError
from reelay.gateway import json_answer
from reelay.ids import completion_id, core_of, video_id
from reelay.jobs import ARCHIVE_SECONDS, OPEN
from reelay.model import Answer, Call, Invocation, Media, MediaKind, Phase, Problem, Record, VideoRequest
from reelay.pages import SCAN_EMPTY_RECORDS, SCAN_RECORDS
from reelay.replay import KeptFailure
from reelay.shapes import Identity, whole
from reelay.video_results import VideoResults
from reelay.videos import view
from tests.fakes import NOON, TENANT, FakeArchive, FakeClock, FakeStore, new_record

LINK = "https://files.example/a.mp4"
KEPT = Media(MediaKind.VIDEO, LINK, key="kept/media/x/y/video.mp4", size=3, content_type="video/mp4")
GONE = Media(MediaKind.VIDEO, LINK, reason="the host answered 404")
PROBLEM = Problem("It broke.", "upstream_error", None, "upstream_broken", 502, charged=True)
VIDEO = VideoRequest("a dog")
ONCE = Invocation(60, live=False)


@pytest.fixture(scope="module")
def contract() -> Contract:
    return Contract.load()


class Shelf:
    """Videos over fakes."""

    def __init__(self) -> None:
        self.clock = FakeClock(NOON + 60)
        self.store = FakeStore()
        self.results = VideoResults(self.store, FakeArchive(), self.clock, json_answer)

    def add(self, seconds: float = 0, **fields: Any) -> Record:
        record = self.store.create(new_record(seconds, **{"video": VIDEO, **fields}))
        self.store.index(record)
        return record

    def completed(self, seconds: float = 0, **fields: Any) -> Record:
        answer = whole(Identity("chatcmpl-x", "sora-2", 1), {"choices": [{"message": {"content": LINK}}]})
        ended = {"phase": Phase.COMPLETED, "finished": int(NOON) + 60, "completion": answer}
        return self.add(seconds, **{**ended, **fields})

    def call(self, operation: str, record: Record | None = None, tenant: str = TENANT, **parameters: Any) -> Call:
        path = {"video_id": video_id(record.id)} if record else {}
        return Call(operation, "/live/v1/videos", "r", tenant, parameters={**path, **parameters})

    def page(self, **parameters: Any) -> Any:
        wanted = {"limit": 20, "order": "desc", **parameters}
        return body(self.results.page(self.call("listVideos", **wanted), ONCE))

    def retrieve(self, record: Record) -> Answer:
        return self.results.retrieve(self.call("getVideo", record), ONCE)

    def content(self, record: Record, variant: str = "video") -> Answer:
        return self.results.content(self.call("retrieveVideoContent", record, variant=variant), ONCE)


def body(answer: Answer) -> Any:
    return json.loads(b"".join(answer.pieces))


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


# ── Pages ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_page_holds_running_and_failed_videos_too_and_nothing_else(shelf: Shelf, order: str) -> None:
    made = [
        shelf.add(0, phase=Phase.QUEUED),
        shelf.add(1, phase=Phase.ACCEPTED, status="in_progress"),
        shelf.add(2, phase=Phase.FAILED, problem=PROBLEM),
        shelf.completed(3, media=(KEPT,), video=None),
    ]
    shelf.completed(4, video=None)
    shelf.add(5, keeps=False)
    shelf.add(6, tenant="f" * 32)
    page = shelf.page(order=order)
    assert [each["status"] for each in page["data"]][:: 1 if order == "asc" else -1] == [
        "queued", "in_progress", "failed", "completed",
    ]  # fmt: skip
    ids = [video_id(record.id) for record in made][:: 1 if order == "asc" else -1]
    assert [each["id"] for each in page["data"]] == ids
    assert (page["object"], page["first_id"], page["last_id"], page["has_more"]) == ("list", ids[0], ids[-1], False)


def test_an_empty_page_conforms_too(shelf: Shelf, contract: Contract) -> None:
    page = shelf.page()
    assert page == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}
    assert contract.answer_faults("listVideos", 200, JSON_HEADERS, json.dumps(page).encode()) == []


JSON_HEADERS = {"content-type": "application/json"}


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_one_after_another_hold_each_video_once(shelf: Shelf, contract: Contract, order: str, limit: int) -> None:
    for n in range(7):
        shelf.add(n)
        shelf.completed(n + 0.5, video=None)
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = shelf.page(limit=limit, order=order, **after)
        assert contract.answer_faults("listVideos", 200, JSON_HEADERS, json.dumps(page).encode()) == []
        seen += [each["id"] for each in page["data"]]
        if not page["has_more"]:
            break
        after = {"after": page["last_id"]}
    assert len(seen) == len(set(seen)) == 7
    assert seen == sorted(seen, reverse=order == "desc")


def test_a_cursor_may_be_in_either_form_or_deleted(shelf: Shelf) -> None:
    first, second = shelf.add(0), shelf.add(1)
    shelf.store.delete(second)
    for after in (video_id(second.id), completion_id(second.id)):
        assert [each["id"] for each in shelf.page(after=after)["data"]] == [video_id(first.id)]


@pytest.mark.parametrize("after", ["", "x", "video_", "video_../x", "chatcmpl-" + "8" * 26])
def test_a_cursor_that_is_none_is_refused(shelf: Shelf, after: str) -> None:
    with pytest.raises(BadRequest) as caught:
        shelf.page(after=after)
    assert caught.value.param == "after"


def test_a_page_examines_a_bounded_number_of_records(shelf: Shelf) -> None:
    shelf.add(0)
    for n in range(SCAN_EMPTY_RECORDS):
        shelf.completed(n + 1, video=None)
    first = shelf.page()
    assert (first["data"], first["has_more"]) == ([], True)
    assert core_of(first["last_id"])
    assert len(shelf.page(after=first["last_id"])["data"]) == 1


def test_a_page_with_something_on_it_examines_fewer(shelf: Shelf) -> None:
    shelf.add(0)
    for n in range(SCAN_RECORDS):
        shelf.completed(n + 1, video=None)
    shelf.add(SCAN_RECORDS + 1)
    first = shelf.page()
    assert (len(first["data"]), first["has_more"]) == (1, True)
    assert len(shelf.page(after=first["last_id"])["data"]) == 1


# ── One video ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("phase", Phase)
def test_a_video_is_told_as_it_is_and_when_to_ask_again(shelf: Shelf, contract: Contract, phase: Phase) -> None:
    problem = None if phase in (*OPEN, Phase.COMPLETED) else PROBLEM
    record = shelf.completed(media=(KEPT,)) if phase is Phase.COMPLETED else shelf.add(phase=phase, problem=problem)
    record = shelf.store.save(replace(record, lease=int(shelf.clock.now()) + 900))
    answer = shelf.retrieve(record)
    waits = phase in OPEN
    assert ("openai-poll-after-ms" in answer.headers) == waits
    assert all(int(answer.headers["openai-poll-after-ms"]) >= 1000 for _ in range(waits))
    headers = {name.lower(): value for name, value in answer.headers.items()}
    assert contract.answer_faults("getVideo", answer.status, headers, b"".join(answer.pieces)) == []


def test_a_video_that_was_left_behind_is_settled_by_whoever_looks(shelf: Shelf) -> None:
    record = shelf.add(phase=Phase.SENDING, lease=int(NOON))
    assert body(shelf.retrieve(record))["status"] == "failed"
    assert shelf.store.load(TENANT, record.id).phase is Phase.UNKNOWN


def test_a_video_that_is_being_copied_is_still_waited_for(shelf: Shelf) -> None:
    answer = shelf.retrieve(shelf.completed())
    assert "openai-poll-after-ms" in answer.headers
    assert body(answer)["status"] == "in_progress"


def test_a_video_is_read_by_either_id_and_only_by_its_own_tenant(shelf: Shelf) -> None:
    record = shelf.completed(media=(KEPT,))
    call = shelf.call("getVideo", video_id=completion_id(record.id))
    assert body(shelf.results.retrieve(call, ONCE))["id"] == video_id(record.id)
    strangers = [
        shelf.call("getVideo", record, tenant="f" * 32),
        shelf.call("getVideo", new_record()),
        shelf.call("getVideo", shelf.add(keeps=False)),
        *(shelf.call("getVideo", video_id=odd) for odd in ("../x", "video_", "", "video_" + "8" * 26)),
    ]
    said = set()
    for stranger in strangers:
        for ask in (shelf.results.retrieve, shelf.results.delete, shelf.results.content):
            with pytest.raises(NotFound) as caught:
                ask(replace(stranger, parameters={**stranger.parameters, "variant": "video"}), ONCE)
            said.add(caught.value.message)
    assert len(said) == 1, "and nobody learns why"


@pytest.mark.parametrize("phase", Phase)
def test_a_video_is_deleted_in_any_phase(shelf: Shelf, contract: Contract, phase: Phase) -> None:
    record = shelf.add(phase=phase, lease=int(NOON) + 900)
    answer = shelf.results.delete(shelf.call("deleteVideo", record), ONCE)
    raw = b"".join(answer.pieces)
    assert json.loads(raw) == {"id": video_id(record.id), "object": "video.deleted", "deleted": True}
    assert contract.answer_faults("deleteVideo", 200, JSON_HEADERS, raw) == []
    assert (shelf.store.records, shelf.store.was_deleted(TENANT, record.id)) == ({}, True)
    with pytest.raises(NotFound):
        shelf.retrieve(record)


# ── Its file ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_is_a_redirect_that_nobody_keeps(shelf: Shelf) -> None:
    answer = shelf.content(shelf.completed(media=(GONE, KEPT)))
    assert (answer.status, answer.headers["Cache-Control"]) == (302, "no-store")
    assert answer.headers["Location"] == f"https://bucket.test/{KEPT.key}?signed"


def test_each_variant_is_its_own_file(shelf: Shelf) -> None:
    poster = replace(KEPT, kind=MediaKind.THUMBNAIL, key="poster")
    record = shelf.completed(media=(KEPT, poster))
    assert "poster" in shelf.content(record, "thumbnail").headers["Location"]
    assert "poster" not in shelf.content(record, "video").headers["Location"]


@pytest.mark.parametrize("phase", OPEN)
def test_a_file_that_is_not_there_yet_is_asked_for_later(shelf: Shelf, phase: Phase) -> None:
    with pytest.raises(Conflict) as caught:
        shelf.content(shelf.add(phase=phase, lease=int(NOON) + 900))
    assert (caught.value.code, bool(caught.value.retry_after)) == ("not_ready", True)


@pytest.mark.parametrize("phase", [Phase.FAILED, Phase.UNKNOWN])
def test_the_file_of_a_failure_is_its_failure(shelf: Shelf, phase: Phase) -> None:
    with pytest.raises(KeptFailure) as caught:
        shelf.content(shelf.add(phase=phase, problem=PROBLEM))
    assert (caught.value.status, caught.value.code) == (502, "upstream_broken")


def no_file(shelf: Shelf, record: Record, variant: str = "video") -> ReelayError:
    with pytest.raises(ReelayError) as caught:
        shelf.content(record, variant)
    return caught.value


def test_a_file_that_is_being_copied_is_asked_for_later_for_as_long_as_that_is_tried(shelf: Shelf) -> None:
    record = shelf.completed()
    error = no_file(shelf, record)
    assert (error.status, error.code, bool(error.retry_after)) == (409, "not_ready", True)
    shelf.clock.advance(ARCHIVE_SECONDS)
    assert (no_file(shelf, record).status, no_file(shelf, record).code) == (404, "media_unavailable")


def test_a_file_whose_copy_is_tried_again_is_asked_for_later(shelf: Shelf) -> None:
    record = shelf.completed(media=(replace(GONE, again=True),))
    assert no_file(shelf, record).code == "not_ready"
    assert view(record, shelf.clock.now())["status"] == "in_progress"
    shelf.clock.advance(ARCHIVE_SECONDS)
    assert no_file(shelf, record).code == "media_unavailable"
    assert view(record, shelf.clock.now())["status"] == "completed"


def test_a_file_that_could_not_be_copied_says_why(shelf: Shelf) -> None:
    error = no_file(shelf, shelf.completed(media=(GONE,)))
    assert (error.status, error.code) == (404, "media_unavailable")
    assert "the host answered 404" in error.message
    assert LINK not in error.message


@pytest.mark.parametrize("media", [(), (KEPT,)])
def test_a_variant_that_there_never_was_is_not_found(shelf: Shelf, media: Any) -> None:
    assert no_file(shelf, shelf.completed(media=media), "thumbnail").status == 404


def test_an_answer_without_a_video_has_no_file(shelf: Shelf) -> None:
    words = whole(Identity("chatcmpl-x", "sora-2", 1), {"choices": [{"message": {"content": "I cannot draw that."}}]})
    assert no_file(shelf, shelf.completed(completion=words)).status == 404


def test_media_that_the_bucket_let_go_are_told_to_be_gone(shelf: Shelf) -> None:
    record = shelf.completed(0, media=(replace(KEPT, at=int(shelf.clock.now())),))
    shelf.results = VideoResults(shelf.store, FakeArchive(), shelf.clock, json_answer, media_days=30)
    shelf.clock.advance(30 * 24 * 3600 - 1)
    assert shelf.content(record).status == 302
    shelf.clock.advance(1)
    with pytest.raises(NotFound, match="30 days") as gone:
        shelf.content(record)
    assert gone.value.code == "media_unavailable"


# ── What the studio asks for beside ──────────────────────────────────────────────────────────────────────────────────


def test_a_page_holds_the_videos_of_a_model_and_with_all_of_the_labels(shelf: Shelf) -> None:
    plain = shelf.add()
    other = shelf.add(1, model="veo", metadata={"project": "trailer", "take": "1"})
    shelf.completed(2, metadata={"project": "trailer", "take": "2"})
    assert [each["id"] for each in shelf.page(model="veo")["data"]] == [video_id(other.id)]
    assert [each["id"] for each in shelf.page(metadata={"take": "1", "project": "trailer"})["data"]] == [
        video_id(other.id)
    ]
    assert len(shelf.page(metadata={"project": "trailer"})["data"]) == 2
    assert shelf.page(model="veo", metadata={"take": "2"})["data"] == []
    assert video_id(plain.id) in [each["id"] for each in shelf.page(model="sora-2")["data"]]


def test_the_link_is_told_instead_of_a_redirect_where_none_is_wanted(shelf: Shelf, contract: Contract) -> None:
    record = shelf.completed(media=(KEPT,))
    redirected = shelf.content(record)
    call = shelf.call("retrieveVideoContent", record, variant="video", redirect="false")
    told = shelf.results.content(call, ONCE)
    assert (redirected.status, told.status) == (302, 200)
    assert body(told) == {"object": "video.link", "url": redirected.headers["Location"]}
    assert told.headers["Cache-Control"] == "no-store"
    assert (
        contract.answer_faults(
            "retrieveVideoContent",
            200,
            {**told.headers, "x-request-id": "r", "X-Content-Type-Options": "nosniff"},
            b"".join(told.pieces),
        )
        == []
    )
