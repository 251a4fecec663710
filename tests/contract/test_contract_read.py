"""An event becomes a call, or a caller's error that says what to mend."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reelay.contract import Contract
from reelay.errors import BadRequest, CallerError, MethodNotAllowed, Unauthorized
from tests.contract.bad_inputs import BAD_INPUTS, CHAT, MIB, PROMPT, BadInput, request
from tests.contract.proxy_events import AUTHORIZED, JSON, REQUEST_ID, TOKEN, http_api_event, rest_event

COMPLETION = "chatcmpl-01kmbq6b80g00000000000000a"

CREATE_VIDEO = {
    "model": "sora-2",
    "max_tokens": 1000,
    "messages": [{"role": "user", "content": "an astronaut golden retriever named Sora"}],
    "stream": True,
}

EVERY_FIELD: dict[str, Any] = {
    "model": "gpt-4o",
    "messages": [
        {"role": "developer", "content": "d", "name": "n"},
        {"role": "system", "content": [{"type": "text", "text": "s"}]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "t", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}},
                {"type": "input_audio", "input_audio": {"data": "进度", "format": "wav"}},
                {"type": "file", "file": {"file_id": "f"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "refusal": None,
            "audio": {"id": "a"},
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"id": "c2", "type": "custom", "custom": {"name": "f", "input": "x"}},
            ],
        },
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
        {"role": "assistant"},
        {"role": "tool", "content": "42", "tool_call_id": "c1"},
        {"role": "function", "name": "f", "content": None},
    ],
    "audio": {"format": "mp3", "voice": {"id": "v"}},
    "frequency_penalty": -2,
    "function_call": {"name": "f"},
    "functions": [{"name": "f", "description": "d", "parameters": {"type": "object"}}],
    "logit_bias": {"50256": -100},
    "logprobs": True,
    "max_completion_tokens": 1,
    "max_tokens": 1,
    "metadata": {"k": "v"},
    "modalities": ["text", "audio"],
    "moderation": {"model": "omni", "policy": {"input": {"mode": "block"}, "output": None}},
    "n": 128,
    "parallel_tool_calls": False,
    "prediction": {"type": "content", "content": [{"type": "text", "text": "p"}]},
    "presence_penalty": 2.0,
    "prompt_cache_key": "k",
    "prompt_cache_options": {"mode": "implicit", "ttl": "30m"},
    "prompt_cache_retention": "24h",
    "reasoning_effort": "xhigh",
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "strict": None}},
    "safety_identifier": "s",
    "seed": -1,
    "service_tier": "flex",
    "stop": ["a", "b", "c", "d"],
    "store": False,
    "stream": None,
    "stream_options": {"include_usage": True, "include_obfuscation": False},
    "temperature": 0,
    "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "function"}]}},
    "tools": [
        {"type": "function", "function": {"name": "f", "parameters": {}, "strict": True}},
        {
            "type": "custom",
            "custom": {
                "name": "c",
                "format": {"type": "grammar", "grammar": {"definition": "x", "syntax": "lark"}},
            },
        },
    ],
    "top_logprobs": 20,
    "top_p": 1,
    "user": "u",
    "verbosity": "high",
    "web_search_options": {
        "search_context_size": "low",
        "user_location": {"type": "approximate", "approximate": {"city": "Berlin"}},
    },
}


def refused(contract: Contract, event: Any) -> CallerError:
    with pytest.raises(CallerError) as caught:
        contract.read(event)
    return caught.value


def post(body: Any, **more: Any) -> dict[str, Any]:
    return rest_event("POST", CHAT, body=body, **more)


# ── What is taken ──


def test_the_documented_request_becomes_a_call_that_holds_the_callers_own_bytes(contract: Contract) -> None:
    raw = json.dumps(CREATE_VIDEO, indent=1)
    call = contract.read(
        post(raw, headers={**JSON, "Accept": "application/json", "X-Forwarded-Host": "localhost:5173"})
    )
    assert call.operation == "createChatCompletion"
    assert call.body == CREATE_VIDEO
    assert call.raw == raw.encode()
    assert call.token == TOKEN
    assert call.path == "/live/v1/chat/completions"
    assert call.request_id == REQUEST_ID
    assert call.parameters == {}
    assert call.headers == {
        "accept": "application/json",
        "x-forwarded-host": "localhost:5173",
        "content-type": "application/json",
    }


def test_headers_that_the_contract_does_not_name_are_left_behind(contract: Contract) -> None:
    call = contract.read(post(CREATE_VIDEO, headers={**JSON, "X-Evil": "1", "X-Stainless-Lang": "python"}))
    assert call.headers == {"content-type": "application/json"}


def test_a_header_named_in_the_contract_is_handed_on_without_a_change_of_code(document: dict[str, Any]) -> None:
    added = json.loads(json.dumps(document))
    language = {"name": "X-Stainless-Lang", "in": "header", "schema": {"type": "string"}}
    added["paths"][CHAT]["post"]["parameters"].append(language)
    call = Contract(added).read(post(CREATE_VIDEO, headers={**JSON, "x-stainless-lang": "python"}))
    assert call.headers["x-stainless-lang"] == "python"


def test_every_field_that_openai_documents_is_taken(contract: Contract) -> None:
    assert contract.read(post(EVERY_FIELD)).body == EVERY_FIELD


def test_unknown_fields_are_kept_at_every_level(contract: Contract) -> None:
    body = {
        "model": "m",
        "seen": 1,
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "t", "new": {"a": [1]}}], "sid": "s_1"},
            {"role": "assistant", "content": "x", "reasoning_content": "r"},
        ],
        "stream_options": {"new": None},
        "tools": [{"type": "function", "function": {"name": "f", "new": 1}, "new": 2}],
    }
    assert contract.read(post(body)).body == body


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=utf-8",
        "Application/JSON ;\tCharset=UTF-8",
        'application/json;charset="utf-8"',
        " application/json ",
    ],
)
def test_json_in_utf8_is_taken_however_it_is_written(contract: Contract, content_type: str) -> None:
    call = contract.read(post(CREATE_VIDEO, headers={**AUTHORIZED, "content-TYPE": content_type}))
    assert call.headers["content-type"] == content_type


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  "])
def test_the_scheme_of_the_token_is_read_in_any_case(contract: Contract, scheme: str) -> None:
    headers = {"authorization": f"{scheme} {TOKEN}", "Content-Type": "application/json"}
    assert contract.read(post(CREATE_VIDEO, headers=headers)).token == TOKEN


@pytest.mark.parametrize(
    "host", ["example.com", "localhost", "localhost:5173", "127.0.0.1:80", "a" * 63 + ".b-c.D", "xn--bcher-kva.example"]
)
def test_host_names_are_taken(contract: Contract, host: str) -> None:
    call = contract.read(post(CREATE_VIDEO, headers={**JSON, "X-Forwarded-Host": host}))
    assert call.headers["x-forwarded-host"] == host


def test_a_body_that_api_gateway_took_for_binary_is_the_same_body(contract: Contract) -> None:
    call = contract.read(post(json.dumps(CREATE_VIDEO, ensure_ascii=False), base64=True))
    assert call.body == CREATE_VIDEO
    assert json.loads(call.raw) == CREATE_VIDEO


def test_what_the_contract_does_not_know_may_nest_as_deep_as_json_may(contract: Contract) -> None:
    deep: Any = 1
    for _ in range(62):
        deep = [deep]
    assert contract.read(post(request(new=deep))).body["new"] == deep


def test_surrogate_pairs_and_escaped_backslashes_are_text(contract: Contract) -> None:
    body = json.dumps(request(user="🏃 36"))
    assert "\\ud83c" in body
    assert contract.read(post(body)).body["user"] == "🏃 36"
    assert contract.read(post(request(user="\\ud83c"))).body["user"] == "\\ud83c"


def test_a_list_call_has_its_values_cast_and_its_defaults_filled_in(contract: Contract) -> None:
    query = {"limit": "7", "after": COMPLETION, "model": "sora-2", "metadata[project]": "trailer", "unknown": "x"}
    call = contract.read(rest_event("GET", CHAT, query=query))
    assert call.operation == "listChatCompletions"
    assert call.parameters == {
        "limit": 7,
        "after": COMPLETION,
        "order": "asc",
        "model": "sora-2",
        "metadata": {"project": "trailer"},
    }
    assert contract.read(rest_event("GET", CHAT)).parameters == {"limit": 20, "order": "asc"}


@pytest.mark.parametrize("key", ["a", "user-id", "a.b c", "进度", "a[b]", "[", "metadata"])
def test_labels_are_asked_for_by_any_key(contract: Contract, key: str) -> None:
    call = contract.read(rest_event("GET", CHAT, query={f"metadata[{key}]": "v=1&x"}))
    assert call.parameters["metadata"] == {key: "v=1&x"}


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        ("GET", f"{CHAT}/{COMPLETION}", "getChatCompletion"),
        ("DELETE", f"{CHAT}/{COMPLETION}", "deleteChatCompletion"),
        ("GET", f"{CHAT}/{COMPLETION}/messages", "getChatCompletionMessages"),
    ],
)
def test_a_path_names_its_operation_and_the_id_in_it(
    contract: Contract, method: str, path: str, operation: str
) -> None:
    call = contract.read(rest_event(method, path))
    assert call.operation == operation
    assert call.parameters["completion_id"] == COMPLETION
    assert call.path == f"/live{path}"
    assert call.raw == b""
    assert call.body == {}


def test_the_variant_of_a_video_is_the_video_by_default(contract: Contract) -> None:
    path = "/v1/videos/video_01kmbq6b80g00000000000000a/content"
    assert contract.read(rest_event("GET", path)).parameters["variant"] == "video"
    assert contract.read(rest_event("GET", path, query={"variant": "thumbnail"})).parameters["variant"] == "thumbnail"


@pytest.mark.parametrize("metadata", [None, {}, {"k" * 64: "v" * 512}, {str(n): "" for n in range(16)}])
def test_labels_are_replaced_by_any_within_the_limits(contract: Contract, metadata: Any) -> None:
    call = contract.read(rest_event("POST", f"{CHAT}/{COMPLETION}", body={"metadata": metadata}))
    assert call.operation == "updateChatCompletion"
    assert call.body == {"metadata": metadata}


@pytest.mark.parametrize(
    ("segment", "id"),
    [
        ("%2e%2e", ".."),
        ("..%2Fx", "../x"),
        ("%252e", "%2e"),
        ("%00", "\0"),
        ("%zz", "%zz"),
        ("%ff", "\ufffd"),
        ("é", "é"),
        ("x" * 10_000, "x" * 10_000),
        ("..", ".."),
        ("{completion_id}", "{completion_id}"),
    ],
)
def test_an_id_of_any_shape_is_read_and_left_to_the_use_case(contract: Contract, segment: str, id: str) -> None:
    assert contract.read(rest_event("GET", f"{CHAT}/{segment}")).parameters["completion_id"] == id


@pytest.mark.parametrize("path", ["/openapi.yaml", "/openapi.json", "/docs", "/docs/1/a.js", "/", "/studio/1/app.js"])
def test_the_contract_itself_needs_no_token(contract: Contract, path: str) -> None:
    assert contract.read(rest_event("GET", path, headers={})).token is None
    assert contract.read(rest_event("GET", path, headers={"Authorization": "Basic x"})).token is None


@pytest.mark.parametrize("stage", ["live", "$default"])
def test_events_of_http_apis_and_function_urls_are_read_alike(contract: Contract, stage: str) -> None:
    event = http_api_event("POST", CHAT, headers=JSON, body=json.dumps(CREATE_VIDEO), stage=stage)
    call = contract.read(event)
    assert (call.operation, call.body, call.token) == ("createChatCompletion", CREATE_VIDEO, TOKEN)
    assert call.path == (CHAT if stage == "$default" else f"/live{CHAT}")
    assert call.request_id == REQUEST_ID
    listed = http_api_event("GET", CHAT, headers=AUTHORIZED, query="limit=3&metadata%5Bk%5D=a%20b&x", stage=stage)
    assert contract.read(listed).parameters == {"limit": 3, "order": "asc", "metadata": {"k": "a b"}}


def test_an_event_with_plain_mappings_alone_is_read(contract: Contract) -> None:
    event = rest_event("GET", CHAT, query={"limit": "3"}) | {
        "multiValueHeaders": None,
        "multiValueQueryStringParameters": None,
    }
    call = contract.read(event)
    assert (call.token, call.parameters["limit"]) == (TOKEN, 3)


def test_without_a_request_context_the_path_is_the_one_that_there_is(contract: Contract) -> None:
    call = contract.read(rest_event("GET", CHAT) | {"requestContext": None})
    assert (call.path, call.request_id) == (CHAT, "")


def test_what_cannot_be_encoded_does_not_get_in(contract: Contract) -> None:
    call = contract.read(rest_event("GET", CHAT, query={"model": "\ud83d"}))
    assert call.parameters["model"].encode()


@pytest.mark.parametrize("body", [{"not": "text"}, "{", "x" * 7 * MIB])
def test_a_body_where_none_is_expected_is_not_looked_at(contract: Contract, body: Any) -> None:
    call = contract.read(rest_event("GET", CHAT) | {"body": body})
    assert (call.body, call.raw) == ({}, b"")


# ── Who may call ──


def test_where_it_is_allowed_a_missing_token_is_let_in_and_a_malformed_one_is_not() -> None:
    lenient = Contract.load(allow_anonymous=True)
    assert lenient.read(post(CREATE_VIDEO, headers={"Content-Type": "application/json"})).token is None
    assert lenient.read(post(CREATE_VIDEO)).token == TOKEN
    for malformed in ("", "Bearer", "Basic x", f"Bearer {TOKEN},"):
        assert isinstance(refused(lenient, rest_event("GET", CHAT, headers={"Authorization": malformed})), Unauthorized)


def test_a_refused_token_is_told_how_to_come_back(contract: Contract) -> None:
    error = refused(contract, rest_event("GET", CHAT, headers={}))
    assert error.headers == {"WWW-Authenticate": "Bearer"}
    assert error.body()["error"]["type"] == "authentication_error"


def test_the_longest_token_is_taken(contract: Contract) -> None:
    assert contract.read(rest_event("GET", CHAT, headers={"Authorization": "Bearer " + "a" * 4096})).token


def test_the_token_is_asked_for_before_anything_is_said_about_an_id(contract: Contract) -> None:
    error = refused(contract, rest_event("GET", f"{CHAT}/nonsense", headers={}))
    assert error.status == 401


def test_the_methods_that_a_path_has_are_told(contract: Contract) -> None:
    error = refused(contract, rest_event("PATCH", f"{CHAT}/{COMPLETION}"))
    assert isinstance(error, MethodNotAllowed)
    assert error.headers == {"Allow": "DELETE, GET, POST"}


# ── What is refused ──


@pytest.mark.parametrize("bad", BAD_INPUTS, ids=lambda bad: bad.id)
def test_each_bad_input_is_refused_by_name_and_its_words_are_not_repeated(contract: Contract, bad: BadInput) -> None:
    error = refused(contract, bad.event())
    assert (error.status, error.code, error.param) == (bad.status, bad.code, bad.param), error.message
    assert error.message
    assert len(error.message) < 1500
    assert PROMPT not in error.message
    assert TOKEN not in error.message
    assert error.blame == "caller"


def test_bad_inputs_have_names_of_their_own() -> None:
    names = [bad.id for bad in BAD_INPUTS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            {"model": "m", "messages": [{"role": "robot", "content": PROMPT}]},
            (
                'messages[0].role: expected one of "developer", "system", "user", "assistant", "tool", "function", '
                'got "robot"'
            ),
        ),
        (request(stream="true"), 'stream: expected a boolean or null, got "true"'),
        (request(temperature=2.5), "temperature: expected at most 2, got 2.5"),
        (request(n=0), "n: expected at least 1, got 0"),
        (request(n=True), "n: expected an integer or null, got true"),
        (request(messages=PROMPT), f"messages: expected an array, got a string of {len(PROMPT)} characters"),
        (request(messages=[]), "messages: expected at least 1 item, got 0"),
        (request(messages=["x"]), "messages[0]: expected an object, got a string of 1 character"),
        (request(model={}), "model: expected a string, got an object"),
        (request(model=5), "model: expected a string, got a number"),
        (request(model=None), "model: expected a string, got null"),
        (request(stop=False), "stop: expected a string or an array or null, got a boolean"),
        (request(user=[1]), "user: expected a string, got an array"),
        (request(stop=["x"] * 5), "stop: expected at most 4 items, got 5"),
        (request(safety_identifier="x" * 129), "safety_identifier: expected at most 128 characters, got 129"),
        (request(metadata={"k" * 65: "v"}), "metadata: a key: expected at most 64 characters"),
        (request(metadata={"k": "v" * 513}), "metadata.k: expected at most 512 characters, got 513"),
        (request(logit_bias={"01": 999}), "logit_bias.1: expected at most 100, got 999"),
        (request(logit_bias={"": 999}), "logit_bias: expected at most 100, got 999"),
        (request(metadata={"": "v"}), "metadata: a key: expected at least 1 character"),
        (
            request(metadata={"a very\nodd key": 1}),
            "metadata[a key of 14 characters]: expected a string, got a number",
        ),
        (
            request(reasoning_effort="x" * 33),
            (
                'reasoning_effort: expected one of "none", "minimal", "low", "medium", "high", "xhigh", "max", null, '
                "got a string of 33 characters"
            ),
        ),
        (
            request(verbosity="\u202ehgih"),
            'verbosity: expected one of "low", "medium", "high", null, got a string of 5 characters',
        ),
        (
            request(prediction={"type": "content", "content": 1}),
            "prediction.content: expected a string or an array, got a number",
        ),
        ({}, "model: required, but missing; messages: required, but missing"),
        ([], "the body: expected an object, got an array"),
        ("", "the body: required, but empty"),
        ("{", "The body cannot be read as JSON: line 1, column 2 is not JSON."),
    ],
)
def test_messages_say_the_place_the_rule_and_what_came(contract: Contract, body: Any, message: str) -> None:
    assert refused(contract, post(body)).message == message


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"limit": "x"}, 'limit: expected an integer, got "x"'),
        ({"limit": "1" * 40}, "limit: expected an integer, got a string of 40 characters"),
        ({"limit": "0"}, "limit: expected at least 1, got 0"),
        ({"limit": ["1", "2"]}, "limit: expected one value, got 2"),
        ({"limit": ""}, "limit: expected a value, got none"),
        ({"order": "up"}, 'order: expected one of "asc", "desc", got "up"'),
        (
            {"limit": "0", "order": "up"},
            'limit: expected at least 1, got 0; order: expected one of "asc", "desc", got "up"',
        ),
    ],
)
def test_parameters_are_named_like_places_in_the_body(contract: Contract, query: Any, message: str) -> None:
    assert refused(contract, rest_event("GET", CHAT, query=query)).message == message


def test_a_host_is_asked_for_in_words_and_never_repeated(contract: Contract) -> None:
    error = refused(contract, post(CREATE_VIDEO, headers={**JSON, "X-Forwarded-Host": "http://evil"}))
    assert error.message == "X-Forwarded-Host: expected a host name, with a port if need be"


def test_several_faults_are_told_at_once_and_no_more_than_five(contract: Contract) -> None:
    body = request(messages=[{"role": "robot"}] * 20, stream=1, n=0)
    error = refused(contract, post(body, headers={**JSON, "X-Forwarded-Host": "/"}))
    assert isinstance(error, BadRequest)
    assert error.message.count("; ") == 4
    assert error.param == "X-Forwarded-Host"


def test_one_place_is_told_once(contract: Contract) -> None:
    error = refused(contract, post(request(messages=[{"role": [], "content": PROMPT}])))
    assert error.message == "messages[0].role: expected a string, got an array"


@pytest.mark.parametrize("text", ["short", "a" * 30, "https://example.com/?sig=1", PROMPT])
@pytest.mark.parametrize(
    "place",
    [
        lambda text: request(messages=[{"role": "user", "content": [text]}]),
        lambda text: request(messages=[text]),
        lambda text: request(messages=text),
        lambda text: request(metadata=text),
        lambda text: request(audio=text),
        lambda text: request(messages=[{"role": "user", "content": [{"type": "image_url", "image_url": text}]}]),
        lambda text: request(messages=[{"role": "user", "content": {"text": text}}]),
        lambda text: request(metadata={f"{text} ": 1}),
    ],
)
def test_text_that_may_be_content_is_never_repeated(contract: Contract, place: Any, text: str) -> None:
    assert text not in refused(contract, post(place(text))).message


# ── Whatever comes ──

_TEXT = st.text(st.characters(), max_size=8)
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | _TEXT
_KEYS = _TEXT | st.sampled_from(["", "0", "01", "+1", "-1", "type", "id", "error"])
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3), max_leaves=6
)
_GOOD = rest_event("POST", CHAT, body=CREATE_VIDEO, query={"limit": "1"})
_GOOD_V2 = http_api_event("POST", CHAT, headers=JSON, query="limit=1", body=json.dumps(CREATE_VIDEO))


def answered(contract: Contract, event: Any) -> None:
    """The call, or a caller's error that can be sent; anything else fails the test."""
    error = None
    try:
        contract.read(event)
    except CallerError as caught:
        error = caught
    if error is not None:
        assert 400 <= error.status < 500
        json.dumps(error.body(), ensure_ascii=False).encode()


