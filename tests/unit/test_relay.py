"""The relay against scripted time: silence, late failures, a store that fails, a record that changes under it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from reelay.admission import Admission
from reelay.aftercare import Aftercare, Means
from reelay.errors import (
    ReelayError,
    StoreFailed,
    Unforeseen,
    UpstreamBroken,
    UpstreamRefused,
    UpstreamSilent,
    UpstreamUnreachable,
)
from reelay.gateway import json_answer
from reelay.ids import completion_id
from reelay.journal import CALL_SECONDS, RETRY_SECONDS
from reelay.model import Answer, Call, Data, End, Failed, Head, Invocation, Phase, Record
from reelay.relay import KEEP_RESERVE_SECONDS, Relay
from reelay.results import Results
from reelay.spending import Spending
from tests.fakes import (
    FakeArchive,
    FakeClaims,
    FakeClock,
    FakeExchange,
    FakeStore,
    FakeSwitch,
    FakeTelemetry,
    FakeUpstream,
    Silence,
    new_record,
)

CORE = "01k9zzzzzzzzzzzzzzzzzzzzzz"
TENANT = "a" * 32
HEAD = Head(200, {"content-type": "text/event-stream"})
DONE = Data(b"data: [DONE]\n\n")
VIDEO = "https://files.example/a.mp4"
TASK = "task_01k7e5w9z5f2d91pekrqy59rwc"
TASK_LINE = f"> ID: `{TASK}`\n"


def chunk(content: str | None = None, finish: str | None = None) -> Data:
    delta = {} if content is None else {"content": content}
    payload = {"id": "up-1", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return Data(b"data: " + json.dumps(payload).encode() + b"\n\n")


class House:
    """A relay over fakes, and what its one request is about to meet."""

    def __init__(self, *script: Any, **body: Any) -> None:
        self.clock = FakeClock()
        self.store = FakeStore()
        self.archive = FakeArchive()
        self.telemetry = FakeTelemetry()
        self.exchange = FakeExchange(self.clock, *script)
        self.upstream = FakeUpstream(self.exchange)
        self.relay = Relay(
            upstream=self.upstream,
            store=self.store,
            admission=Admission(FakeClaims(), self.store, self.clock, lambda _now: CORE),
            aftercare=Aftercare(Means(self.store, self.archive, self.clock, self.telemetry)),
            spending=Spending(FakeSwitch()),
            clock=self.clock,
            telemetry=self.telemetry,
        )
        request = {"model": "sora-2", "messages": [{"role": "user", "content": "a dog"}], "stream": True, **body}
        self.call = Call(
            "createChatCompletion", "/live/v1/chat/completions", "r-1", TENANT, "sk-1", body=request,
            raw=json.dumps(request).encode(),
        )  # fmt: skip

    def create(self, *, live: bool = True, then: bool = True) -> Answer:
        """The answer; or the error it is refused with, after the work that comes then."""
        try:
            return self.relay.create(self.call, Invocation(self.clock.monotonic() + 900, live=live))
        except ReelayError as error:
            if then:
                error.then()
            raise

    def said(self, *, live: bool = True) -> list[bytes]:
        """Every piece, and the work after the answer."""
        answer = self.create(live=live)
        pieces = list(answer.pieces)
        answer.then()
        return pieces

    @property
    def record(self) -> Record:
        return self.store.load(TENANT, CORE)


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


def test_silence_is_filled_with_a_comment_after_20_seconds_and_then_every_15() -> None:
    house = House(HEAD, chunk("a"), Silence(51), chunk("b", "stop"), DONE, End())
    pieces = house.said()
    assert [piece for piece in pieces if piece.startswith(b":")] == [b": waiting\n\n"] * 3
    assert pieces[1:4] == [b": waiting\n\n"] * 3
    assert pieces[-1] == b"data: [DONE]\n\n"


def test_an_upstream_that_only_pings_does_not_leave_the_caller_in_silence() -> None:
    pings = [each for _ in range(7) for each in (Silence(10), Data(b": ping\n\n"))]
    house = House(HEAD, chunk("a"), *pings, chunk("b", "stop"), DONE, End())
    assert house.said().count(b": waiting\n\n") == 4


def test_a_whole_answer_is_kept_alive_with_spaces_and_stays_one_json_document() -> None:
    reply = {"id": "up-1", "choices": [{"message": {"content": "hi"}}]}
    house = House(Silence(36), HEAD, Data(json.dumps(reply).encode()), End(), stream=False)
    pieces = house.said()
    assert pieces[:-1] == [b" ", b" "]
    assert json.loads(b"".join(pieces))["choices"][0]["message"]["content"] == "hi"


def test_a_buffered_door_says_nothing_before_the_answer_is_known() -> None:
    error = UpstreamSilent("nothing came", charged=True)
    with pytest.raises(UpstreamSilent):
        House(Silence(200), Failed(error)).create(live=False)
    assert House(Silence(200), HEAD, chunk("a", "stop"), DONE, End()).said(live=False)[-1] == b"data: [DONE]\n\n"


def test_a_refusal_before_the_first_byte_keeps_its_status() -> None:
    house = House(Silence(19), Failed(UpstreamRefused("no such model", status=404, code="model_not_found"), b"raw"))
    with pytest.raises(UpstreamRefused) as caught:
        house.create()
    assert (caught.value.status, house.record.phase) == (404, Phase.FAILED)
    assert caught.value.headers["Content-Location"] == f"/live/v1/chat/completions/{completion_id(CORE)}"
    assert house.store.transcripts[CORE] == b"raw"


@pytest.mark.parametrize("stream", [True, False])
def test_a_failure_after_the_first_byte_is_told_in_the_answer(stream: bool) -> None:
    house = House(Silence(21), Failed(UpstreamSilent("nothing came", charged=True)), stream=stream)
    pieces = house.said()
    last = pieces[1].removeprefix(b"data: ") if stream else pieces[1]
    assert json.loads(last)["error"]["message"] == "nothing came"
    assert pieces[2:] == ([b"data: [DONE]\n\n"] if stream else [])
    assert house.record.phase is Phase.UNKNOWN


@pytest.mark.parametrize(
    ("error", "phase"),
    [
        (UpstreamSilent("silent", charged=True), Phase.UNKNOWN),
        (UpstreamBroken("html", charged=True), Phase.UNKNOWN),
        (UpstreamRefused("moderated", status=400, charged=True), Phase.FAILED),
        (UpstreamRefused("408", status=408, charged=True), Phase.UNKNOWN),
        (UpstreamRefused("503", status=503, code="model_not_found"), Phase.FAILED),
    ],
)
def test_doubt_is_what_may_have_been_charged_without_a_word_about_the_job(error: ReelayError, phase: Phase) -> None:
    house = House(Failed(error))
    with pytest.raises(ReelayError):
        house.create()
    assert house.record.phase is phase
    assert (("OutcomeUnknown", 1, "Count") in house.telemetry.counts) is (phase is Phase.UNKNOWN)


@pytest.mark.parametrize(
    ("error", "upstreams"),
    [
        (UpstreamSilent("silent", charged=True), True),
        (UpstreamBroken("html", charged=True), True),
        (UpstreamUnreachable("no way"), True),
        (UpstreamRefused("500", status=500), True),
        (UpstreamRefused("503", status=503, code="model_not_found"), False),
        (UpstreamRefused("moderated", status=400, charged=True), False),
    ],
)
def test_what_is_the_upstreams_own_fault_is_counted_apart(error: ReelayError, upstreams: bool) -> None:
    house = House(Failed(error))
    with pytest.raises(ReelayError):
        house.create()
    assert ("UpstreamFailures", 1, "Count") in house.telemetry.counts
    assert (("UpstreamServerErrors", 1, "Count") in house.telemetry.counts) is upstreams


def test_an_answer_that_is_cut_is_doubt_and_names_the_task() -> None:
    task = "task_01k7e5w9z5f2d91pekrqy59rwc"
    house = House(HEAD, chunk(f"> ID: `{task}`\n> 排队中"), End())
    last = json.loads(house.said()[-2].removeprefix(b"data: "))["error"]
    assert last["code"] == "outcome_unknown"
    assert task in last["message"]
    assert (house.record.phase, house.record.task_id) == (Phase.UNKNOWN, task)


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


def test_a_store_that_fails_at_the_end_costs_nothing_but_time() -> None:
    house = House(HEAD, chunk("hi", "stop"), DONE, End())
    answer = house.create()
    house.store.broken = {"save"}
    assert list(answer.pieces)[-1] == b"data: [DONE]\n\n"
    phases = [house.record.phase]
    house.store.broken = set()
    answer.then()
    assert [*phases, house.record.phase] == [Phase.SENDING, Phase.COMPLETED]
    assert house.clock.sleeps == []


def test_a_store_that_stays_down_is_tried_until_the_invocation_ends() -> None:
    house = House(HEAD, chunk("hi", "stop"), DONE, End())
    answer = house.create()
    house.store.broken = {"save", "keep_transcript", "index"}
    assert list(answer.pieces)[-1] == b"data: [DONE]\n\n"
    answer.then()
    assert tuple(house.clock.sleeps[: len(RETRY_SECONDS)]) == RETRY_SECONDS
    assert set(house.clock.sleeps[len(RETRY_SECONDS) :]) == {RETRY_SECONDS[-1]}
    assert 900 - RETRY_SECONDS[-1] - CALL_SECONDS <= house.clock.monotonic() <= 900 - CALL_SECONDS
    assert ("verdict not kept", {"record": CORE}) in house.telemetry.alarms
    assert house.record.phase is Phase.SENDING


def test_a_buffered_door_does_not_wait_long_for_a_store_that_is_down() -> None:
    house = House(HEAD, chunk("hi", "stop"), DONE, End())
    answer = house.create(live=False)
    house.store.broken = {"save"}
    list(answer.pieces)
    answer.then()
    assert house.clock.sleeps == [1, 2]


@pytest.mark.parametrize("defect", [OSError(28, "No space left on device"), StoreFailed("down"), ZeroDivisionError()])
@pytest.mark.parametrize("method", ["keep_transcript", "index"])
def test_a_verdict_without_its_transcript_or_marker_beats_none(method: str, defect: Exception) -> None:
    house = House(HEAD, chunk(VIDEO, "stop"), DONE, End())
    house.store.defects[method] = defect
    assert house.said()[-1] == b"data: [DONE]\n\n"
    assert house.record.phase is Phase.COMPLETED
    assert house.telemetry.defects == isinstance(defect, ZeroDivisionError)


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("method", ["save"])
def test_whatever_goes_wrong_while_keeping_the_answer_goes_out(method: str, live: bool) -> None:
    """Not only what the store's port promises to raise."""
    house = House(HEAD, chunk(f"> 排队中 {TASK_LINE} {VIDEO}", "stop"), DONE, End())
    house.store.defects[method] = OSError(28, "No space left on device")
    pieces = house.said(live=live)
    assert pieces[-1] == b"data: [DONE]\n\n"
    assert house.record.phase in (Phase.SENDING, Phase.ACCEPTED)
    assert ("verdict not kept", {"record": CORE}) in house.telemetry.alarms


