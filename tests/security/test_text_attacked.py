"""Text of the upstream and of callers that would be code for somebody: events, HTML, and work for a regex."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from dev.simulator import Simulator
from tests.e2e.local_house import KEY, LocalHouse, Reply
from tests.integration.fault_server import FaultServer, http, replies
from tests.security.hostile import Attacked, stream

pytestmark = pytest.mark.usefixtures("aws_environment")

FORGED = '{"id":"forged","object":"chat.completion.chunk","created":1,"model":"m","choices":[]}'
ENDS = ("\n", "\r", "\r\n", "\n\r", "\x0b", "\x0c", "\x1c", "\x1e", "\x85", "\u2028", "\u2029", "\0", "\\n", "\\u000a")
EVIL = "".join(f"a{end}{end}data: [DONE]{end}{end}data: {FORGED}{end}event: error{end}{end}: {end}" for end in ENDS)
HTML = "<!DOCTYPE html><html><script>alert(document.domain)</script></html>"


def hostile_chunk(**delta: Any) -> dict[str, Any]:
    """Line breaks in every value and name that goes through."""
    said = {"role": EVIL, "content": EVIL, "reasoning_content": EVIL, "refusal": EVIL, EVIL: EVIL, **delta}
    choice = {"index": 0, "delta": said, "finish_reason": None, EVIL: [EVIL]}
    return {
        "id": EVIL,
        "object": EVIL,
        "model": EVIL,
        "system_fingerprint": EVIL,
        EVIL: {EVIL: EVIL},
        "choices": [choice],
    }


CALL = {"index": 0, "id": EVIL, "type": "function", "function": {"name": EVIL, "arguments": EVIL}}
LAST = {"choices": [{"index": 0, "delta": {"tool_calls": [CALL]}, "finish_reason": EVIL}]}
STREAM = stream(hostile_chunk(), LAST)
HEAD = STREAM.partition(b"data: ")[0]


STREAM_OF_HTML = stream(json.loads(json.dumps(hostile_chunk()).replace(json.dumps(EVIL), json.dumps(HTML))))


def spread(*payloads: Any) -> bytes:
    """The same events, each over many lines and between the other fields that an event may have."""
    lines = [[f"data: {line}" for line in json.dumps(payload, indent=0).split("\n")] for payload in payloads]
    sent = ["\r\n".join(["event: forged", "id: 7", "retry: 1", ": data: x", *each, "", ""]) for each in lines]
    return HEAD + "".join([*sent, "data: [DONE]\r\n\r\n"]).encode()


SPREAD = spread(hostile_chunk(), LAST)


def events(body: bytes) -> list[Any]:
    """Read by another rule than Reelay's own: each event is one line, whatever a reader takes for the end of one."""
    *parts, rest = body.decode().split("\n\n")
    assert rest == ""
    assert not {"\r", "\0", "\x0b", "\x0c", "\x1c", "\x1e"} & set(body.decode())
    assert all(part.startswith("data: ") and "\n" not in part for part in parts)
    *chunks, done = [part.removeprefix("data: ") for part in parts]
    assert done == "[DONE]"
    return [json.loads(chunk) for chunk in chunks]


def seen_by_the_sdk(reply: Reply) -> list[Any]:
    """The chunks that OpenAI's own client finds in the answer."""
    served = http("200 OK", reply.body, Content_Type=reply.headers["Content-Type"])
    with FaultServer(replies(served)) as server, openai.OpenAI(base_url=server.url, api_key=KEY) as sdk:
        ask: Any = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
        return list(sdk.chat.completions.create(**ask, stream=True))


@pytest.mark.case("sse-injection")
@pytest.mark.parametrize("sent", [STREAM, SPREAD], ids=["on one line", "over many lines, with other fields"])
def test_line_breaks_in_the_upstreams_values_make_no_events(simulator: Simulator, bucket: str, sent: bytes) -> None:
    with FaultServer(replies(sent)) as upstream:
        house = Attacked(simulator, bucket, upstream)
        reply = house.create("sora-2")
        again = house.create("sora-2", stream=False)
    chunks = events(reply.body)
    assert {chunk["id"] for chunk in chunks} == {f"chatcmpl-{core}" for core in [chunks[0]["id"].partition("-")[2]]}
    assert "forged" not in chunks[0]["id"]
    assert "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks) == EVIL
    assert [chunk.id for chunk in seen_by_the_sdk(reply)] == [chunk["id"] for chunk in chunks]
    assert chunks[0]["choices"][0]["delta"][EVIL] == EVIL
    for answer in (again, house.call("GET", f"/v1/chat/completions/{chunks[0]['id']}")):
        assert answer.json["choices"][0]["message"]["content"] == EVIL
        assert answer.body.count(b"\n") == 0


