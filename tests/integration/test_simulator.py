"""The upstream simulator over real HTTP: what it plays as an answer."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from dev.simulator import CATALOGUE, Simulator
from dev.simulator.scenes.errors import CDN_STATUSES, REFUSALS
from dev.simulator.scenes.spellings import SCENES as SPELLINGS
from tests.integration.simulator_client import (
    HEADERS,
    PROMPT,
    chat,
    chunks,
    connect,
    events,
    get,
    is_readable,
    post,
    request,
    text_of,
    video_of,
)

NOW = 1_760_356_800.0  # 2025-10-13T12:00:00Z


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(clock=lambda: NOW) as playing:
        yield playing
        assert playing.complaints == []


def contents(found: list[dict[str, object]]) -> list[object]:
    return [chunk["choices"][0]["delta"].get("content") for chunk in found]  # type: ignore[index]  # read by its shape


def test_the_captured_stream_comes_in_its_nine_steps(sim: Simulator) -> None:
    reply = chat(sim, "sora-2")
    assert (reply.status, reply.headers["content-type"], reply.cut) == (200, "text/event-stream", False)
    assert re.fullmatch(r"\d{23}[A-Za-z0-9]{8}", reply.headers["x-oneapi-request-id"])
    found = chunks(reply)
    assert {(each["id"], each["created"], each["model"], each["object"]) for each in found} == {
        (found[0]["id"], int(NOW), "sora-2", "chat.completion.chunk")
    }
    assert all("usage" not in each for each in found)
    deltas = [each["choices"][0]["delta"] for each in found]
    assert deltas[0] == {"role": "assistant", "content": ""}
    empty = deltas.index({})
    echo = [delta["content"] for delta in deltas[1:empty]]
    assert all(1 <= len(piece) <= 2 for piece in echo)
    parsed = re.fullmatch(r"```json\n(.*)\n```", "".join(echo), re.DOTALL)
    assert parsed
    assert json.loads(parsed[1]) == {"prompt": PROMPT, "orientation": "landscape"}
    said = [delta["content"] for delta in deltas[empty + 1 : -1]]
    assert re.fullmatch(
        r"\n\n> ID: `task_01[0-9a-z]{24}`\n>\[数据预览\]\(\S+\) \| \[原始数据\]\(\S+\)\n> 排队中", said[0]
    )
    assert said[1:4] == ["."] * 3
    assert said[4:9] == ["\n> 生成中", *["."] * 4]
    assert said[9:15] == ["\n\n>🏃 进度 36..", "44..", "6", "1..", "69..", "81.."]
    cdn = re.escape(sim.origin) + r"/cdn/20251013/[0-9a-f]{32}"
    assert re.fullmatch(
        rf"\n\n> 生成完成 ✅\n> sid: s_[0-9a-f]{{32}}\n\n!\[({cdn}\.webp)\]\(\1\)\n\[在线播放▶️\]\({cdn}\.mp4\)",
        said[15],
    )
    assert len(said) == 16
    assert [each["choices"][0]["finish_reason"] for each in found] == [*[None] * (len(found) - 1), "stop"]
    assert events(reply.body)[-1] == "[DONE]"


def test_a_whole_reply_has_the_documented_keys_and_the_text_of_the_stream() -> None:
    with Simulator(clock=lambda: NOW) as sim:
        streamed = text_of(chat(sim, "sora-2")).replace(sim.origin, "")
    with Simulator(clock=lambda: NOW) as sim:
        reply = chat(sim, "sora-2", stream=False)
        assert text_of(reply).replace(sim.origin, "") == streamed
    assert reply.headers["content-length"] == str(len(reply.body))
    assert set(reply.json) == {"id", "object", "created", "choices", "usage"}
    assert reply.json["object"] == "chat.completion"
    assert set(reply.json["choices"][0]) == {"index", "message", "finish_reason"}


def test_a_sid_in_the_history_makes_the_next_request_an_edit(sim: Simulator) -> None:
    first = text_of(chat(sim, "sora-2"))
    messages = [
        {"role": "user", "content": PROMPT},
        {"role": "assistant", "content": first},
        {"role": "user", "content": "now in portrait"},
    ]
    second = text_of(chat(sim, "sora-2", messages=messages))
    sids = re.findall(r"sid: (s_\w+)", first + second)
    assert f'"sid": "{sids[0]}"' in second
    assert '"prompt": "now in portrait",\n  "orientation": "portrait"' in second
    assert sids[0] != sids[1]


def test_a_prompt_with_an_image_is_read_from_its_parts(sim: Simulator) -> None:
    parts = [
        {"type": "text", "text": "make it move"},
        {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}},
    ]
    assert '"prompt": "make it move"' in text_of(
        chat(sim, "sora-2", messages=[{"role": "user", "content": parts}], stream=False)
    )


@pytest.mark.parametrize("model", ["veo3", "sora-2-pro"])
def test_a_model_that_is_not_in_the_catalogue_plays_the_captured_stream(sim: Simulator, model: str) -> None:
    reply = chat(sim, model)
    assert chunks(reply)[0]["model"] == model
    assert "生成完成" in text_of(reply)


def test_the_forwarded_host_can_name_the_scene(sim: Simulator) -> None:
    reply = post(sim, request("sora-2"), HEADERS | {"X-Forwarded-Host": "sim-503-model-not-found.example"})
    assert reply.json["error"]["code"] == "model_not_found"


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("model", ["sim-text", "gpt-4o-mini"])
def test_text_models_answer_in_plain_text(sim: Simulator, model: str, *, stream: bool) -> None:
    assert text_of(chat(sim, model, stream=stream)) == "\n\nHello there, how may I assist you today?"


def test_usage_comes_as_a_last_chunk_when_it_is_asked_for(sim: Simulator) -> None:
    assert all("usage" not in each for each in chunks(chat(sim, "sim-text")))
    last = chunks(chat(sim, "sim-text", stream_options={"include_usage": True}))[-1]
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == last["usage"]["prompt_tokens"] + last["usage"]["completion_tokens"]


def test_the_tools_model_calls_the_tool_and_then_answers(sim: Simulator) -> None:
    tools = [{"type": "function", "function": {"name": "look_up", "parameters": {}}}]
    whole = chat(sim, "sim-tools", stream=False, tools=tools).json["choices"][0]
    call = whole["message"]["tool_calls"][0]
    assert (whole["finish_reason"], call["function"]["name"]) == ("tool_calls", "look_up")
    assert json.loads(call["function"]["arguments"]) == {"location": "Shanghai"}
    found = [each["choices"][0] for each in chunks(chat(sim, "sim-tools", tools=tools))]
    pieces = [choice["delta"].get("tool_calls", [{"function": {"arguments": ""}}])[0] for choice in found]
    assert "".join(piece["function"]["arguments"] for piece in pieces) == call["function"]["arguments"]
    assert found[-1]["finish_reason"] == "tool_calls"
    history = [{"role": "user", "content": "weather?"}, {"role": "tool", "tool_call_id": call["id"], "content": "sun"}]
    assert "Hello there" in text_of(chat(sim, "sim-tools", messages=history))


def test_v2_has_a_duration_and_a_footer(sim: Simulator) -> None:
    text = text_of(chat(sim, "sim-v2"))
    assert '"duration": 15' in text
    assert re.search(r"\.mp4\)\n\n<p align=\"center\"><small>.*</small></p>$", text)


def test_v4_speaks_of_percents_and_says_click_here(sim: Simulator) -> None:
    text = text_of(chat(sim, "sim-v4"))
    assert text.startswith("⌛️ 任务正在队列中，请耐心等待...")
    assert "🏃 进度：36.0%" in text
    assert f"✅ 视频生成成功，[点击这里]({video_of(text)}) 查看视频~~~" in text


@pytest.mark.parametrize("stream", [True, False])
def test_v5_is_one_object_with_a_delta(sim: Simulator, *, stream: bool) -> None:
    reply = chat(sim, "sim-v5", stream=stream)
    choice = reply.json["choices"][0]
    assert (reply.json["object"], choice["finish_reason"]) == ("chat.completion", None)
    assert "message" not in choice
    assert "进度" in choice["delta"]["content"]


def test_v7_thinks_aloud_and_changes_its_id(sim: Simulator) -> None:
    found = chunks(chat(sim, "sim-v7"))
    assert len({each["id"] for each in found}) == len(found)
    assert all(each["usage"] for each in found)
    deltas = [each["choices"][0]["delta"] for each in found]
    assert any(
        delta.get("reasoning_content") == "**Video Generation Progress**: 40% (processing)\n" for delta in deltas
    )
    assert [delta["content"] is None for delta in deltas] == [*[True] * 4, False, True]
    assert re.fullmatch(r"```html\n<video src='http\S+\.mp4' controls></video>\n```", deltas[4]["content"])
    assert found[-1]["choices"][0]["finish_reason"] == "STOP"


def test_whole_and_streamed_are_exchanged_on_demand(sim: Simulator) -> None:
    assert "生成完成" in chat(sim, "sim-whole-for-stream", stream=True).json["choices"][0]["message"]["content"]
    assert "生成完成" in text_of(chat(sim, "sim-sse-for-whole", stream=False))
    mislabelled = chat(sim, "sim-sse-called-json")
    assert mislabelled.headers["content-type"] == "application/json"
    assert events(mislabelled.body)[-1] == "[DONE]"


def test_message_and_delta_are_exchanged_on_demand(sim: Simulator) -> None:
    streamed = chunks(chat(sim, "sim-message-for-delta"))
    assert all("delta" not in each["choices"][0] for each in streamed)
    assert "生成完成" in "".join(each["choices"][0]["message"].get("content", "") for each in streamed)
    whole = chat(sim, "sim-delta-for-message", stream=False).json["choices"][0]
    assert "message" not in whole
    assert (whole["finish_reason"], "生成完成" in whole["delta"]["content"]) == ("stop", True)


@pytest.mark.parametrize("name", sorted(REFUSALS))
def test_each_refusal_comes_in_the_envelope_with_its_request_id(sim: Simulator, name: str) -> None:
    row, reply = REFUSALS[name], chat(sim, name)
    assert reply.status == row.status
    error = reply.json["error"]
    assert error.get("code", "absent") == (row.code if isinstance(row.code, str | None) else "absent")
    suffix = f" (request id: {reply.headers['x-oneapi-request-id']})" * row.relays
    assert error["message"].endswith(suffix)
    assert error["message"] != suffix
    assert error["type"] in {
        "new_api_error", "one_api_error", "upstream_error", "invalid_request_error", "image_generation_user_error"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("sim-400-invalid-request", 400, "invalid_request"),
        ("sim-400-bad-request-body", 400, "bad_request_body"),
        ("sim-400-empty-code", 400, ""),
        ("sim-sentinel-block", 400, "sentinel_block"),
        ("sim-moderation-blocked", 400, "moderation_blocked"),
        ("sim-401", 401, ""),
        ("sim-403-quota", 403, "insufficient_user_quota"),
        ("sim-413", 413, None),
        ("sim-429", 429, ""),
        ("sim-500-do-request-failed", 500, "do_request_failed"),
        ("sim-500-bad-response", 500, "bad_response_status_code"),
        ("sim-503-model-not-found", 503, "model_not_found"),
        ("sim-200-error-json", 200, "bad_response"),
    ],
)
def test_the_documented_rows_of_the_errors_table(sim: Simulator, name: str, status: int, code: str | None) -> None:
    reply = chat(sim, name, stream=False)
    assert (reply.status, reply.json["error"].get("code")) == (status, code)
    assert "retry-after" not in reply.headers


@pytest.mark.parametrize("status", sorted(CDN_STATUSES))
def test_the_cdn_answers_in_html(sim: Simulator, status: int) -> None:
    reply = chat(sim, f"sim-{status}-html")
    assert (reply.status, reply.headers["content-type"]) == (status, "text/html; charset=UTF-8")
    assert reply.body.startswith(b"<!DOCTYPE html>")


def test_an_empty_429_an_empty_200_and_a_page_for_200(sim: Simulator) -> None:
    busy, empty, page = (chat(sim, name) for name in ("sim-429-empty", "sim-empty-200", "sim-html-200"))
    assert (busy.status, busy.body) == (429, b"")
    assert (empty.status, empty.body) == (200, b"")
    assert (page.status, page.body[:15]) == (200, b"<!DOCTYPE html>")


def test_429_with_a_wait_and_then_the_answer() -> None:
    with Simulator(retry_after=2) as sim:
        first, second = chat(sim, "sim-429-then-ok"), chat(sim, "sim-429-then-ok")
        other = chat(sim, "sim-429-then-ok", prompt="another")
        assert chat(sim, "sim-503-retry-after").headers["retry-after"] == "2"
    assert [first.status, second.status, other.status] == [429, 200, 429]
    assert first.headers["retry-after"] == "2"
    assert "生成完成" in text_of(second)


def test_a_redirect_points_back_and_pays_twice_when_followed(sim: Simulator) -> None:
    reply = chat(sim, "sim-307")
    assert (reply.status, reply.headers["location"]) == (307, f"{sim.url}/chat/completions")
    assert sim.posts == 1


def test_errors_inside_the_stream(sim: Simulator) -> None:
    early = events(chat(sim, "sim-stream-error").body)
    assert early[-1] == "[DONE]"
    assert "request id" in json.loads(early[-2])["error"]["message"]
    assert "生成中" in "".join(early)
    assert "进度" not in "".join(early)
    assert "error" in json.loads(events(chat(sim, "sim-stream-error-no-done").body)[-1])
    late = events(chat(sim, "sim-stream-error-late").body)
    assert json.loads(late[-3])["choices"][0]["delta"]["content"] == "90.."
    assert "error" in json.loads(late[-2])
    assert "error" in json.loads(events(chat(sim, "sim-stream-error-first").body)[0])
    assert chat(sim, "sim-stream-error", stream=False).status == 500


@pytest.mark.parametrize("stream", [True, False])
def test_a_refusal_as_text_and_an_end_without_a_link(sim: Simulator, *, stream: bool) -> None:
    refusal = chat(sim, "sim-refusal-text", stream=stream)
    assert text_of(refusal).startswith("❌ 生成失败: ")
    last = chunks(refusal)[-1] if stream else refusal.json
    assert last["choices"][0]["finish_reason"] == "STOP"
    text = text_of(chat(sim, "sim-no-link", stream=stream))
    assert "生成完成" in text
    assert ".mp4" not in text


@pytest.mark.parametrize("name", sorted(SPELLINGS))
def test_every_spelling_says_what_the_captured_stream_says(sim: Simulator, name: str) -> None:
    with Simulator(clock=lambda: NOW) as plain:
        expected = text_of(post(plain, request("sora-2")))
    reply = chat(sim, name)
    assert re.sub(r"[0-9a-z_]{24,}|:\d+/", "", text_of(reply)) == re.sub(r"[0-9a-z_]{24,}|:\d+/", "", expected)


@pytest.mark.parametrize(
    ("name", "sign"),
    [
        ("sim-crlf", b"\r\n\r\n"),
        ("sim-cr", b"}\r\r"),
        ("sim-bom", b"\xef\xbb\xbfdata"),
        ("sim-no-space", b"data:{"),
        ("sim-multiline-data", b"data: {\ndata:  "),
        ("sim-comments", b"\n\n: ping\n\n"),
        ("sim-malformed-event", b'\n\ndata: {"id":"chatcmpl-\n\n'),
        ("sim-two-done", b"data: [DONE]\n\ndata: [DONE]\n\n"),
        ("sim-data-after-done", b"[DONE]\n\ndata: {"),
        ("sim-choices-empty", b'"choices":[],"prompt_filter_results"'),
        ("sim-usage-only", b'"choices":[],"usage"'),
        ("sim-null-delta", b'"delta":null'),
        ("sim-unknown-fields", b'"vendor_trace"'),
    ],
)
def test_each_spelling_shows_its_sign(sim: Simulator, name: str, sign: bytes) -> None:
    assert sign in chat(sim, name).body
    assert sign not in chat(sim, "sora-2").body


def test_split_bytes_leave_one_to_a_chunk(sim: Simulator) -> None:
    connection = connect(sim.origin)
    connection.request("POST", "/v1/chat/completions", request("sim-split-bytes", prompt="🐕"), HEADERS)
    response = connection.getresponse()
    assert response.fp is not None
    lines = [response.fp.readline() for _ in range(20)]
    connection.close()
    assert lines[::2] == [b"1\r\n"] * 10
    assert lines[1::2] == [b"%c\r\n" % byte for byte in b'data: {"id']


@pytest.mark.parametrize(
    ("name", "ends_with", "is_cut"),
    [
        ("sim-cut", b"\n\n", False),
        ("sim-cut-chunked", b"\n\n", False),
        ("sim-cut-before-task", b'{},"finish_reason":null}]}\n\n', False),
        ("sim-cut-mid-frame", b'"content":"81', False),
        ("sim-content-length-lies", b"\n\n", True),
        ("sim-chunk-size-cut", b"\n\n", True),
    ],
)
def test_a_cut_stream_has_no_end(sim: Simulator, name: str, ends_with: bytes, *, is_cut: bool) -> None:
    reply = chat(sim, name)
    assert reply.body.endswith(ends_with)
    assert b"[DONE]" not in reply.body
    assert b'"stop"' not in reply.body
    assert (b"task_" in reply.body) == (name != "sim-cut-before-task")
    assert reply.cut is is_cut


@pytest.mark.parametrize("name", ["sim-cut", "sim-cut-chunked", "sim-cut-mid-frame", "sim-content-length-lies"])
def test_a_cut_whole_reply_is_not_json(sim: Simulator, name: str) -> None:
    reply = chat(sim, name, stream=False)
    assert reply.body.startswith(b'{"id"')
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|Invalid"):
        json.loads(reply.body)


def test_connections_are_closed_and_reset_as_the_scene_says(sim: Simulator) -> None:
    with pytest.raises(http.client.RemoteDisconnected):
        chat(sim, "sim-closed-at-once")
    with pytest.raises(ConnectionResetError):
        chat(sim, "sim-reset")
    assert sim.posts == 2


def test_finish_without_done_and_done_without_finish(sim: Simulator) -> None:
    no_done = chat(sim, "sim-finish-no-done")
    assert (b"[DONE]" in no_done.body, chunks(no_done)[-1]["choices"][0]["finish_reason"]) == (False, "stop")
    no_finish = chat(sim, "sim-done-no-finish")
    assert events(no_finish.body)[-1] == "[DONE]"
    assert {each["choices"][0]["finish_reason"] for each in chunks(no_finish)} == {None}


@pytest.mark.parametrize(
    ("name", "stream", "said"),
    [
        ("sim-silence", True, ""),
        ("sim-silence", False, ""),
        ("sim-silence-after-head", True, "\r\n\r\n"),
        ("sim-silence-after-head", False, "\r\n\r\n"),
        ("sim-silence-mid-stream", True, "44.."),
        ("sim-silence-mid-stream", False, '"content":"'),
    ],
)
def test_silence_lasts_until_it_is_released(name: str, said: str, *, stream: bool) -> None:
    with Simulator() as sim, closing(connect(sim.origin)) as connection:
        connection.request("POST", "/v1/chat/completions", request(name, stream=stream), HEADERS)
        seen, end = b"", "生成完成".encode()
        while said.encode() not in seen or is_readable(connection):
            seen += connection.sock.recv(65536)
        assert end not in seen
        sim.release()
        while end not in seen:
            piece = connection.sock.recv(65536)
            assert piece
            seen += piece


def test_silence_ends_by_itself_after_its_time() -> None:
    with Simulator(silence_seconds=0.01) as sim:
        assert "生成完成" in text_of(chat(sim, "sim-silence"))


def test_with_a_gate_each_frame_is_seen_before_the_next_is_sent() -> None:
    with Simulator(gate=threading.Semaphore(0)) as sim:
        connection = connect(sim.origin)
        connection.request("POST", "/v1/chat/completions", request("sora-2", prompt="dog"), HEADERS)
        seen = b""
        frames = 0
        sim.step()
        response = connection.getresponse()
        while not seen.endswith(b"[DONE]\n\n"):
            piece = response.read1()
            frames += 1
            seen += piece
            assert [sent.data for sent in sim.sent][frames - 1 :] == [piece]
            sim.step()
        connection.close()
    assert b"".join(sent.data for sent in sim.sent) == seen
    assert [sent.at for sent in sim.sent] == sorted(sent.at for sent in sim.sent)


def test_stepping_needs_a_gate(sim: Simulator) -> None:
    with pytest.raises(RuntimeError, match="gate"):
        sim.step()


def test_closing_frees_an_answer_that_waits_for_its_step() -> None:
    with Simulator(gate=threading.Semaphore(0)) as sim:
        connection = connect(sim.origin)
        connection.request("POST", "/v1/chat/completions", request("sora-2"), HEADERS)
        connection.sock.recv(1)
        before = threading.active_count()
    assert threading.active_count() <= before - 2  # the listener's and the connection's
    connection.close()


def test_the_delay_comes_before_each_frame_and_the_echo_may_be_faster() -> None:
    slept: list[float] = []
    with Simulator(delay=0.5, echo_delay=0.1, sleep=slept.append) as sim:
        found = chunks(chat(sim, "sora-2", prompt="dog"))
    echo = [piece is not None and len(str(piece)) <= 2 and piece not in ("", ".", "6") for piece in contents(found)]
    assert slept == [0.1 if is_echo else 0.5 for is_echo in echo] + [0.5]


@pytest.fixture(scope="module")
def impatient() -> Iterator[Simulator]:
    with Simulator(silence_seconds=0.01) as playing:
        yield playing
        assert playing.complaints == []


@pytest.mark.parametrize("name", sorted(set(CATALOGUE) - {"sim-reset", "sim-closed-at-once"}))
@pytest.mark.parametrize("stream", [True, False])
def test_every_scene_in_the_catalogue_answers(impatient: Simulator, name: str, *, stream: bool) -> None:
    with closing(connect(impatient.origin)) as connection:
        connection.request("POST", "/v1/chat/completions", request(name, stream=stream, prompt="dog"), HEADERS)
        response = connection.getresponse()
        assert response.status >= 200
        if name not in {"sim-429-empty", "sim-empty-200", "sim-307"}:
            assert response.read1(2048)


def test_the_floods_are_as_large_as_they_say(sim: Simulator) -> None:
    assert len(max(chat(sim, "sim-long-line").body.split(b"\n"), key=len)) > 8 * 2**20
    many = chat(sim, "sim-many-chunks")
    assert len(chunks(many)) > 10_000
    assert video_of(text_of(many)).startswith(sim.origin)
    bomb = chat(sim, "sim-gzip-bomb")
    assert bomb.headers["content-encoding"] == "gzip"
    assert len(bomb.body) < 2 * 2**20


def test_the_command_lists_every_scene() -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "dev.simulator", "--list"], capture_output=True, text=True, check=True, timeout=30
    )
    assert [line.split()[0] for line in listed.stdout.splitlines()] == list(CATALOGUE)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_the_command_plays_until_it_is_interrupted(ending: signal.Signals) -> None:
    command = [sys.executable, "-m", "dev.simulator", "--delay", "0", "--echo-delay", "0", "--link-seconds", "5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as playing:  # noqa: S603 - our own module
        assert playing.stdout
        url = playing.stdout.readline().strip()
        assert get(url.removesuffix("/v1") + "/faults/none/a.mp4").status == 200
        playing.send_signal(ending)
        assert playing.wait(timeout=20) == 0