def test_a_refusal_that_the_store_did_not_take_is_written_after_the_error_is_told() -> None:
    house = House(Failed(UpstreamRefused("no", status=400)))
    house.store.broken = {"save"}
    with pytest.raises(UpstreamRefused) as caught:
        house.create(then=False)
    phases = [house.record.phase]
    house.store.broken = set()
    caught.value.then()
    assert [*phases, house.record.phase] == [Phase.SENDING, Phase.FAILED]


def test_leftovers_that_cannot_be_deleted_cost_nobody_the_answer() -> None:
    def delete() -> None:
        house.store.delete(house.record)
        house.store.fail_once("delete")

    house = House(HEAD, chunk("hi"), delete, chunk(VIDEO, "stop"), DONE, End())
    assert house.said()[-1] == b"data: [DONE]\n\n"
    assert ("leftovers not deleted", {"record": CORE}) in house.telemetry.alarms
    assert house.store.transcripts == {}, "and it is tried again"


def test_media_that_the_record_did_not_take_at_once_are_written_again() -> None:
    house = House(HEAD, chunk(VIDEO, "stop"), DONE, End())
    answer = house.create()
    list(answer.pieces)
    house.archive.meanwhile = lambda: house.store.fail_once("save")
    answer.then()
    assert [media.archived for media in house.record.media] == [True]


