"""Requests that must each end as a clear 4xx, whatever reads them: what stock openapi-core crashes on or lets through,
and the hostile inputs that anybody can think of. Each is a whole event, so that doors can be given them too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.contract.proxy_events import (
    AUTHORIZED,
    BOUNDARY,
    FORM,
    JSON,
    TOKEN,
    form_body,
    form_event,
    form_part,
    rest_event,
)

CHAT = "/v1/chat/completions"
VIDEOS = "/v1/videos"
PROMPT = "the-caller's-own-words"
"""Stands in each body that has content; no error may repeat it."""

MIB = 1024 * 1024


@dataclass(frozen=True)
class BadInput:
    """`event()` must be refused with this status, code and param."""

    id: str
    event: Callable[[], dict[str, Any]]
    status: int
    code: str
    param: str | None = None


def request(**more: Any) -> dict[str, Any]:
    """A good request, with `more` in it."""
    return {"model": "sora-2", "messages": [{"role": "user", "content": PROMPT}], **more}


def _json(id: str, body: Any, param: str | None) -> BadInput:
    """JSON that breaks a rule."""
    return BadInput(id, lambda: rest_event("POST", CHAT, body=body), 400, "invalid_request", param)


def _message(id: str, message: Any, place: str) -> BadInput:
    return _json(id, {"model": "sora-2", "messages": [message]}, f"messages[0]{place}")


def _not_json(id: str, body: Callable[[], str | bytes]) -> BadInput:
    return BadInput(id, lambda: rest_event("POST", CHAT, body=body()), 400, "invalid_json")


def _typed(id: str, content_type: str | list[str] | None) -> BadInput:
    headers: dict[str, str | list[str]] = {**AUTHORIZED}
    if content_type is not None:
        headers["Content-Type"] = content_type
    return BadInput(
        f"content type: {id}",
        lambda: rest_event("POST", CHAT, headers=headers, body=request()),
        415,
        "unsupported_media_type",
    )


def _stranger(id: str, authorization: str | list[str] | None, **more: Any) -> BadInput:
    headers = {} if authorization is None else {"Authorization": authorization}
    headers = {"Content-Type": "application/json", **headers}
    return BadInput(
        f"token: {id}",
        lambda: rest_event("POST", CHAT, **{"headers": headers, "body": request(), **more}),
        401,
        "invalid_api_key",
    )


def _path(path: str) -> BadInput:
    return BadInput(f"path: {path}", lambda: rest_event("POST", path, body=request()), 404, "not_found")


def _method(method: str, path: str = CHAT) -> BadInput:
    return BadInput(f"method: {method} {path}", lambda: rest_event(method, path), 405, "method_not_allowed")


def _query(id: str, param: str, query: Mapping[str, Any], path: str = CHAT) -> BadInput:
    return BadInput(f"query: {id}", lambda: rest_event("GET", path, query=query), 400, "invalid_request", param)


def _labels(id: str, body: Any, param: str | None) -> BadInput:
    path = f"{CHAT}/chatcmpl-01kmbq6b80g00000000000000a"
    return BadInput(f"labels: {id}", lambda: rest_event("POST", path, body=body), 400, "invalid_request", param)


def _forwarded(id: str, host: str | list[str]) -> BadInput:
    headers = {**JSON, "X-Forwarded-Host": host}
    return BadInput(
        f"X-Forwarded-Host: {id}",
        lambda: rest_event("POST", CHAT, headers=headers, body=request()),
        400,
        "invalid_request",
        "X-Forwarded-Host",
    )


def _accept(id: str, accept: str) -> BadInput:
    headers = {**JSON, "Accept": accept}
    return BadInput(
        f"Accept: {id}",
        lambda: rest_event("POST", CHAT, headers=headers, body=request()),
        400,
        "invalid_request",
        "Accept",
    )


def _mangled(id: str, status: int, code: str, **fields: Any) -> BadInput:
    return BadInput(f"event: {id}", lambda: rest_event("POST", CHAT, body=request()) | fields, status, code)


def _video(id: str, body: Any, param: str | None, path: str = VIDEOS) -> BadInput:
    return BadInput(f"video: {id}", lambda: rest_event("POST", path, body=body), 400, "invalid_request", param)


def _form(id: str, parts: Callable[[], list[bytes]], code: str = "invalid_form", param: str | None = None) -> BadInput:
    """A form that is written well and holds what it must not."""
    return BadInput(f"form: {id}", lambda: form_event(*parts()), 400, code, param)


def _not_a_form(id: str, body: Callable[[], bytes]) -> BadInput:
    return BadInput(
        f"form: {id}", lambda: rest_event("POST", VIDEOS, headers=FORM, body=body()), 400, "invalid_form", None
    )


def _form_typed(id: str, content_type: str | list[str]) -> BadInput:
    headers: dict[str, str | list[str]] = {**AUTHORIZED, "Content-Type": content_type}
    return BadInput(
        f"content type of a form: {id}",
        lambda: rest_event("POST", VIDEOS, headers=headers, body=form_body(_PROMPTED)),
        415,
        "unsupported_media_type",
    )


_PROMPTED = form_part("prompt", PROMPT)
_LINE = f"--{BOUNDARY}\r\n".encode()
_END = f"\r\n--{BOUNDARY}--\r\n".encode()


def _nested(levels: int) -> str:
    return json.dumps(request())[:-1] + ', "deep": ' + "[" * levels + "]" * levels + "}"


_STOCK_OPENAPI_CORE = [
    _message("role is a list", {"role": [], "content": PROMPT}, ".role"),
    _message("role is an object", {"role": {}, "content": PROMPT}, ".role"),
    _message("role is the name of a schema", {"role": "Metadata", "content": PROMPT}, ".role"),
    _typed("empty parameter", "application/json;"),
    _typed("parameter without a value", "application/json; charset"),
    _typed("parameter that is a keyword of Python code", "application/json; schema=x"),
    _typed("parameter with two values", "application/json; charset=utf-8=x"),
    _typed("another charset", "application/json; charset=utf-16"),
    _typed("the charset twice", "application/json; charset=utf-8; charset=utf-8"),
    _typed("none", None),
    _typed("empty", ""),
    _typed("two", ["application/json", "application/json"]),
    _typed("another", "text/plain"),
    _typed("a range", "*/*"),
    _typed("a pattern", "application/[j]son"),
    _typed("a form", "application/x-www-form-urlencoded"),
    _typed("a form with files", "multipart/form-data; boundary=x"),
    _not_json("100,000 nested arrays", lambda: "[" * 100_000),
    _not_json("100,000 nested objects", lambda: '{"a":' * 100_000),
    _not_json("nested one too deep", lambda: _nested(64)),
    _not_json("bytes that are not UTF-8", lambda: b'{"model":"\xff\xfe"}'),
    _not_json("NaN", lambda: json.dumps(request(temperature=float("nan")))),
    _not_json("Infinity", lambda: json.dumps(request(temperature=float("-inf")))),
    _not_json("a number that overflows", lambda: json.dumps(request())[:-1] + ', "temperature": 1e999}'),
    _not_json("an integer of 5,000 digits", lambda: json.dumps(request())[:-1] + f', "seed": {"9" * 5000}}}'),
    _not_json("the model twice", lambda: '{"model":"a",' + json.dumps(request())[1:]),
    _not_json("a key twice deep inside", lambda: json.dumps(request())[:-1] + ', "x": [{"k": {"a": 1, "a": 1}}]}'),
    _not_json("UTF-16", lambda: json.dumps(request()).encode("utf-16")),
    _not_json("UTF-16 without a mark", lambda: json.dumps(request()).encode("utf-16-le")),
    _not_json("a byte order mark", lambda: b"\xef\xbb\xbf" + json.dumps(request()).encode()),
    _not_json("half a surrogate pair", lambda: json.dumps(request(user="\ud83d"))),
    _not_json("half a surrogate pair in a key", lambda: json.dumps(request(**{"\udc00": 1}))),
    _path("//v1/chat/completions"),
    _path("/v1/chat/completions/"),
    _path("/v1/chat/completions/x/../../completions"),
    _path("/v1//chat/completions"),
    _path("/V1/chat/completions"),
    _path("/v1/chat/completions\n"),
    _path("/live/v1/chat/completions"),
    _path("/evil/openapi.yaml"),
    _path("/studio"),
    _path("/studio/1/a/app.js"),
    _path(""),
    _method("PUT"),
    _method("HEAD"),
    _method("post"),
    _method("DELETE"),
    _method("POST", "/openapi.yaml"),
    _stranger("none", None),
    _stranger("empty header", ""),
    _stranger("only the scheme", "Bearer"),
    _stranger("only the scheme and a space", "Bearer "),
    _stranger("without a scheme", TOKEN),
    _stranger("Basic", "Basic dXNlcjpwYXNz"),
    _stranger("two headers", [f"Bearer {TOKEN}", f"Bearer {TOKEN}"]),
    _stranger("two tokens", f"Bearer {TOKEN} {TOKEN}"),
    _stranger("a comma", f"Bearer {TOKEN}, Bearer {TOKEN}"),
    _stranger("a line break", f"Bearer {TOKEN}\r\nX-Evil: 1"),
    _stranger("a line break at its end", f"Bearer {TOKEN}\n"),
    _stranger("a tab", f"Bearer\t{TOKEN}"),
    _stranger("characters that no token has", "Bearer schlüssel"),
    _stranger("4,097 characters", "Bearer " + "a" * 4097),
    _stranger("in the query", None, query={"key": TOKEN, "api_key": TOKEN, "access_token": TOKEN}),
    _stranger("none, and a body that is wrong too", None, body="{"),
    _stranger("none, and a body that is too large", None, body="x" * 7 * MIB),
]

_HOSTILE = [
    BadInput("body: none", lambda: rest_event("POST", CHAT, headers=JSON), 400, "invalid_request"),
    BadInput("body: empty", lambda: rest_event("POST", CHAT, headers=JSON, body=""), 400, "invalid_request"),
    BadInput("body: empty, as base64", lambda: rest_event("POST", CHAT, body=b""), 400, "invalid_request"),
    _not_json("body: spaces", lambda: "   "),
    _not_json("body: cut", lambda: json.dumps(request())[:-1]),
    _not_json("body: two documents", lambda: json.dumps(request()) * 2),
    _not_json("body: a form", lambda: "model=sora-2&messages=x"),
    _not_json("body: HTML", lambda: "<html>"),
    BadInput("body: 7 MiB", lambda: rest_event("POST", CHAT, body="x" * 7 * MIB), 413, "request_too_large"),
    BadInput(
        "body: 7 MiB, as base64",
        lambda: rest_event("POST", CHAT, body=b"x" * 7 * MIB),
        413,
        "request_too_large",
    ),
    BadInput(
        "body: 3 Mi characters of 3 bytes",
        lambda: rest_event("POST", CHAT, body="进" * 3 * MIB),
        413,
        "request_too_large",
    ),
    _mangled("not the base64 it says", 400, "invalid_body", isBase64Encoded=True),
    _mangled("base64 cut short", 400, "invalid_body", isBase64Encoded=True, body="eyJ"),
    _mangled("base64 with line breaks", 400, "invalid_body", isBase64Encoded=True, body="e30=\n"),
    _mangled("base64 that is not ASCII", 400, "invalid_body", isBase64Encoded=True, body="é30="),
    _mangled("half a surrogate pair in the body", 400, "invalid_body", body='{"model":"\ud83d"}'),
    _mangled("a body that is an object", 400, "invalid_body", body={"model": "x"}),
    _mangled("a body that is a number", 400, "invalid_body", body=5),
    _mangled("no method", 404, "not_found", httpMethod=None, path=None),
    _mangled("method of a wrong type", 405, "method_not_allowed", httpMethod=["POST"]),
    _mangled("path of a wrong type", 404, "not_found", path=["/v1"]),
    _mangled("no headers", 401, "invalid_api_key", headers=None, multiValueHeaders=None),
    _mangled("headers of a wrong type", 401, "invalid_api_key", headers=["x"], multiValueHeaders="x"),
    _mangled(
        "header values of a wrong type", 401, "invalid_api_key", headers=None, multiValueHeaders={"Authorization": [1]}
    ),
    _mangled(
        "the token under two spellings",
        401,
        "invalid_api_key",
        multiValueHeaders={"Authorization": [f"Bearer {TOKEN}"], "authorization": [f"Bearer {TOKEN}"]},
    ),
    _json("null", "null", None),
    _json("a list", [request()], None),
    _json("a text", '"x"', None),
    _json("a number", "1", None),
    _json("nothing in it", {}, "model"),
    _json("no model", {"messages": request()["messages"]}, "model"),
    _json("model null", request(model=None), "model"),
    _json("model empty", request(model=""), "model"),
    _json("model a number", request(model=5), "model"),
    _json("no messages", {"model": "sora-2"}, "messages"),
    _json("messages null", request(messages=None), "messages"),
    _json("messages a text", request(messages=PROMPT), "messages"),
    _json("messages empty", request(messages=[]), "messages"),
    _json("10,000 messages", request(messages=request()["messages"] * 10_000), "messages"),
    _json("190,000 empty messages", request(messages=[{}] * 190_000), "messages"),
    _json("20,000 unknown fields and no model", {f"x{n}": [] for n in range(20_000)}, "model"),
    _json("stream a text", request(stream="true"), "stream"),
    _json("stream a number", request(stream=1), "stream"),
    _json("store a text", request(store="false"), "store"),
    _json("temperature too high", request(temperature=2.1), "temperature"),
    _json("temperature a text", request(temperature="1"), "temperature"),
    _json("top_p negative", request(top_p=-0.1), "top_p"),
    _json("n zero", request(n=0), "n"),
    _json("n 129", request(n=129), "n"),
    _json("n a fraction", request(n=1.5), "n"),
    _json("max_tokens negative", request(max_tokens=-1), "max_tokens"),
    _json("stop of five", request(stop=["a"] * 5), "stop"),
    _json("stop of none", request(stop=[]), "stop"),
    _json("stop of a number", request(stop=["a", 1]), "stop[1]"),
    _json("tool_choice unknown", request(tool_choice="maybe"), "tool_choice"),
    _json("tool_choice of no tool", request(tool_choice={"type": "function"}), "tool_choice.function"),
    _json("a tool of no kind", request(tools=[{}]), "tools[0].type"),
    _json("a function without a name", request(tools=[{"type": "function", "function": {}}]), "tools[0].function.name"),
    _json(
        "response_format without its schema",
        request(response_format={"type": "json_schema"}),
        "response_format.json_schema",
    ),
    _json("17 labels", request(metadata={str(n): "x" for n in range(17)}), "metadata"),
    _json("a label of 65 characters", request(metadata={"k" * 65: PROMPT}), "metadata"),
    _json("a label's value of 513 characters", request(metadata={"k": "v" * 513}), "metadata.k"),
    _json("a label's value a number", request(metadata={"k": 1}), "metadata.k"),
    _json("a label whose key is a number", request(metadata={"0": 1}), "metadata.0"),
    _json("a label whose key is nearly a number", request(metadata={"a": "x", "-0": 1}), "metadata.-0"),
    _json("a label whose key is empty", request(metadata={"": PROMPT}), "metadata"),
    _json("45,000 biases", request(logit_bias={str(n): 999 for n in range(45_000)}), "logit_bias.0"),
    _json("50,000 labels", request(metadata={str(n): n for n in range(50_000)}), "metadata"),
    _message("a message of text", PROMPT, ""),
    _message("a message of nothing", {}, ".role"),
    _message("role unknown", {"role": "robot", "content": PROMPT}, ".role"),
    _message("role null", {"role": None, "content": PROMPT}, ".role"),
    _message("a user's content missing", {"role": "user"}, ".content"),
    _message("a user's content null", {"role": "user", "content": None}, ".content"),
    _message("a user's content a number", {"role": "user", "content": 5}, ".content"),
    _message("a user's content of no parts", {"role": "user", "content": []}, ".content"),
    _message("513 parts", {"role": "user", "content": [{"type": "text", "text": PROMPT}] * 513}, ".content"),
    _message("a system's content null", {"role": "system", "content": None}, ".content"),
    _message("a function's content a list", {"role": "function", "name": "f", "content": []}, ".content"),
    _message("a tool's answer to nothing", {"role": "tool", "content": PROMPT}, ".tool_call_id"),
    _message("a part of text", {"role": "user", "content": [PROMPT]}, ".content[0]"),
    _message("a part of no kind", {"role": "user", "content": [{"text": PROMPT}]}, ".content[0].type"),
    _message("a part of unknown kind", {"role": "user", "content": [{"type": "video_url"}]}, ".content[0].type"),
    _message("a text part without text", {"role": "user", "content": [{"type": "text"}]}, ".content[0].text"),
    _message(
        "a picture without a link",
        {"role": "user", "content": [{"type": "image_url", "image_url": {}}]},
        ".content[0].image_url.url",
    ),
    _message(
        "a picture as text",
        {"role": "user", "content": [{"type": "image_url", "image_url": PROMPT}]},
        ".content[0].image_url",
    ),
    _message(
        "a system's picture",
        {"role": "system", "content": [{"type": "image_url", "image_url": {"url": PROMPT}, "text": PROMPT}]},
        ".content[0].type",
    ),
    _query("limit 0", "limit", {"limit": "0"}),
    _query("limit -1", "limit", {"limit": "-1"}),
    _query("limit 101", "limit", {"limit": "101"}),
    _query("limit 1e9", "limit", {"limit": "1e9"}),
    _query("limit 1000000000", "limit", {"limit": "1000000000"}),
    _query("limit of 5,000 digits", "limit", {"limit": "9" * 5000}),
    _query("limit x", "limit", {"limit": "x"}),
    _query("limit empty", "limit", {"limit": ""}),
    _query("limit with a separator", "limit", {"limit": "1_0"}),
    _query("limit with a space", "limit", {"limit": " 5"}),
    _query("limit in other digits", "limit", {"limit": "\N{ARABIC-INDIC DIGIT FIVE}"}),
    _query("limit a fraction", "limit", {"limit": "2.0"}),
    _query("limit twice", "limit", {"limit": ["1", "2"]}),
    _query("order up", "order", {"order": "up"}),
    _query("after empty", "after", {"after": ""}),
    _query("metadata as text", "metadata", {"metadata": "x"}),
    _query("metadata as text beside a label", "metadata", {"metadata": "x", "metadata[a]": "b"}),
    _query("metadata without a key", "metadata", {"metadata[]": "x"}),
    _query("metadata not closed", "metadata", {"metadata[a": "x"}),
    _query("metadata closed early", "metadata", {"metadata[a]b": "x"}),
    _query("metadata twice", "metadata", {"metadata[a]": ["x", "y"]}),
    _query("metadata with a key of 65 characters", "metadata", {f"metadata[{'k' * 65}]": "x"}),
    _query("metadata with 17 keys", "metadata", {f"metadata[{n}]": "x" for n in range(17)}),
    _query("metadata with 513 characters", "metadata.a", {"metadata[a]": "x" * 513}),
    _query("limit of messages 0", "limit", {"limit": "0"}, f"{CHAT}/chatcmpl-x/messages"),
    _query("variant spritesheet", "variant", {"variant": "spritesheet"}, "/v1/videos/video_x/content"),
    _query("variant empty", "variant", {"variant": ""}, "/v1/videos/video_x/content"),
    _labels("nothing", {}, "metadata"),
    _labels("a list", {"metadata": []}, "metadata"),
    _labels("a number", {"metadata": {"take": 3}}, "metadata.take"),
    _labels("null as a value", {"metadata": {"take": None}}, "metadata.take"),
    _labels("another field too", {"metadata": {}, "model": "x"}, "model"),
    _labels("17", {"metadata": {str(n): "x" for n in range(17)}}, "metadata"),
    _labels("a key of 65 characters", {"metadata": {"k" * 65: "x"}}, "metadata"),
    _accept("a line break", "text/event-stream\r\nX-Evil: 1"),
    _accept("letters beyond ASCII", "进度/*"),
    _forwarded("a path", "example.com/x"),
    _forwarded("a scheme", "https://example.com"),
    _forwarded("a line break", "example.com\r\nX-Evil: 1"),
    _forwarded("a line break at its end", "example.com\n"),
    _forwarded("credentials", "user:pass@example.com"),
    _forwarded("an empty label", "a..b"),
    _forwarded("a label of 64 characters", "a" * 64),
    _forwarded("a label that begins with a hyphen", "-a.b"),
    _forwarded("a port of text", "example.com:http"),
    _forwarded("a port of 6 digits", "example.com:123456"),
    _forwarded("empty", ""),
    _forwarded("260 characters", "a." * 129 + "aa"),
    _forwarded("letters beyond ASCII", "bücher.example"),
    _forwarded("two", ["a.example", "b.example"]),
]

_VIDEOS = [
    _video("nothing in it", {}, "prompt"),
    _video("a list", [{"prompt": PROMPT}], None),
    _video("no prompt", {"model": "sora-2"}, "prompt"),
    _video("prompt null", {"prompt": None}, "prompt"),
    _video("prompt empty", {"prompt": ""}, "prompt"),
    _video("prompt of 32,001 characters", {"prompt": PROMPT[0] * 32_001}, "prompt"),
    _video("prompt a list", {"prompt": [PROMPT]}, "prompt"),
    _video("model empty", {"prompt": PROMPT, "model": ""}, "model"),
    _video("model null", {"prompt": PROMPT, "model": None}, "model"),
    _video("seconds with a unit", {"prompt": PROMPT, "seconds": "4s"}, "seconds"),
    _video("seconds 0", {"prompt": PROMPT, "seconds": "0"}, "seconds"),
    _video("seconds 04", {"prompt": PROMPT, "seconds": "04"}, "seconds"),
    _video("seconds of three digits", {"prompt": PROMPT, "seconds": "100"}, "seconds"),
    _video("seconds with a line break", {"prompt": PROMPT, "seconds": "4\n"}, "seconds"),
    _video("seconds in other digits", {"prompt": PROMPT, "seconds": "\N{ARABIC-INDIC DIGIT FIVE}"}, "seconds"),
    _video("seconds the number 0", {"prompt": PROMPT, "seconds": 0}, "seconds"),
    _video("seconds the number 100", {"prompt": PROMPT, "seconds": 100}, "seconds"),
    _video("seconds a fraction", {"prompt": PROMPT, "seconds": 4.5}, "seconds"),
    _video("seconds true", {"prompt": PROMPT, "seconds": True}, "seconds"),
    _video("seconds null", {"prompt": PROMPT, "seconds": None}, "seconds"),
    _video("size a word", {"prompt": PROMPT, "size": "large"}, "size"),
    _video("size with capitals", {"prompt": PROMPT, "size": "1280X720"}, "size"),
    _video("size of one digit", {"prompt": PROMPT, "size": "1280x7"}, "size"),
    _video("size with a leading zero", {"prompt": PROMPT, "size": "0720x1280"}, "size"),
    _video("size of six digits", {"prompt": PROMPT, "size": "100000x100000"}, "size"),
    _video("size a number", {"prompt": PROMPT, "size": 720}, "size"),
    _video("a picture by http", {"prompt": PROMPT, "input_reference": "http://e.x/a.png"}, "input_reference"),
    _video("a picture on this machine", {"prompt": PROMPT, "input_reference": "file:///a.png"}, "input_reference"),
    _video("a picture of text", {"prompt": PROMPT, "input_reference": "data:text/html,x"}, "input_reference"),
    _video(
        "a picture not in base64", {"prompt": PROMPT, "input_reference": "data:image/png;base64,*"}, "input_reference"
    ),
    _video("a link with a space", {"prompt": PROMPT, "input_reference": "https://e.x/a b"}, "input_reference"),
    _video("a picture of nothing", {"prompt": PROMPT, "input_reference": {}}, "input_reference.image_url"),
    _video("a picture that is null", {"prompt": PROMPT, "input_reference": None}, "input_reference"),
    _video("a file of no name", {"prompt": PROMPT, "input_reference": {"file_id": ""}}, "input_reference.file_id"),
    _video(
        "a file that is null", {"prompt": PROMPT, "input_reference": {"file_id": None}}, "input_reference.image_url"
    ),
    _video("a file of OpenAI's", {"prompt": PROMPT, "input_reference": {"file_id": "f"}}, "input_reference.file_id"),
    _video(
        "a link by http in an object",
        {"prompt": PROMPT, "input_reference": {"image_url": "http://e.x/a.png"}},
        "input_reference.image_url",
    ),
    _video(
        "a file of OpenAI's and a link",
        {"prompt": PROMPT, "input_reference": {"file_id": "file-1", "image_url": "https://e.x/a.png"}},
        "input_reference.file_id",
    ),
    _video("remix of nothing", {}, "prompt", f"{VIDEOS}/video_x/remix"),
    _video("remix with a prompt that is empty", {"prompt": ""}, "prompt", f"{VIDEOS}/video_x/remix"),
    _method("PUT", VIDEOS),
    _method("POST", f"{VIDEOS}/video_x"),
    _method("GET", f"{VIDEOS}/video_x/remix"),
    _path(f"{VIDEOS}/"),
    _path(f"{VIDEOS}/video_x/remix/"),
    _query("limit of videos 0", "limit", {"limit": "0"}, VIDEOS),
    _query("limit of videos 101", "limit", {"limit": "101"}, VIDEOS),
    _query("order of videos up", "order", {"order": "up"}, VIDEOS),
    _form_typed("no boundary", "multipart/form-data"),
    _form_typed("an empty boundary", "multipart/form-data; boundary="),
    _form_typed("an empty boundary in quotes", 'multipart/form-data; boundary=""'),
    _form_typed("a boundary of 71 characters", f"multipart/form-data; boundary={'x' * 71}"),
    _form_typed("a boundary with a space at its end", 'multipart/form-data; boundary="x "'),
    _form_typed("a boundary that is no token and not quoted", "multipart/form-data; boundary=a b"),
    _form_typed("a boundary with a line break", f"multipart/form-data; boundary={BOUNDARY}\n"),
    _form_typed("the boundary twice", f"multipart/form-data; boundary={BOUNDARY}; boundary={BOUNDARY}"),
    _form_typed("another parameter too", f"multipart/form-data; boundary={BOUNDARY}; schema=x"),
    _form_typed("two", [f"multipart/form-data; boundary={BOUNDARY}"] * 2),
    _form_typed("a boundary of JSON's", f"application/json; boundary={BOUNDARY}"),
    _form_typed("mixed parts", f"multipart/mixed; boundary={BOUNDARY}"),
    _form_typed("a form without files", "application/x-www-form-urlencoded"),
    BadInput(
        "content type of a form: where only JSON is read",
        lambda: form_event(_PROMPTED, path=f"{VIDEOS}/video_x/remix"),
        415,
        "unsupported_media_type",
    ),
    BadInput("form: no body", lambda: rest_event("POST", VIDEOS, headers=FORM), 400, "invalid_request"),
    BadInput(
        "form: a file of 7 MiB",
        lambda: form_event(_PROMPTED, form_part("input_reference", b"\xff\xd8\xff" + b"x" * 7 * MIB, "a.jpg")),
        413,
        "request_too_large",
    ),
    _not_a_form("JSON", lambda: json.dumps({"prompt": PROMPT}).encode()),
    _not_a_form("another boundary", lambda: form_body(_PROMPTED, boundary="other")),
    _not_a_form("something before it", lambda: b"x\r\n" + form_body(_PROMPTED)),
    _not_a_form("something behind it", lambda: form_body(_PROMPTED) + b"x"),
    _not_a_form("a second form behind it", lambda: form_body(_PROMPTED) * 2),
    _not_a_form("a line too many behind it", lambda: form_body(_PROMPTED) + b"\r\n"),
    _not_a_form("the boundary alone", lambda: _LINE[:-2]),
    _not_a_form("cut in a header", lambda: _LINE + b"Content-Disposition: form-data"),
    _not_a_form("cut in a text", lambda: _LINE + _PROMPTED),
    _not_a_form("cut in its last line", lambda: _LINE + _PROMPTED + _END[:-3]),
    _not_a_form("lines that end in LF", lambda: form_body(_PROMPTED).replace(b"\r\n", b"\n")),
    _not_a_form("a boundary that goes on", lambda: _LINE + _PROMPTED + _END.replace(b"--\r\n", b"x")),
    _form("a field without a header", lambda: [b"\r\n" + PROMPT.encode()]),
    _form("a field without a name", lambda: [b"Content-Disposition: form-data\r\n\r\nx"]),
    _form("a field with an empty name", lambda: [form_part("", "x")]),
    _form("a field of no form", lambda: [b'Content-Disposition: attachment; name="prompt"\r\n\r\nx']),
    _form("a header that goes on in the next line", lambda: [form_part("prompt", "x", None, "X-A: b", " c")]),
    _form("a header without a colon", lambda: [form_part("prompt", "x", None, "nonsense")]),
    _form("a header that is not UTF-8", lambda: [b'Content-Disposition: form-data; name="\xff"\r\n\r\nx']),
    _form("a header of 1,025 bytes", lambda: [form_part("prompt", "x", None, "X-A: " + "b" * 1020)]),
    _form("a header of 9 lines", lambda: [form_part("prompt", "x", None, *["X-A: b"] * 8)]),
    _form("a size that lies", lambda: [form_part("prompt", PROMPT, None, "Content-Length: 3")]),
    _form("a name of 129 bytes", lambda: [_PROMPTED, form_part("é" * 64 + "x", PROMPT)]),
    _form("17 fields", lambda: [_PROMPTED, *[form_part(f"x{n}", "x") for n in range(16)]]),
    _form("60,000 fields", lambda: [form_part("x", "x")] * 60_000, param="x"),
    _form("the prompt twice", lambda: [_PROMPTED, _PROMPTED], param="prompt"),
    _form("an unknown field twice", lambda: [_PROMPTED, form_part("a[]", "x"), form_part("a[]", "x")]),
    _form(
        "a file and a link",
        lambda: [
            _PROMPTED,
            form_part("input_reference", b"GIF89a", "a.gif"),
            form_part("input_reference[image_url]", "https://e.x/a.png"),
        ],
        param="input_reference[image_url]",
    ),
    _form(
        "a link and a file",
        lambda: [
            _PROMPTED,
            form_part("input_reference[image_url]", "https://e.x/a.png"),
            form_part("input_reference", b"GIF89a", "a.gif"),
        ],
        param="input_reference",
    ),
    _form("a text that is not UTF-8", lambda: [form_part("prompt", b"\xe4\xf6\xfc")], param="prompt"),
    _form(
        "a text in base64",
        lambda: [form_part("prompt", "eA==", None, "Content-Transfer-Encoding: base64")],
        param="prompt",
    ),
    _form(
        "a file that is empty", lambda: [_PROMPTED, form_part("input_reference", b"", "a.png")], param="input_reference"
    ),
    _form(
        "a file that is text",
        lambda: [_PROMPTED, form_part("input_reference", PROMPT, "a.png")],
        param="input_reference",
    ),
    _form(
        "a file that is a video",
        lambda: [_PROMPTED, form_part("input_reference", b"\0\0\0\x18ftypisom" + bytes(12), "a.png")],
        param="input_reference",
    ),
    _form("a file with brackets", lambda: [_PROMPTED, form_part("input_reference[]", b"GIF89a", "a.gif")]),
    _form("no prompt", lambda: [form_part("model", "sora-2")], "invalid_request", "prompt"),
    _form("the prompt as a picture", lambda: [form_part("prompt", b"GIF89a", "a.gif")], "invalid_request", "prompt"),
    _form("seconds with a space", lambda: [_PROMPTED, form_part("seconds", " 4")], "invalid_request", "seconds"),
    _form("no fields", lambda: [form_part("x", "x")], "invalid_request", "prompt"),
    _form(
        "a file of OpenAI's",
        lambda: [_PROMPTED, form_part("input_reference[file_id]", "file-1")],
        "invalid_request",
        "input_reference.file_id",
    ),
]

BAD_INPUTS = [*_STOCK_OPENAPI_CORE, *_HOSTILE, *_VIDEOS]
