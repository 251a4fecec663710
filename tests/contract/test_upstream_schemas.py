"""upstream.yaml against all that plays or reads the upstream: the simulator, the captured samples, and the relay."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from openapi_spec_validator import validate

from dev.contract_files import SOURCE as CONTRACT
from dev.probe.__main__ import EVENT
from dev.probe.schemas import SOURCE, Broken, broken, broken_in
from dev.recording import Ending, Piece, Recording
from dev.simulator import CATALOGUE, jobs, scenes
from dev.simulator.ask import Ask
from dev.simulator.steps import Abort, Bytes, Frame, Head, Reached, Steps
from reelay.faults import Checker
from reelay.links import ProgressReader, media_links
from reelay.refusals import refusal
from reelay.reply import Chunk, Fault, Item, Reply, Whole
from reelay.shapes import Assembly, ChunkShaper, Identity, contents, whole
from reelay.sse import DONE, frame
from tests.contract.conforming import Maker
from tests.unit.captured import STREAMS, V5, as_stream

UPSTREAM: dict[str, Any] = yaml.safe_load(SOURCE.read_text(encoding="utf-8"))
OURS: dict[str, Any] = yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))
SCHEMAS = UPSTREAM["components"]["schemas"]
IDENTITY = Identity(id="chatcmpl-01k7e5w9z5f2d91pekrqy59rwc", model="sora-2", created=1_760_000_000)
NOW = 1_760_356_800.0
STEPS = 12_000
"""Played of a scene: more than the longest one that ends has (sim-many-chunks), and a part of those that do not end."""

NO_END = "it never ends, or is packed"
CUT = "it is cut"
NOT_WELL_FORMED = {
    "sim-307": "a redirect, which nothing documents and nobody follows",
    "sim-empty-200": "a 200 with nothing in it",
    "sim-html-200": "a page where an answer is due",
    "sim-closed-at-once": CUT,
    "sim-cut": CUT,
    "sim-cut-before-task": CUT,
    "sim-cut-chunked": CUT,
    "sim-cut-mid-frame": CUT,
    "sim-chunk-size-cut": CUT,
    "sim-content-length-lies": CUT,
    "sim-reset": CUT,
    "sim-endless-drip": NO_END,
    "sim-endless-flood": NO_END,
    "sim-gzip-bomb": NO_END,
    "sim-long-line": "an event larger than is read",
}
"""Scenes that break upstream.yaml on purpose, streamed or whole, and how."""

NOT_WELL_FORMED_STREAMED = {
    "sim-malformed-event": "one event is not JSON",
    "sim-two-done": "something follows [DONE]",
    "sim-data-after-done": "something follows [DONE]",
}
"""Those that do so in a stream alone."""


def asked(model: str, *, stream: bool = True) -> Ask:
    body = {"model": model, "stream": stream, "messages": [{"role": "user", "content": "a dog in orbit"}]}
    return Ask(body, "http://127.0.0.1:9", NOW)


def recorded(steps: Steps) -> Recording:
    """What a probe would have recorded of a scene."""
    head: Head | None = None
    pieces, ending, played = [], Ending.WHOLE, 0
    for played, step in enumerate(itertools.islice(steps, STEPS), 1):  # noqa: B007 - counted to see that it ended
        match step:
            case Head():
                head = step
            case Frame(data) | Bytes(data):
                pieces.append(Piece(0.0, data))
            case Abort():
                ending = Ending.CUT
    ending = Ending.LARGE if played == STEPS else ending
    status, headers = (head.status, head.headers) if head else (None, ())
    return Recording(status, headers, 0.0, tuple(pieces), ending, 0.0)


def scene(name: str, *, stream: bool) -> Recording:
    return recorded(scenes.play(name, asked(name, stream=stream)))


def answered(body: bytes) -> Recording:
    return Recording(200, (), 0.0, (Piece(0.0, body),), Ending.WHOLE, 0.0)


# ── The document itself ──


def test_it_is_valid_openapi() -> None:
    validate(UPSTREAM)


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_each_rule_says_where_it_comes_from(name: str) -> None:
    words = re.compile(r"documented|captured|V[24578]|errors|siblings|ours")
    own = [SCHEMAS[name], *SCHEMAS[name].get("properties", {}).values()] if name in ANSWERS else [SCHEMAS[name]]
    assert all("$ref" in rule or words.match(rule["x-source"]) for rule in own)


ANSWERS = {"Completion", "Chunk", "Said", "Error"}
"""Those whose fields each have a source of their own."""


def test_the_documented_request_and_reply_conform() -> None:
    request = json.loads(json.loads(EVENT.read_text(encoding="utf-8"))["body"])
    assert broken_in("Request", request) == []
    choice = {"index": 0, "message": {"role": "assistant", "content": "\n\nHello there"}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21}
    reply = {"id": "chatcmpl-123", "object": "chat.completion", "created": 1677652288, "choices": [choice]}
    assert broken_in("Completion", {**reply, "usage": usage}) == []


# ── The simulator and the captured samples ──


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("name", CATALOGUE)
def test_each_scene_conforms_but_for_those_that_are_broken_on_purpose(name: str, *, stream: bool) -> None:
    meant = NOT_WELL_FORMED | (NOT_WELL_FORMED_STREAMED if stream else {})
    found = list(broken(scene(name, stream=stream)))
    assert bool(found) == (name in meant), found[:5]


def test_no_scene_is_named_that_is_not_there() -> None:
    assert NOT_WELL_FORMED.keys() | NOT_WELL_FORMED_STREAMED.keys() <= CATALOGUE.keys()


@pytest.mark.parametrize("name", STREAMS)
def test_each_captured_sample_conforms(name: str) -> None:
    assert list(broken(answered(as_stream(STREAMS[name])))) == []


def test_the_captured_document_conforms() -> None:
    assert list(broken(answered(json.dumps(V5).encode()))) == []


@pytest.mark.parametrize("mark", [Reached("queued"), Reached("in_progress", 36), Reached("completed", 100)])
def test_what_the_simulator_says_of_a_job_conforms(mark: Reached) -> None:
    ask, played = asked("sora-2"), jobs.Jobs()
    played.reached(ask, mark)
    for schema, path, query in (
        ("Shared", jobs.SHARE + ask.task_id, ""),
        ("Queried", jobs.QUERY, f"id=sora-2:{ask.task_id}"),
    ):
        assert broken_in(schema, json.loads(recorded(played.answer(path, query, NOW)).body)) == []


@pytest.mark.parametrize(
    ("name", "marks"),
    [
        ("sora-2", {"TaskMark", "ProgressMark", "VideoMark"}),
        ("sim-v2", {"TaskMark", "ProgressMark", "VideoMark"}),
        ("sim-v4", {"ProgressMark", "VideoMark"}),
        ("sim-v7", {"ProgressMark", "VideoMark"}),
        ("sim-v8", {"TaskMark", "ProgressMark", "VideoMark"}),
        ("sim-refusal-text", {"FailureMark"}),
        ("sim-no-link", {"TaskMark"}),
        ("sim-text", set()),
    ],
)
def test_the_text_of_a_scene_holds_the_marks_of_its_kind(name: str, marks: set[str]) -> None:
    text = said(scene(name, stream=True).body)
    assert {each for each in SCHEMAS if each.endswith("Mark") and broken_in(each, text) == []} == marks


def said(stream: bytes) -> str:
    """All that a stream says, thinking aloud included."""
    deltas = [item.payload["choices"][0]["delta"] for item in read(stream) if isinstance(item, Chunk)]
    return "".join((delta.get("reasoning_content") or "") + (delta.get("content") or "") for delta in deltas)


@pytest.mark.parametrize(
    ("place", "payload"),
    [
        ("choices", {"id": "chatcmpl-1"}),
        ("choices", {"choices": {"delta": {"content": "x"}}}),
        ("choices[0].delta", {"choices": [{"finish_reason": None}]}),
        ("choices[0].delta", {"choices": [{"delta": "x"}]}),
        ("choices[0].delta", {"choices": [{"delta": {"content": "x"}, "message": {"content": "y"}}]}),
        ("choices[0].delta.content", {"choices": [{"delta": {"content": 7}}]}),
        ("choices[0].finish_reason", {"choices": [{"delta": {}, "finish_reason": 1}]}),
        ("usage.prompt_tokens", {"choices": [], "usage": {"prompt_tokens": "9", "completion_tokens": 1}}),
        ("error", {"error": "broken"}),
        ("error.message", {"error": {"code": "x"}}),
    ],
)
def test_a_payload_of_another_shape_is_told_by_its_place_and_never_by_its_value(place: str, payload: Any) -> None:
    found = list(broken(answered(frame({"choices": []}) + frame(payload) + DONE)))
    assert [(each.unit, each.place) for each in found if each.unit != "the body"] == [("event 1", place)]


@pytest.mark.parametrize("status", [200, 400, 503])
def test_nothing_of_a_value_is_repeated(status: int) -> None:
    payload = {"choices": [{"index": "sk-1", "delta": {"role": ["sk-1"]}}], "error": {"message": ["sk-1"]}}
    found = list(broken(Recording(status, (), 0.0, (Piece(0.0, json.dumps(payload).encode()),), Ending.WHOLE, 0.0)))
    assert found
    assert "sk-1" not in str(found)


# ── The relay ──


def others() -> list[str]:
    """Fields of OpenAI's answers that upstream.yaml leaves open."""
    ours = {name for schema in OURS["components"]["schemas"].values() for name in properties(schema)}
    return sorted(ours - {name for schema in SCHEMAS.values() for name in properties(schema)})


