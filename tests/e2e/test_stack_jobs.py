"""Jobs on the whole stack: the real openai SDK on one side, queue, bus and bucket on the other."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import openai
import pytest
from botocore.exceptions import ClientError

from dev.simulator import Simulator
from dev.stack import LOCAL_KEY, Stack, running

PROMPT = "a golden retriever in orbit"
ASK: Any = {"model": "sora-2", "messages": [{"role": "user", "content": PROMPT}]}
PATIENCE_SECONDS = 30
POLL_MILLISECONDS = 50
T = TypeVar("T")

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")  # ours goes on


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The stack at full speed, triggers and all."""
    with Simulator() as simulator, running(simulator=simulator) as up:
        yield up
        assert simulator.complaints == []


@contextmanager
def sdk(stack: Stack, **settings: Any) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{stack.url}/v1", api_key=stack.token, **settings) as client:
        yield client


def until(found: Callable[[], T | None]) -> T:
    """What is found in the end; each look is an HTTP call or a read of the bucket, so nothing spins."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if (value := found()) is not None:
            return value
    raise AssertionError("it never came")


def posts(stack: Stack) -> int:
    assert stack.simulator
    return stack.simulator.posts


def outcome(stack: Stack, name: str) -> Any:
    """What lies in the outbox, or None yet."""
    try:
        return json.loads(stack.s3.get_object(Bucket=stack.bucket, Key=f"outbox/{name}")["Body"].read())
    except ClientError:
        return None


def test_the_sdk_creates_polls_downloads_remixes_lists_and_deletes_a_video(stack: Stack) -> None:
    before = posts(stack)
    with sdk(stack) as client:
        video = client.videos.create_and_poll(
            prompt=PROMPT, model="sora-2", seconds="8", size="1280x720", poll_interval_ms=POLL_MILLISECONDS
        )
        assert (video.status, video.progress, video.prompt, video.seconds) == ("completed", 100, PROMPT, "8")
        assert client.videos.download_content(video.id).content[4:8] == b"ftyp"
        assert client.videos.download_content(video.id, variant="thumbnail").content[:4] == b"RIFF"
        remix = client.videos.remix(video.id, prompt="the same, at night")
        done = client.videos.poll(remix.id, poll_interval_ms=POLL_MILLISECONDS)
        assert (done.status, done.remixed_from_video_id) == ("completed", video.id)
        assert [each.id for each in client.videos.list(limit=1)][:2] == [remix.id, video.id]
        chat = client.chat.completions.retrieve(video.id.replace("video_", "chatcmpl-"))
        assert ".mp4" in (chat.choices[0].message.content or "")
        for each in (video, remix):
            assert client.videos.delete(each.id).deleted is True
        with pytest.raises(openai.NotFoundError):
            client.videos.retrieve(video.id)
    assert posts(stack) - before == 2


def test_a_picture_goes_along_as_the_sdk_sends_files(stack: Stack) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
    with sdk(stack) as client:
        video = client.videos.create_and_poll(
            prompt=PROMPT,
            input_reference=("dog.png", io.BytesIO(picture), "image/png"),
            poll_interval_ms=POLL_MILLISECONDS,
        )
        assert video.status == "completed"
    assert stack.simulator
    sent = json.loads(stack.simulator.requests[-1].body)["messages"][0]["content"]
    assert sent[1]["image_url"]["url"].startswith("data:image/png;base64,iVBORw0KGgo")


def test_a_message_a_file_and_a_bus_event_each_end_as_a_completion(stack: Stack) -> None:
    before = posts(stack)
    with sdk(stack) as client:

        def made(source: str) -> Any:
            def archived() -> Any:
                labelled = client.chat.completions.list(metadata={"source": source})
                return next((each for each in labelled if each.to_dict()["media"]), None)

            return until(archived)

        def ask(source: str) -> str:
            return json.dumps({**ASK, "metadata": {"source": source}})

        stack.sqs.send_message(QueueUrl=stack.queues["RequestsQueue"], MessageBody=ask("message"))
        stack.s3.put_object(Bucket=stack.bucket, Key="inbox/order 1.json", Body=ask("file").encode())
        event: Any = {"Source": "shop", "DetailType": "Completion Requested", "Detail": ask("bus")}
        stack.events.put_events(Entries=[event | {"EventBusName": stack.bus}])
        told = stack.invoke("IntakeFunction", json.loads(ask("invoke")))
        assert told["status"] == "queued"
        ids = {source: made(source).id for source in ("message", "file", "bus", "invoke")}
        assert ids["invoke"] == told["id"]
        assert until(lambda: outcome(stack, "order 1.json"))["id"] == ids["file"]
    assert posts(stack) - before == 4


def test_a_bad_file_is_answered_in_words_and_never_comes_again(stack: Stack) -> None:
    before = posts(stack)
    stack.s3.put_object(Bucket=stack.bucket, Key="inbox/bad.json", Body=b'{"model": "sora-2", "messages": []}')
    assert until(lambda: outcome(stack, "bad.json"))["error"]["param"] == "messages"
    assert posts(stack) == before


def test_progress_moves_while_a_queued_job_runs() -> None:
    with Simulator(gate=threading.Semaphore(0)) as simulator, running(simulator=simulator) as stack:
        told = stack.invoke("IntakeFunction", ASK)
        video = told["id"].replace("chatcmpl-", "video_")
        with sdk(stack) as client:
            assert client.videos.retrieve(video).status == "queued"
            seen: set[str] = set()

            def moved() -> bool | None:
                simulator.step(5)
                seen.add(client.videos.retrieve(video).status)
                return "completed" in seen or None

            until(moved)
            assert client.videos.retrieve(video).progress == 100
        assert simulator.posts == 1


def test_a_sweep_leaves_alone_what_moves(stack: Stack) -> None:
    assert stack.fire("SweepFunction") == {"sent": 0}


@pytest.mark.case("other-tenant")
def test_one_of_our_keys_is_let_in_and_the_service_pays(stack: Stack) -> None:
    before = posts(stack)
    with openai.OpenAI(base_url=f"{stack.url}/v1", api_key=LOCAL_KEY) as client:
        chunks = list(client.chat.completions.create(**ASK, stream=True))
        video = client.videos.create_and_poll(prompt=PROMPT, model="sora-2", poll_interval_ms=POLL_MILLISECONDS)
        assert video.status == "completed"
        assert client.chat.completions.retrieve(chunks[0].id).id == chunks[0].id
    with sdk(stack) as other, pytest.raises(openai.NotFoundError):
        other.videos.retrieve(video.id)
    assert stack.simulator
    assert {request.headers["authorization"] for request in stack.simulator.requests[-2:]} == {f"Bearer {stack.token}"}
    assert posts(stack) - before == 2


@pytest.mark.case("service-key-without-ours", "no-token")
@pytest.mark.parametrize(
    ("key", "error"),
    [("rk-0123456789abcdefghijklmn", openai.PermissionDeniedError), ("sk with spaces", openai.AuthenticationError)],
)
def test_a_key_that_is_on_no_plan_or_is_none_opens_nothing(stack: Stack, key: str, error: type[Exception]) -> None:
    before = posts(stack)
    with openai.OpenAI(base_url=f"{stack.url}/v1", api_key=key, max_retries=0) as client:
        with pytest.raises(error):
            client.chat.completions.create(**ASK)
        with pytest.raises(error):
            client.videos.list()
    assert posts(stack) == before


@pytest.mark.case("caller-key-closed")
def test_without_leave_callers_keys_are_refused() -> None:
    with Simulator() as simulator, running(simulator=simulator, parameters={"AllowCallerKeys": "no"}) as up:
        with sdk(up) as client, pytest.raises(openai.PermissionDeniedError):
            client.chat.completions.create(**ASK)
        with openai.OpenAI(base_url=f"{up.url}/v1", api_key=LOCAL_KEY) as client:
            client.chat.completions.create(**{**ASK, "model": "sim-text"})
        assert simulator.posts == 1