def test_a_store_that_fails_in_mid_stream_is_left_alone_for_a_while() -> None:
    words = [each for number in range(20) for each in (Silence(6), chunk(f"进度 {number}%\n"))]
    house = House(HEAD, chunk(TASK_LINE), *words, chunk(None, "stop"), DONE, End())
    answer = house.create()
    house.store.broken = {"keep_transcript"}
    list(answer.pieces)
    answer.then()
    failed = [alarm for alarm in house.telemetry.alarms if alarm[0] == "progress not kept"]
    assert len(failed) == 2


def test_a_task_id_is_kept_at_first_sight_whatever_was_told_before() -> None:
    kept: list[str | None] = []

    def look() -> None:
        kept.append(house.record.task_id)

    house = House(HEAD, chunk("> 排队中\n"), chunk(TASK_LINE), look, chunk("ok", "stop"), DONE, End())
    house.said()
    assert kept == [TASK]


@pytest.mark.parametrize("error", [UpstreamBroken("reset", charged=True), UpstreamSilent("silent", charged=True)])
def test_a_failure_in_mid_stream_names_the_job(error: ReelayError) -> None:
    last = json.loads(House(HEAD, chunk(TASK_LINE), Failed(error)).said()[-2].removeprefix(b"data: "))["error"]
    assert TASK in last["message"]
    assert completion_id(CORE) in last["message"]
    assert last["code"] == ("outcome_unknown" if isinstance(error, UpstreamBroken) else "upstream_timeout")