def properties(schema: Any) -> Iterator[str]:
    """The names of all fields in a schema, however deep."""
    if isinstance(schema, Mapping):
        yield from schema.get("properties", ())
        for child in schema.values():
            yield from properties(child)


MAKER = Maker(SCHEMAS, [name for name in others() if name not in ("type", "x-source")])
CHUNKS = st.lists(MAKER.named("Chunk"), min_size=1, max_size=4)


def ours(name: str) -> Checker:
    return Checker(OURS["components"]["schemas"][name], OURS["components"])


COMPLETION, CHUNK, ERROR = ours("ChatCompletion"), ours("ChatCompletionChunk"), ours("Error")


def read(body: bytes) -> list[Item]:
    """As the relay reads the body of a 200."""
    reply = Reply()
    items = [*reply.feed(body), *reply.finish()]
    assert reply.complete or any(isinstance(item, Fault) for item in items)
    return items


def text_of(choice: Mapping[str, Any]) -> str:
    """What a choice of the upstream's says, under either label."""
    spoken = choice.get("message") if "message" in choice else choice["delta"]
    return (spoken or {}).get("content") or ""


@given(CHUNKS)
@settings(max_examples=150, deadline=None)
def test_a_stream_that_conforms_becomes_a_completion_that_conforms(chunks: list[dict[str, Any]]) -> None:
    body = b"".join(map(frame, chunks)) + DONE
    assert list(broken(answered(body))) == []
    shaper, assembly = ChunkShaper(IDENTITY), Assembly()
    for item in read(body):
        assert isinstance(item, Chunk)
        chunk = shaper.shape(item.payload)
        assert chunk is not None
        assert CHUNK.faults(chunk) == []
        assembly.add(chunk)
    for chunk in shaper.closing():
        assembly.add(chunk)
    assert COMPLETION.faults(assembly.completion()) == []
    first = [c for each in chunks for at, c in enumerate(each["choices"]) if c.get("index", at) == 0]
    assert assembly.content == "".join(map(text_of, first))


