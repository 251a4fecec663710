"""The whole stack: doors under the real awslambdaric behind the local gateway, used with the real openai SDK."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
import urllib3

from dev.simulator import Simulator
from dev.stack import Stack, running
from reelay.sse import EventParser
from tests.patience import PATIENCE_SECONDS

ASK: Any = {"model": "sora-2", "messages": [{"role": "user", "content": "a golden retriever in orbit"}]}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the functions' output goes."""
    return tmp_path_factory.mktemp("stack") / "stack.log"


@pytest.fixture(scope="module")
def stack(log: Path) -> Iterator[Stack]:
    """The stack at full speed."""
    with Simulator() as simulator, running(log=log, simulator=simulator) as up:
        yield up
        assert simulator.complaints == []


@pytest.fixture
def client(stack: Stack) -> Iterator[openai.OpenAI]:
    """OpenAI's own client, given a base URL and a key and nothing else."""
    with openai.OpenAI(base_url=f"{stack.url}/v1", api_key=stack.token) as made:
        yield made


def test_the_sdk_streams_retrieves_lists_updates_and_deletes(client: openai.OpenAI) -> None:
    chunks = list(client.chat.completions.create(**ASK, stream=True, metadata={"project": "space-dogs"}))
    one = chunks[0].id
    assert {chunk.id for chunk in chunks} == {one}
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert ".mp4" in text
    kept = client.chat.completions.retrieve(one)
    assert kept.choices[0].message.content == text
    assert [each.id for each in client.chat.completions.list(metadata={"project": "space-dogs"})] == [one]
    assert client.chat.completions.messages.list(one).data[0].content == ASK["messages"][0]["content"]
    assert client.chat.completions.update(one, metadata={"project": "archive"}).metadata == {"project": "archive"}
    with pytest.warns(
        DeprecationWarning, match="Sora"
    ):  # OpenAI's own models are gone; its client still speaks to ours
        video = client.videos.download_content(one)
    assert video.content[4:8] == b"ftyp"
    assert client.chat.completions.delete(one).deleted is True
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.retrieve(one)


def test_the_sdk_gets_a_whole_answer_and_pages_through_many(client: openai.OpenAI) -> None:
    ask = {**ASK, "model": "sim-text", "metadata": {"suite": "pages"}}
    made = [client.chat.completions.create(**ask).id for _ in range(5)]
    suite = {"suite": "pages"}
    assert [each.id for each in client.chat.completions.list(limit=2, metadata=suite)] == made
    assert [each.id for each in client.chat.completions.list(limit=2, order="desc", metadata=suite)] == made[::-1]


@pytest.mark.case("sdk-repeats")
@pytest.mark.parametrize(
    ("model", "kind", "posts"),
    [
        ("sim-401", openai.AuthenticationError, 1),
        ("sim-400-invalid-request", openai.BadRequestError, 1),
        ("sim-403-quota", openai.PermissionDeniedError, 1),
        ("sim-503-model-not-found", openai.InternalServerError, 1),
        ("sim-504-html", openai.InternalServerError, 1),
        ("sim-500-do-request-failed", openai.InternalServerError, 1),
        ("sim-408", openai.APIStatusError, 1),
        ("sim-stream-error", openai.APIError, 1),
        ("sim-cut", openai.APIError, 1),
    ],
)
def test_a_default_client_never_pays_twice(
    client: openai.OpenAI, stack: Stack, model: str, kind: type[Exception], posts: int
) -> None:
    assert stack.simulator
    before = stack.simulator.posts
    with pytest.raises(kind):
        list(client.chat.completions.create(**{**ASK, "model": model}, stream=True))
    assert stack.simulator.posts - before == posts


def test_the_gateways_own_errors_are_in_the_envelope_too(stack: Stack) -> None:
    reply = urllib3.request("GET", f"{stack.url}/v1/nowhere", retries=False, timeout=PATIENCE_SECONDS)
    assert reply.status == 404
    assert set(reply.json()["error"]) == {"message", "type", "param", "code"}


def test_each_frame_is_seen_before_the_next_is_sent() -> None:
    """The promise of streaming: through hook and gateway, frame by frame, with an upstream that waits each time."""
    with Simulator(gate=threading.Semaphore(0)) as simulator, running(simulator=simulator) as stack:
        seen = 0
        simulator.step()
        reply = urllib3.request(
            "POST",
            f"{stack.url}/v1/chat/completions",
            body=json.dumps({**ASK, "model": "sim-text", "stream": True}),
            headers={"Authorization": f"Bearer {stack.token}", "Content-Type": "application/json"},
            preload_content=False,
            retries=False,
            timeout=PATIENCE_SECONDS,
        )
        parser = EventParser()
        done = False
        while not done:
            data = reply.read1()
            for text in parser.feed(data):
                seen += 1
                assert len(simulator.sent) == seen
                done = text == "[DONE]"
                simulator.step()
        assert seen > 3


@pytest.mark.case("caller-leaves")
def test_a_caller_who_leaves_in_mid_stream_finds_the_completion_later() -> None:
    with Simulator(gate=threading.Semaphore(0)) as simulator, running(simulator=simulator) as stack:
        simulator.step(3)
        reply = urllib3.request(
            "POST",
            f"{stack.url}/v1/chat/completions",
            body=json.dumps({**ASK, "stream": True}),
            headers={"Authorization": f"Bearer {stack.token}", "Content-Type": "application/json"},
            preload_content=False,
            retries=False,
            timeout=PATIENCE_SECONDS,
        )
        location = reply.headers["Content-Location"]
        reply.read1()
        reply.close()
        simulator.step(10_000)
        patient = urllib3.Retry(
            total=20,
            status_forcelist=[202, 409],
            backoff_factor=0.05,
            backoff_max=1,
            respect_retry_after_header=False,
            raise_on_status=False,
        )
        headers = {"Authorization": f"Bearer {stack.token}"}
        kept = urllib3.request("GET", stack.url + location, headers=headers, retries=patient, timeout=PATIENCE_SECONDS)
        assert kept.status == 200
        assert ".mp4" in kept.json()["choices"][0]["message"]["content"]
        assert simulator.posts == 1


@pytest.mark.case("secrets-shown")
def test_what_the_functions_log_holds_no_token_no_prompt_and_no_body(stack: Stack, log: Path) -> None:
    for model in ("sora-2", "sim-cut", "sim-400-invalid-request"):
        urllib3.request(
            "POST",
            f"{stack.url}/v1/chat/completions",
            json={**ASK, "model": model, "stream": True},
            headers={"Authorization": f"Bearer {stack.token}"},
            retries=False,
            timeout=PATIENCE_SECONDS,
        )
    lines = log.read_text()
    assert '"message":"relayed"' in lines
    for secret in (stack.token, ASK["messages"][0]["content"], "生成完成", "\\u751f\\u6210", ".mp4"):
        assert secret not in lines
