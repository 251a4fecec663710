"""What a transcript still tells of a job whose run is gone, wherever it was cut."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelay.ids import completion_id
from reelay.jobs import Finished, Progressed, Refused
from reelay.links import media_links
from reelay.model import MediaKind, Phase, Told
from reelay.recovery import found, learned
from reelay.shapes import contents
from tests.fakes import new_record

TASK = "task_01k7e5w9z5f2d91pekrqy59rwc"
LINK = "https://files.example/late.mp4"
RECORD = new_record(phase=Phase.RECONCILING, task_id=TASK)
DONE = b"data: [DONE]\n\n"


def chunk(content: str | None = None, finish: str | None = None, index: int = 0, **delta: Any) -> bytes:
    said = delta if content is None else {"content": content, **delta}
    payload = {"id": "up-1", "choices": [{"index": index, "delta": said, "finish_reason": finish}]}
    return b"data: " + json.dumps(payload).encode() + b"\n\n"


def stream(texts: Iterable[str]) -> bytes:
    return b"".join(map(chunk, texts)) + chunk(finish="stop") + DONE


def document(text: str, finish: str | None = "stop") -> bytes:
    return json.dumps({"id": "up-1", "choices": [{"message": {"content": text}, "finish_reason": finish}]}).encode()


def text_of(fact: object) -> str:
    assert isinstance(fact, Finished)
    return next(contents(fact.completion), "")


TEXTS = [
    "```json\n{\n",
    '"prompt": "a dog"',
    "\n}\n```",
    f"\n\n> ID: `{TASK}`\n> 排队中",
    "...",
    "\n> 生成中\n进度 36..",
]
ANSWER = "".join(TEXTS) + "\n[▶️ watch](https://files.example/a.mp4)"
WHOLE = stream([*TEXTS, "\n[▶️ watch](https://files.example/a.mp4)"])
CUT = b"".join(map(chunk, TEXTS))


# ── A transcript that is whole ───────────────────────────────────────────────────────────────────────────────────────


def test_a_whole_stream_is_the_completion() -> None:
    fact = found(RECORD, WHOLE)
    assert text_of(fact) == ANSWER
    assert isinstance(fact, Finished)
    assert (fact.upstream_id, fact.task_id) == ("up-1", TASK)
    assert fact.completion["id"] == completion_id(RECORD.id)
    assert (fact.completion["created"], fact.completion["model"]) == (RECORD.created, RECORD.model)
    assert fact.completion["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize("transcript", [document(ANSWER), b": waiting\n\n \n" + document(ANSWER)])
def test_a_whole_document_is_the_completion(transcript: bytes) -> None:
    fact = found(RECORD, transcript)
    assert text_of(fact) == ANSWER
    assert isinstance(fact, Finished)
    assert fact.task_id == TASK


def test_an_end_without_a_finish_reason_is_a_stop() -> None:
    fact = found(RECORD, chunk("a") + DONE)
    assert text_of(fact) == "a"
    assert isinstance(fact, Finished)
    assert fact.completion["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize(
    "transcript",
    [
        b"", b" ", b"\n\n", b": waiting\n\n", CUT, DONE, b"<html>", b"\x00\xff", b"[]", b"null", b"{}", b"{",
        document("a", None), document("a")[:-1], b'{"choices": []}', b'{"choices": {}}',
        b'{"error": {"message": "no"}}',
        chunk("a") + b'data: {"error": {"message": "no"}}\n\n', chunk("a") + b"data: [DONE", b"data: {}\n\n",
        chunk("a", "stop") + chunk("b", index=1), b'data: {"choices": [null, 7]}\n\n', b"[" * 100_000, b"\xef\xbb\xbf",
    ],
    ids=range(24),
)  # fmt: skip
def test_what_is_not_whole_is_no_completion(transcript: bytes) -> None:
    assert found(RECORD, transcript) is None


@given(st.integers(0, len(WHOLE)))
def test_a_stream_cut_anywhere_is_whole_or_nothing(end: int) -> None:
    fact = found(RECORD, WHOLE[:end])
    assert fact is None or text_of(fact) == ANSWER


@given(st.binary(max_size=200), st.sampled_from([None, Told("completed", 100, LINK), Told("failed")]))
def test_no_bytes_crash(transcript: bytes, told: Told | None) -> None:
    found(RECORD, transcript)
    learned(RECORD, transcript, told)


# ── The upstream's word ──────────────────────────────────────────────────────────────────────────────────────────────


def test_no_answer_is_nothing_new() -> None:
    assert learned(RECORD, CUT, None) == Progressed()


@pytest.mark.parametrize("status", ["queued", "in_progress"])
def test_a_job_at_work_goes_on(status: str) -> None:
    assert learned(RECORD, CUT, Told(status, 36)) == Progressed(status=status, percent=36)


def test_a_finished_job_without_its_link_is_asked_after_again() -> None:
    assert learned(RECORD, CUT, Told("completed", 100)) == Progressed(status="in_progress", percent=100)


def test_a_failed_job_has_failed_and_may_have_cost_money() -> None:
    fact = learned(RECORD, CUT, Told("failed"))
    assert isinstance(fact, Refused)
    assert (fact.problem.charged, fact.passes, fact.problem.code) == (True, False, "video_generation_failed")


def test_a_finished_job_is_the_answer_that_had_begun_with_the_link_at_its_end() -> None:
    text = text_of(learned(RECORD, CUT, Told("completed", 100, LINK)))
    assert text.startswith("".join(TEXTS))
    assert text.endswith(f"({LINK})")


@pytest.mark.parametrize("transcript", [b"", CUT, WHOLE, document("a dog", None), document("a dog"), b"<html>"])
def test_the_video_of_a_finished_job_is_found_whatever_was_kept(transcript: bytes) -> None:
    fact = learned(RECORD, transcript, Told("completed", 100, LINK))
    assert isinstance(fact, Finished)
    assert [link.url for link in media_links(text_of(fact)) if link.kind is MediaKind.VIDEO] == [LINK]
    assert fact.completion["id"] == completion_id(RECORD.id)


def test_a_link_that_had_come_is_not_told_twice() -> None:
    transcript = chunk(f"> ID: `{TASK}`\n[watch]({LINK})")
    assert text_of(learned(RECORD, transcript, Told("completed", 100, LINK))).count(LINK) == 1


@given(st.integers(0, len(CUT)))
def test_the_video_is_found_wherever_the_answer_was_cut(end: int) -> None:
    """In the echo of the request too, whose links nobody believes: the job's name may come in another channel."""
    text = text_of(learned(RECORD, CUT[:end], Told("completed", 100, LINK)))
    assert [link.url for link in media_links(text)] == [LINK]


@pytest.mark.parametrize("link", [LINK, "https://files.example/v?id=7&sig=a%2Fb", "https://files.example/a.mp4?x=1#t"])
def test_a_link_of_any_name_is_found(link: str) -> None:
    assert [each.url for each in media_links(text_of(learned(RECORD, CUT, Told("completed", 100, link))))] == [link]


def test_other_choices_stay_as_they_came() -> None:
    transcript = chunk("one") + chunk("two", index=1)
    fact = learned(RECORD, transcript, Told("completed", 100, LINK))
    assert isinstance(fact, Finished)
    assert list(contents(fact.completion))[1:] == ["two"]
