"""LangChain's ChatOpenAI with a base URL of its own. tests/clients/optional.py runs it."""

from __future__ import annotations

import asyncio
import functools
import operator
import os
from typing import Any

import openai
import pytest
from langchain_core.messages import (  # type: ignore[import-not-found]  # it lives in .venv-langchain alone
    HumanMessage,
    ToolMessage,
)
from langchain_openai import ChatOpenAI  # type: ignore[import-not-found]  # as above

from tests.clients.asks import ASK, FAILURES, PICTURE, PROMPT, TOOL, WITH_PICTURE, named

ITS_OWN_MATTER = "messages[0].role"
"""LangChain lets nothing through that this failure could come of."""


def chat(model: str, **more: Any) -> Any:
    return ChatOpenAI(model=model, base_url=f"{os.environ['REELAY']}/v1", api_key=os.environ["KEY"], **more)


def streamed(runnable: Any) -> Any:
    """The sum of all chunks."""
    return functools.reduce(operator.add, runnable.stream(PROMPT))


def run(failure: Any, model: str, *, stream: bool = False, **more: Any) -> None:
    """The failure's request; `more` are parameters of the request."""
    patience = {"max_retries": failure["retries"]} if "retries" in failure else {}
    called = chat(model, **patience)
    if stream:
        streamed(called)
    else:
        called.invoke(ASK["messages"], **more)


@pytest.mark.parametrize("failure", [each for each in FAILURES if each["param"] != ITS_OWN_MATTER], ids=named)
def test_a_failure_is_raised_as_openais_own_class(failure: Any) -> None:
    with pytest.raises(getattr(openai, failure["raises"])) as caught:
        run(failure, **failure["ask"])
    error: Any = caught.value
    assert (error.code, error.param) == (failure["code"], failure["param"])
    assert getattr(error, "status_code", None) == failure["status"]


def test_whole_and_streamed_answers_have_the_video_and_are_kept() -> None:
    model = chat("sora-2", extra_body={"metadata": {"project": "dogs"}})
    answer = model.invoke(PROMPT)
    one = answer.response_metadata["id"]
    kept = model.root_client.chat.completions.retrieve(one)
    assert kept.metadata == {"project": "dogs"}
    assert kept.choices[0].message.content == answer.content
    assert ".mp4" in streamed(chat("sora-2")).content


def test_usage_is_told_in_a_stream() -> None:
    assert streamed(chat("sim-text", stream_usage=True)).usage_metadata["total_tokens"] > 0


def test_the_asynchronous_client_streams_too() -> None:
    async def heard() -> str:
        return "".join([chunk.content async for chunk in chat("sim-text").astream(PROMPT)])

    assert "Hello there" in asyncio.run(heard())


def test_many_are_asked_at_once() -> None:
    answers = chat("sim-text").batch([PROMPT] * 3)
    assert len({answer.response_metadata["id"] for answer in answers}) == 3


def test_a_tool_is_called_and_its_result_goes_back() -> None:
    model = chat("sim-tools").bind_tools([TOOL], tool_choice="auto")
    asked = model.invoke(PROMPT)
    (call,) = asked.tool_calls
    assert (call["name"], call["args"]) == ("get_weather", {"location": "Shanghai"})
    answer = model.invoke([HumanMessage(PROMPT), asked, ToolMessage("21 degrees", tool_call_id=call["id"])])
    assert "Hello there" in answer.content
    (again,) = streamed(model).tool_calls
    assert again["args"] == {"location": "Shanghai"}


@pytest.mark.parametrize(
    "picture",
    [WITH_PICTURE[1], {"type": "image", "base64": PICTURE.partition(",")[2], "mime_type": "image/png"}],
    ids=["OpenAI's part", "LangChain's part"],
)
def test_a_picture_goes_along(picture: Any) -> None:
    assert ".mp4" in chat("sora-2").invoke([HumanMessage([WITH_PICTURE[0], picture])]).content
