"""Prefer: respond-async, with and without a wait."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from reelay.errors import UpstreamRefused
from reelay.ids import completion_id
from reelay.model import End, Failed, Phase
from tests.fakes import Silence
from tests.unit.relay.place import CORE, DONE, HEAD, VIDEO, House, chunk


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
