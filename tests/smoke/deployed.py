"""Run by `make smoke`, in this order: what is free, then what is paid once, then a video where it was asked for."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from typing import Any

import openai
import pytest
import urllib3
import yaml

from reelay.identity import OWN_PREFIX
from tests.contract.cloud import ROOT
from tests.e2e.test_stack import test_the_sdk_streams_retrieves_lists_updates_and_deletes
from tests.smoke import KEY, MAX_TOKENS, MODEL, URL, VIDEO

PLACE, TOKEN, CHEAP = (os.environ[name] for name in (URL, KEY, MODEL))
COMPLETIONS = "/v1/chat/completions"
ASK: dict[str, Any] = {
    "model": CHEAP,
    "max_tokens": MAX_TOKENS,
    "messages": [{"role": "user", "content": "Say yes."}],
    "metadata": {"reelay": "smoke"},
}
ENVELOPE = {"message", "type", "param", "code"}
PATIENCE = urllib3.Timeout(connect=10, read=900)
ARCHIVE_TRIES = 12
"""Of the SDK, with up to 8 s between them: a video is copied into the bucket after the answer."""


@pytest.fixture(scope="module")
def pool() -> Iterator[urllib3.PoolManager]:
    with urllib3.PoolManager(retries=False, timeout=PATIENCE) as made:
        yield made


@pytest.fixture
def client() -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{PLACE}/v1", api_key=TOKEN, max_retries=ARCHIVE_TRIES) as made:
        yield made


def bearer(token: str = TOKEN) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


def test_it_serves_the_contract_of_this_checkout(pool: urllib3.PoolManager) -> None:
    served = pool.request("GET", f"{PLACE}/openapi.yaml")
    ours = yaml.safe_load((ROOT / "openapi.yaml").read_text(encoding="utf-8"))
    assert served.status == 200
    assert yaml.safe_load(served.data)["info"]["version"] == ours["info"]["version"]
    assert pool.request("GET", f"{PLACE}/openapi.json").json()["paths"].keys() == ours["paths"].keys()


@pytest.mark.parametrize(
    ("headers", "statuses"),
    [
        ({}, {401}),
        ({"Authorization": "Basic c21va2U6c21va2U="}, {401}),
        (bearer(OWN_PREFIX + uuid.uuid4().hex), {403}),
    ],
    ids=["no key", "another scheme", "a key that nobody made"],
)
def test_nobody_is_let_in_without_a_key_of_its_own(
    pool: urllib3.PoolManager, headers: dict[str, str], statuses: set[int]
) -> None:
    for method, path in (("GET", COMPLETIONS), ("POST", COMPLETIONS), ("GET", "/v1/videos")):
        reply = pool.request(method, PLACE + path, headers=headers)
        assert reply.status in statuses, (method, path)
        assert reply.json()["error"].keys() == ENVELOPE


@pytest.mark.parametrize(
    ("body", "param"),
    [({**ASK, "messages": []}, "messages"), ({**ASK, "n": 0}, "n"), ({"model": CHEAP}, "messages")],
)
def test_a_bad_request_is_refused_by_name_before_anything_is_paid(
    pool: urllib3.PoolManager, body: dict[str, Any], param: str
) -> None:
    reply = pool.request("POST", PLACE + COMPLETIONS, json=body, headers=bearer())
    assert (reply.status, reply.json()["error"]["param"]) == (400, param)


def test_what_is_not_there_is_404_in_the_envelope(pool: urllib3.PoolManager) -> None:
    for path in ("/v1/nowhere", f"{COMPLETIONS}/chatcmpl-{'0' * 26}", f"/v1/videos/video_{'0' * 26}"):
        reply = pool.request("GET", PLACE + path, headers=bearer())
        assert reply.status == 404, path
        assert reply.json()["error"].keys() == ENVELOPE


def test_one_paid_answer_streams_is_kept_is_never_paid_twice_and_is_deleted(
    client: openai.OpenAI, pool: urllib3.PoolManager
) -> None:
    headers = {**bearer(), "Idempotency-Key": f"smoke-{uuid.uuid4()}"}
    body = {**ASK, "stream": True}
    reply = pool.request("POST", PLACE + COMPLETIONS, json=body, headers=headers, preload_content=False)
    told = b"".join(reply.stream()).decode()
    assert reply.status == 200, told
    assert reply.headers["Content-Type"].startswith("text/event-stream")
    assert told.endswith("data: [DONE]\n\n")
    one = reply.headers["Content-Location"].rsplit("/", 1)[-1]
    again = pool.request("POST", PLACE + COMPLETIONS, json=body, headers=headers)
    assert again.headers["x-reelay-replayed"] == "true"
    assert client.chat.completions.retrieve(one).choices[0].message.content
    assert one in [each.id for each in client.chat.completions.list(metadata=ASK["metadata"], order="desc", limit=5)]
    assert client.chat.completions.messages.list(one).data[0].content == "Say yes."
    assert client.chat.completions.delete(one).deleted is True
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.retrieve(one)


test_a_video = pytest.mark.skipif(not os.environ.get(VIDEO), reason="VIDEO=1 pays for a video too")(
    test_the_sdk_streams_retrieves_lists_updates_and_deletes
)
del test_the_sdk_streams_retrieves_lists_updates_and_deletes