@pytest.mark.case("sse-injection")
def test_a_kept_answer_and_an_error_in_mid_stream_are_told_on_one_line_each(simulator: Simulator, bucket: str) -> None:
    failing = stream(hostile_chunk(), {"error": {"message": EVIL, "type": EVIL, "param": EVIL, "code": EVIL}})
    with FaultServer(replies(STREAM), replies(failing)) as upstream:
        house = Attacked(simulator, bucket, upstream)
        ask = {"model": "sora-2", "messages": [{"role": "user", "content": "x"}], "stream": True}
        first = house.post(ask, Idempotency_Key="k")
        replayed = house.post(ask, Idempotency_Key="k")
        failed = house.post(ask)
    assert replayed.headers["x-reelay-replayed"] == "true"
    assert [chunk["id"] for chunk in events(replayed.body)] == [events(first.body)[0]["id"]] * len(
        events(replayed.body)
    )
    *_, error = events(failed.body)
    assert not set(error["error"]["message"]) & set("\r\n\0\x0b\x0c\x1c\x1e\x85\u2028\u2029")
    with pytest.raises(openai.APIError):
        seen_by_the_sdk(failed)


@pytest.mark.case("sse-injection")
@pytest.mark.parametrize("end", ["\r\n ", "\r", "\x0b", "\x85"], ids=ascii)
def test_a_request_id_of_the_upstream_makes_no_header_of_ours(simulator: Simulator, bucket: str, end: str) -> None:
    fields = f"HTTP/1.1 200 OK\r\nX-Oneapi-Request-Id: a{end}X-Admin: 1\r\n\r\n".encode("latin-1")
    with FaultServer(replies(fields + STREAM.removeprefix(HEAD))) as upstream:
        reply = Attacked(simulator, bucket, upstream).create("sora-2")
    assert reply.status == 200
    # A lone CR ends a header line for some readers, and what stands before it is a name like any other.
    assert reply.headers.get("x-upstream-request-id") in ({"a"} if end == "\r" else {None})
    assert not any("admin" in f"{name}: {value}".lower() for name, value in reply.headers.items())


def page(status: str) -> bytes:
    return http(status, HTML.encode(), Content_Type="text/html; charset=utf-8")


def enveloped(status: str) -> bytes:
    error = {"message": HTML, "type": HTML, "param": HTML, "code": HTML}
    return http(status, json.dumps({"error": error}).encode(), Content_Type="text/html")


def is_data(reply: Reply) -> bool:
    """JSON, or events of JSON, and called so: nothing that a browser renders."""
    kind = reply.headers["Content-Type"]
    if kind == "text/event-stream; charset=utf-8":
        return bool(events(reply.body))
    return kind == "application/json" and json.loads(reply.body) is not None


@pytest.mark.case("html-served")
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("status", ["200 OK", "307 Temporary", "400 Bad", "502 Bad"])
def test_no_page_of_the_upstream_is_passed_on(simulator: Simulator, bucket: str, status: str, stream: bool) -> None:
    with FaultServer(replies(page(status))) as upstream:
        house = Attacked(simulator, bucket, upstream)
        reply = house.create("sora-2", stream=stream)
        assert is_data(reply)
        assert reply.status >= 400
        assert b"<" not in reply.body
        again = house.call("GET", f"/v1/chat/completions/chatcmpl-{house.only_record().id}")
    assert is_data(again)
    assert b"<" not in again.body


@pytest.mark.case("html-served")
@pytest.mark.parametrize("script", [enveloped("400 Bad"), enveloped("500 Broken"), enveloped("200 OK"), STREAM_OF_HTML])
def test_html_in_the_upstreams_words_stays_a_string_of_json(simulator: Simulator, bucket: str, script: bytes) -> None:
    with FaultServer(replies(script)) as upstream:
        house = Attacked(simulator, bucket, upstream)
        for stream in (True, False):
            assert is_data(house.create("sora-2", stream=stream))


@pytest.mark.case("html-served")
def test_html_of_the_caller_comes_back_as_a_string_of_json(house: LocalHouse) -> None:
    made = house.create("sora-2", messages=[{"role": "user", "content": HTML}], metadata={HTML[:64]: HTML}, user=HTML)
    one = made.frames[0]["id"]
    answers = [made, house.create(HTML), house.post(HTML), house.post({"model": [HTML]}), house.post({HTML: HTML})]
    paths = (
        "/v1/chat/completions",
        f"/v1/chat/completions/{one}",
        f"/v1/chat/completions/{one}/messages",
        "/v1/videos",
    )
    answers += [house.call("GET", path) for path in (*paths, f"/v1/videos/{one}", f"/v1/chat/completions/{HTML}")]
    answers += [house.call("GET", f"/{HTML}"), house.call("GET", "/v1/videos", query={"after": HTML, "limit": HTML})]
    answers += [house.call("GET", f"/v1/videos/{one}/content", query={"variant": HTML}), house.call(HTML, "/v1/videos")]
    assert all(map(is_data, answers))
    assert HTML in answers[6].json["metadata"].values()