@given(MAKER.named("Completion"))
@settings(max_examples=150, deadline=None)
def test_a_document_that_conforms_becomes_a_completion_that_conforms(document: dict[str, Any]) -> None:
    body = json.dumps(document).encode()
    assert list(broken(answered(body))) == []
    (item,) = read(body)
    assert isinstance(item, Whole)
    completion = whole(IDENTITY, item.payload)
    assert COMPLETION.faults(completion) == []
    assert list(contents(completion)) == [
        text for text in map(content_or_none, document["choices"]) if text is not None
    ]


def content_or_none(choice: Mapping[str, Any]) -> str | None:
    spoken = choice.get("message") if "message" in choice else choice["delta"]
    content: str | None = (spoken or {}).get("content")
    return content


@given(MAKER.named("Error"), st.sampled_from([400, 401, 403, 404, 408, 413, 429, 500, 502, 503, 524]))
@settings(max_examples=150, deadline=None)
def test_an_error_that_conforms_becomes_an_error_that_conforms(error: dict[str, Any], status: int) -> None:
    body = json.dumps(error).encode()
    assert list(broken(Recording(status, (), 0.0, (Piece(0.0, body),), Ending.WHOLE, 0.0))) == []
    refused = refusal(status, {}, body, NOW)
    assert ERROR.faults(refused.body()) == []
    for reply in (body, frame({"choices": []}) + frame(error)):
        assert list(broken(answered(reply))) == []
        fault = read(reply)[-1]
        assert isinstance(fault, Fault)
        assert not fault.in_doubt
        assert ERROR.faults(fault.error.body()) == []


@given(MAKER.named("VideoMark"))
@settings(max_examples=100, deadline=None)
def test_a_link_of_a_known_form_is_found(mark: str) -> None:
    (link,) = media_links(f"```json\n{{}}\n```\n> 生成完成 ✅\n{mark} 查看视频")
    assert link.kind == "video"
    assert link.url == mark.partition("](" if mark.startswith("[") else "='")[2].rstrip("')").partition("'")[0]


@given(task=MAKER.named("TaskMark"), mark=MAKER.named("ProgressMark"), aloud=st.booleans())
@settings(max_examples=100, deadline=None)
def test_a_task_and_its_progress_of_a_known_form_are_found(task: str, mark: str, *, aloud: bool) -> None:
    reader = ProgressReader()
    reader.feed(f"\n\n{task}\n> 排队中\n")
    progress = reader.feed("" if aloud else f"\n{mark}\n", f"\n{mark}\n" if aloud else "")
    assert progress is not None
    percent = re.search(r"\d+", mark)
    assert percent
    assert (progress.status, progress.percent) == ("in_progress", int(percent[0]))
    assert reader.task_id == task.partition("`")[2].removesuffix("`")


@given(MAKER.named("FailureMark"))
@settings(max_examples=5, deadline=None)
def test_the_words_of_a_failure_are_found(mark: str) -> None:
    progress = ProgressReader().feed(f"{mark}提示词可能违反内容政策\n")
    assert progress is not None
    assert progress.status == "failed"


def test_a_broken_rule_has_a_unit_a_place_and_a_rule() -> None:
    payload = {"choices": [{"delta": {"content": 7}}]}
    found = list(broken(answered(frame(payload) + DONE)))
    assert found == [Broken("event 0", "choices[0].delta.content", "expected a string or null")]
