"""LiteLLM's client, as a provider of the kind "openai" with a base of its own. tests/clients/optional.py runs it."""

from __future__ import annotations

import asyncio
import json
import os
import time
from typing import Any

import litellm  # type: ignore[import-not-found]  # it lives in .venv-litellm alone
import pytest

from tests.clients.asks import ASK, FAILURES, MP4, PROMPT, TOOL, WITH_PICTURE, named

PATIENCE_SECONDS = 20
"""For a video that is running; each look is an HTTP call."""

REELAY = {"api_base": f"{os.environ['REELAY']}/v1", "api_key": os.environ["KEY"]}

OWN_CLASSES = {
    403: litellm.APIError,
    502: litellm.BadGatewayError,
    503: litellm.ServiceUnavailableError,
    None: litellm.exceptions.MidStreamFallbackError,
}
"""Where LiteLLM's class is not called as OpenAI's is, by status; None is a stream that had begun."""


def asked(model: str, **more: Any) -> Any:
    return litellm.completion(**{**ASK, **more, "model": f"openai/{model}"}, **REELAY)


@pytest.mark.parametrize("failure", FAILURES, ids=named)
def test_a_failure_is_raised_as_its_own_class(failure: Any) -> None:
    patience = {"max_retries": failure["retries"]} if "retries" in failure else {}
    kind = OWN_CLASSES.get(failure["status"]) or getattr(litellm, failure["raises"])
    with pytest.raises(litellm.exceptions.openai.APIError) as caught:
        list(asked(**failure["ask"], **patience))
    assert type(caught.value) is kind
    if kind is litellm.BadRequestError:
        assert (caught.value.code, caught.value.param) == (failure["code"], failure["param"])


def test_whole_and_streamed_answers_have_ids_of_ours_and_the_video() -> None:
    whole = asked("sora-2")
    assert whole.id.startswith("chatcmpl-01")
    assert ".mp4" in whole.choices[0].message.content
    chunks = list(asked("sora-2", stream=True))
    (one,) = {chunk.id for chunk in chunks}
    assert one.startswith("chatcmpl-01")
    assert ".mp4" in litellm.stream_chunk_builder(chunks).choices[0].message.content


def test_the_asynchronous_client_streams_too() -> None:
    async def streamed() -> str:
        answer = await litellm.acompletion(**{**ASK, "model": "openai/sim-text"}, **REELAY, stream=True)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in answer])

    assert "Hello there" in asyncio.run(streamed())


def test_a_tool_is_called_and_its_result_goes_back() -> None:
    message = asked("sim-tools", tools=[TOOL], tool_choice="auto").choices[0].message
    (call,) = message.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"location": "Shanghai"})
    result = {"role": "tool", "tool_call_id": call.id, "content": "21 degrees"}
    answer = asked("sim-tools", tools=[TOOL], messages=[*ASK["messages"], message, result])
    assert "Hello there" in answer.choices[0].message.content
    chunks = list(asked("sim-tools", tools=[TOOL], stream=True))
    (again,) = litellm.stream_chunk_builder(chunks).choices[0].message.tool_calls
    assert json.loads(again.function.arguments) == {"location": "Shanghai"}


def test_a_picture_goes_along() -> None:
    answer = asked("sora-2", messages=[{"role": "user", "content": WITH_PICTURE}])
    assert ".mp4" in answer.choices[0].message.content


def ended(video: Any) -> Any:
    """The video once it is completed or failed."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        now = litellm.video_status(video_id=video.id, **REELAY)
        if now.status not in {"queued", "in_progress"}:
            return now
    raise AssertionError("it is running still")


def test_a_video_is_made_downloaded_remixed_and_listed() -> None:
    made = litellm.video_generation(prompt=PROMPT, model="openai/sora-2", seconds="8", size="1280x720", **REELAY)
    done = ended(made)
    assert (done.status, done.seconds, done.size) == ("completed", "8", "1280x720")
    assert litellm.video_content(video_id=made.id, **REELAY) == MP4
    remix = litellm.video_remix(video_id=made.id, prompt="at night", **REELAY)
    assert ended(remix).status == "completed"
    listed = litellm.video_list(**REELAY)["data"]
    assert {"at night", PROMPT} <= {each["prompt"] for each in listed}
