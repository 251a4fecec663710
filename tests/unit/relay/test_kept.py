"""What is kept of an answer, and when; what is not, with store=false or once the record is deleted."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from reelay.errors import StoreFailed
from reelay.model import Data, End, Phase
from reelay.relay import KEEP_RESERVE_SECONDS
from tests.fakes import Silence
from tests.unit.relay.place import CORE, DONE, HEAD, TASK, TASK_LINE, VIDEO, House, chunk


def test_the_record_is_written_before_the_upstream_is_asked_and_the_upstream_gets_the_callers_own_bytes() -> None:
    house = House(HEAD, chunk("hi", "stop"), DONE, End())
    house.store.broken = {"create"}
    with pytest.raises(StoreFailed):
        house.create()
    assert (house.upstream.posts, house.upstream.lines.pop().closed) == ([], True)
    house.store.broken = set()
    house.said()
    assert house.upstream.posts[0].body == house.call.raw
    assert house.upstream.posts[0].headers["Authorization"] == "Bearer sk-1"
    assert {*house.upstream.deadlines} == {900 - KEEP_RESERVE_SECONDS}


def test_the_task_id_and_the_bytes_so_far_are_kept_as_soon_as_they_are_seen() -> None:
    kept: list[tuple[Phase, str | None, bytes]] = []

    def look() -> None:
        kept.append((house.record.phase, house.record.task_id, house.store.transcripts[CORE]))

    seen = chunk("> ID: `task_01k7e5w9z5f2d91pekrqy59rwc`\n> 排队中")
    house = House(HEAD, seen, look, chunk("ok", "stop"), DONE, End())
    house.said()
    assert kept == [(Phase.ACCEPTED, "task_01k7e5w9z5f2d91pekrqy59rwc", seen.data)]


def test_a_long_text_is_kept_while_it_comes() -> None:
    kept: list[bytes] = []

    def look() -> None:
        kept.append(house.store.transcripts[CORE])

    words = [each for _ in range(4) for each in (Silence(16), chunk("word "))]
    house = House(HEAD, *words, look, chunk(None, "stop"), DONE, End())
    house.said()
    assert kept == [chunk("word ").data * 4]


def test_the_verdict_is_kept_before_the_caller_hears_done() -> None:
    house = House(HEAD, chunk("hi", "stop"), DONE, End())
    answer = house.create()
    for piece in answer.pieces:
        assert (house.record.phase is Phase.COMPLETED) == (piece == b"data: [DONE]\n\n")
    answer.then()


def test_a_task_id_is_kept_at_first_sight_whatever_was_told_before() -> None:
    kept: list[str | None] = []

    def look() -> None:
        kept.append(house.record.task_id)

    house = House(HEAD, chunk("> 排队中\n"), chunk(TASK_LINE), look, chunk("ok", "stop"), DONE, End())
    house.said()
    assert kept == [TASK]


def test_the_videos_of_every_choice_are_copied() -> None:
    other = "https://files.example/b.mp4"
    reply = {"choices": [{"message": {"content": url}, "finish_reason": "stop"} for url in (VIDEO, other)]}
    house = House(HEAD, Data(json.dumps(reply).encode()), End(), stream=False, n=2)
    house.said()
    assert [media.source for media in house.record.media] == [VIDEO, other]


def test_what_is_not_kept_leaves_no_names_behind_either() -> None:
    house = House(HEAD, chunk(TASK_LINE), End(), store=False)
    house.said()
    assert (house.record.phase, house.record.task_id, house.record.transcript_bytes) == (Phase.UNKNOWN, None, 0)
    assert house.record.problem
    assert TASK not in house.record.problem.message


def test_metadata_changed_in_mid_stream_survives_the_verdict() -> None:
    def relabel() -> None:
        house.store.save(replace(house.record, metadata={"colour": "blue"}))

    house = House(HEAD, chunk("hi"), relabel, chunk(None, "stop"), DONE, End())
    house.said()
    assert (house.record.phase, house.record.metadata) == (Phase.COMPLETED, {"colour": "blue"})


def test_a_record_deleted_in_mid_stream_stays_deleted_with_all_that_came_after() -> None:
    def delete() -> None:
        house.store.delete(house.record)

    house = House(HEAD, chunk("hi"), delete, chunk(VIDEO, "stop"), DONE, End())
    assert house.said()[-1] == b"data: [DONE]\n\n"
    assert (house.store.records, house.store.transcripts, house.archive.asked) == ({}, {}, [])


def test_store_false_leaves_nothing_with_content_behind() -> None:
    house = House(HEAD, chunk(f"a secret {VIDEO}", "stop"), DONE, End(), store=False, metadata={"k": "secret"})
    answer = house.create()
    list(answer.pieces)
    answer.then()
    assert "Content-Location" not in answer.headers
    assert (house.store.transcripts, house.archive.asked) == ({}, [])
    assert "secret" not in repr([getattr(house.record, name) for name in ("request", "metadata", "completion")])
    assert house.record.phase is Phase.COMPLETED


def test_media_are_copied_after_the_answer_and_a_link_that_cannot_be_copied_changes_no_verdict() -> None:
    house = House(HEAD, chunk(f"![https://f.example/p.webp](https://f.example/p.webp)\n[play]({VIDEO})", "stop"), DONE,
                  End())  # fmt: skip
    house.archive.refused[VIDEO] = "the host answered 403"
    answer = house.create()
    list(answer.pieces)
    assert house.archive.asked == []
    answer.then()
    assert house.record.phase is Phase.COMPLETED
    assert sorted((media.kind, media.archived, media.reason) for media in house.record.media) == [
        ("thumbnail", True, None),
        ("video", False, "the host answered 403"),
    ]