def test_a_whole_document_is_whole_though_its_framing_broke() -> None:
    reply = {"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}
    broken = Failed(UpstreamBroken("cut", charged=True))
    house = House(HEAD, Data(json.dumps(reply).encode()), broken, stream=False)
    assert json.loads(house.said()[-1])["choices"][0]["message"]["content"] == "hi"
    without_end = {"choices": [{"message": {"content": "hi"}}]}
    with pytest.raises(UpstreamBroken):
        House(HEAD, Data(json.dumps(without_end).encode()), broken, stream=False).create()


def test_the_last_event_counts_though_its_blank_line_was_cut() -> None:
    last = Data(chunk("hi", "stop").data.rstrip(b"\n"))
    house = House(HEAD, last, Failed(UpstreamBroken("reset", charged=True)))
    assert house.said()[-1] == b"data: [DONE]\n\n"
    assert house.record.phase is Phase.COMPLETED


def test_an_error_after_the_end_takes_nothing_from_the_answer() -> None:
    house = House(HEAD, chunk("hi", "stop"), Data(b'data: {"error": {"message": "late"}}\n\n'), End())
    assert house.said()[-1] == b"data: [DONE]\n\n"
    assert house.record.phase is Phase.COMPLETED


def test_one_choice_that_ended_does_not_end_the_others() -> None:
    both = [{"index": n, "delta": {"content": "a"}, "finish_reason": "stop" if n == 0 else None} for n in (0, 1)]
    house = House(HEAD, Data(b"data: " + json.dumps({"choices": both}).encode() + b"\n\n"), End(), n=2)
    house.said()
    assert house.record.phase is Phase.UNKNOWN


def test_the_videos_of_every_choice_are_copied() -> None:
    other = "https://files.example/b.mp4"
    reply = {"choices": [{"message": {"content": url}, "finish_reason": "stop"} for url in (VIDEO, other)]}
    house = House(HEAD, Data(json.dumps(reply).encode()), End(), stream=False, n=2)
    house.said()
    assert [media.source for media in house.record.media] == [VIDEO, other]


def test_done_after_nothing_is_no_answer() -> None:
    with pytest.raises(UpstreamBroken):
        House(HEAD, DONE, End()).create()


def test_pings_before_a_document_are_passed_over() -> None:
    reply = {"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}
    house = House(HEAD, Data(b": ping\n\n: pi"), Data(b"ng\n\n" + json.dumps(reply).encode()), End(), stream=False)
    assert json.loads(house.said()[-1])["choices"][0]["message"]["content"] == "hi"


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


def test_a_defect_in_mid_stream_is_doubt_and_an_error_frame() -> None:
    def defect() -> None:
        raise ZeroDivisionError

    house = House(HEAD, chunk("hi"), defect, End())
    assert json.loads(house.said()[-2].removeprefix(b"data: "))["error"]["code"] == "internal_error"
    assert house.record.phase is Phase.UNKNOWN
    assert house.exchange.closed
    assert house.telemetry.defects == 1


def test_a_defect_once_money_may_be_taken_is_counted_and_answered_as_charged() -> None:
    def broken() -> Answer:
        raise ZeroDivisionError

    house = House(End())
    with pytest.raises(Unforeseen) as caught:
        house.relay.charged(new_record(), broken)
    assert (caught.value.charged, house.telemetry.defects) == (True, 1)


def test_nothing_after_done_is_waited_for() -> None:
    house = House(
        HEAD, chunk("hi", "stop"), DONE, Silence(600), Data(b'data: {"error": {"message": "late"}}\n\n'), End()
    )
    assert house.said()[-1] == b"data: [DONE]\n\n"
    assert house.clock.monotonic() < 1
    assert house.exchange.closed


def preferring(house: House, header: str) -> House:
    house.call = replace(house.call, headers={"prefer": header})
    return house


def test_respond_async_is_told_at_once_and_the_job_goes_on_after_the_answer() -> None:
    house = preferring(House(Silence(200), HEAD, chunk(VIDEO, "stop"), DONE, End()), "respond-async")
    answer = house.create()
    assert (answer.status, house.clock.monotonic()) == (202, 0)
    assert answer.headers["Location"] == f"/live/v1/chat/completions/{completion_id(CORE)}"
    assert (answer.headers["Preference-Applied"], answer.headers["Retry-After"]) == ("respond-async", "5")
    state = json.loads(b"".join(answer.pieces))
    assert (state["object"], state["status"], state["progress"]) == ("chat.completion.state", "queued", 0)
    phases = [house.record.phase]
    answer.then()
    assert [*phases, house.record.phase] == [Phase.SENDING, Phase.COMPLETED]
    assert [media.archived for media in house.record.media] == [True]


@pytest.mark.parametrize(("silence", "status"), [(9, 200), (11, 202)])
def test_wait_is_how_long_the_answer_is_waited_for_first(silence: int, status: int) -> None:
    script = (HEAD, chunk("a"), Silence(silence), chunk("b", "stop"), DONE, End())
    house = preferring(House(*script, stream=False), "respond-async, wait=10")
    answer = house.create()
    assert answer.status == status
    assert house.clock.monotonic() == min(silence, 10)
    body = json.loads(b"".join(answer.pieces))
    answer.then()
    assert body["object"] == ("chat.completion" if status == 200 else "chat.completion.state")
    assert house.record.phase is Phase.COMPLETED


def test_an_answer_that_is_there_in_time_comes_as_it_was_asked_for() -> None:
    streamed = preferring(House(HEAD, chunk("hi", "stop"), DONE, End()), "respond-async, wait=10")
    answer = streamed.create()
    pieces = list(answer.pieces)
    answer.then()
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert pieces[-1] == b"data: [DONE]\n\n"
    whole = preferring(House(HEAD, chunk("hi", "stop"), DONE, End(), stream=False), "respond-async, wait=10").create()
    assert json.loads(b"".join(whole.pieces))["object"] == "chat.completion"
    whole.then()


@pytest.mark.parametrize("code", ["model_not_found", "invalid_api_key", "sentinel_block"])
def test_an_error_after_the_job_had_begun_may_have_been_charged_whatever_its_code(code: str) -> None:
    error = Data(b"data: " + json.dumps({"error": {"message": "no", "code": code}}).encode() + b"\n\n")
    house = House(HEAD, chunk(TASK_LINE), error, End())
    house.said()
    assert house.record.problem
    assert house.record.problem.charged


def test_a_refusal_within_the_wait_keeps_its_status_and_one_after_it_is_kept() -> None:
    refused = Failed(UpstreamRefused("no", status=400))
    with pytest.raises(UpstreamRefused):
        preferring(House(Silence(5), refused), "respond-async, wait=10").create()
    house = preferring(House(Silence(15), refused), "respond-async, wait=10")
    answer = house.create()
    answer.then()
    assert (answer.status, house.record.phase) == (202, Phase.FAILED)


def test_the_preference_is_not_applied_where_it_cannot_be_kept() -> None:
    script = (Silence(30), HEAD, chunk("a", "stop"), DONE, End())
    assert preferring(House(*script), "respond-async").said(live=False)[-1] == b"data: [DONE]\n\n"
    unkept = preferring(House(*script, store=False), "respond-async").create()
    assert unkept.status == 200
    list(unkept.pieces)
    unkept.then()


def test_a_page_examines_a_bounded_number_of_records() -> None:
    clock, store = FakeClock(), FakeStore()
    made = [_completed(store, number) for number in range(5200)]
    results = Results(store, clock, json_answer)
    wanted: dict[str, Any] = {"limit": 20, "order": "asc", "metadata": {"n": "5100"}}

    def page(**more: str) -> Any:
        call = Call("listChatCompletions", "/v1/chat/completions", "r", TENANT, parameters=wanted | more)
        return json.loads(b"".join(results.page(call, Invocation(1, live=False)).pieces))

    first = page()
    assert (first["data"], first["has_more"], first["last_id"]) == ([], True, completion_id(made[4999].id))
    second = page(after=first["last_id"])
    assert [each["id"] for each in second["data"]] == [completion_id(made[5100].id)]
    assert second["has_more"] is False


def test_a_page_ends_before_it_is_larger_than_a_function_may_answer() -> None:
    clock, store = FakeClock(), FakeStore()
    made = [_completed(store, number, "x" * 2_000_000) for number in range(4)]
    results = Results(store, clock, json_answer)
    call = Call("listChatCompletions", "/v1/c", "r", TENANT, parameters={"limit": 20, "order": "asc"})
    page = json.loads(b"".join(results.page(call, Invocation(1, live=False)).pieces))
    assert [each["id"] for each in page["data"]] == [completion_id(record.id) for record in made[:2]]
    assert (page["has_more"], page["last_id"]) == (True, completion_id(made[1].id))


def _completed(store: FakeStore, number: int, content: str = "") -> Record:
    core = f"01k9{number:022d}"
    record = Record(
        core, TENANT, 1, "sora-2", stream=False, phase=Phase.COMPLETED, metadata={"n": str(number)},
        completion={"id": completion_id(core), "choices": [], "padding": content},
    )  # fmt: skip
    record = store.create(record)
    store.index(record)
    return record