@settings(max_examples=80, deadline=None)
@given(st.sampled_from([_GOOD, _GOOD_V2]), st.data())
def test_no_mangled_event_is_more_than_a_callers_error(contract: Contract, good: Any, data: st.DataObject) -> None:
    event = dict(good)
    for key in data.draw(st.lists(st.sampled_from(sorted(good)), min_size=1, max_size=3)):
        event[key] = data.draw(_VALUES)
    for key in data.draw(st.lists(st.sampled_from(sorted(good)), max_size=2)):
        event.pop(key, None)
    answered(contract, event)


@settings(max_examples=60, deadline=None)
@given(_VALUES)
def test_nothing_at_all_is_more_than_a_callers_error(contract: Contract, event: Any) -> None:
    answered(contract, event)


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(sorted(EVERY_FIELD)), _VALUES)
def test_no_value_of_any_field_is_more_than_a_callers_error(contract: Contract, field: str, value: Any) -> None:
    answered(contract, post(json.dumps({**EVERY_FIELD, field: value})))


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(st.sampled_from(["role", "content", "name", "tool_calls", "tool_call_id"]), _VALUES))
def test_no_message_is_more_than_a_callers_error(contract: Contract, message: Any) -> None:
    answered(contract, post(json.dumps(request(messages=[message]))))


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(_TEXT, st.lists(_TEXT, min_size=1, max_size=2), max_size=4))
def test_no_headers_and_no_query_are_more_than_a_callers_error(contract: Contract, values: Any) -> None:
    answered(contract, rest_event("GET", CHAT, query=values, headers={**AUTHORIZED, **values}))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param('{"model":"m","messages":[' + ",".join(["{}"] * 190_000) + "]}", id="190,000 empty messages"),
        pytest.param("[" * 1_000_000, id="a million brackets"),
        pytest.param('{"a":"' + '\\"' * 1_000_000, id="a string of quotes without an end"),
        pytest.param('{"metadata":{' + ",".join(f'"{n}":{n}' for n in range(150_000)) + "}}", id="150,000 labels"),
        pytest.param('{"x":' + '[{"a":' * 31 + "1" + "}]" * 31 + "}", id="62 levels"),
    ],
)
def test_bodies_made_to_hurt_are_refused_in_bounded_time(contract: Contract, body: str) -> None:
    started = time.process_time()
    refused(contract, post(body))
    assert time.process_time() - started < 2, "CPU seconds; 0.5 is usual on one slow core"
