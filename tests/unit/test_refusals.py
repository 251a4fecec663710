"""Every row of v98store's error table, and what comes in its place when something breaks before it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelay.errors import ReelayError, UpstreamBroken, UpstreamBusy, UpstreamError, UpstreamRefused, UpstreamSilent
from reelay.refusals import (
    DEFAULT_RETRY_AFTER_SECONDS,
    MESSAGE_CHARACTERS,
    in_stream_error,
    refusal,
    retry_after,
    upstream_request_id,
)

NOW = 1_762_874_797.0
"""Tue, 11 Nov 2025 15:26:37 GMT."""

HTML = b"<!DOCTYPE html><html><title>524: A timeout occurred</title></html>"


def envelope(message: str = "说明", code: Any = "", param: Any = "", type: str = "new_api_error") -> bytes:
    error = {"message": message, "type": type, "param": param, "code": code}
    return json.dumps({"error": error}, ensure_ascii=False).encode()


def read(status: int, body: bytes = b"", **headers: str) -> UpstreamError:
    return refusal(status, {name.replace("_", "-"): value for name, value in headers.items()}, body, NOW)


ROWS: list[tuple[int, str, type[UpstreamError], str, str, bool]] = [
    (400, "invalid_request", UpstreamRefused, "invalid_request_error", "invalid_request", False),
    (400, "bad_request_body", UpstreamRefused, "invalid_request_error", "bad_request_body", False),
    (400, "", UpstreamRefused, "invalid_request_error", "upstream_error", False),
    (400, "sentinel_block", UpstreamRefused, "invalid_request_error", "sentinel_block", False),
    (400, "moderation_blocked", UpstreamRefused, "invalid_request_error", "moderation_blocked", True),
    (401, "", UpstreamRefused, "authentication_error", "invalid_api_key", False),
    (403, "insufficient_user_quota", UpstreamRefused, "insufficient_quota", "insufficient_user_quota", False),
    (403, "", UpstreamRefused, "invalid_request_error", "upstream_error", False),
    (404, "model_not_found", UpstreamRefused, "invalid_request_error", "model_not_found", False),
    (400, "model_not_found", UpstreamRefused, "invalid_request_error", "model_not_found", False),
    (503, "model_not_found", UpstreamRefused, "invalid_request_error", "model_not_found", False),
    (408, "", UpstreamRefused, "invalid_request_error", "upstream_error", True),
    (409, "", UpstreamRefused, "invalid_request_error", "upstream_error", True),
    (413, "", UpstreamRefused, "invalid_request_error", "request_too_large", False),
    (422, "", UpstreamRefused, "invalid_request_error", "upstream_error", False),
    (429, "", UpstreamBusy, "rate_limit_error", "rate_limit_exceeded", False),
    (500, "do_request_failed", UpstreamError, "upstream_error", "do_request_failed", True),
    (500, "bad_response_status_code", UpstreamError, "upstream_error", "bad_response_status_code", True),
    (502, "", UpstreamError, "upstream_error", "upstream_error", True),
    (503, "", UpstreamError, "upstream_error", "upstream_error", True),
    (504, "", UpstreamSilent, "upstream_error", "upstream_timeout", True),
]


@pytest.mark.parametrize(("status", "code", "kind", "type", "told", "charged"), ROWS)
def test_an_envelope_keeps_its_status_its_words_and_its_code(
    status: int, code: str, kind: type[UpstreamError], type: str, told: str, charged: bool
) -> None:
    error = read(status, envelope("模型不可用", code))
    assert error.__class__ is kind
    assert error.body() == {"error": {"message": "模型不可用", "type": type, "param": None, "code": told}}
    assert (error.status, error.charged) == (status, charged)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 521, 522, 523, 524])
@pytest.mark.parametrize(
    ("body", "what"),
    [
        (HTML, "an HTML page of 66 bytes"),
        (b"", "an empty body"),
        (b"upstream connect error", "22 bytes that are not a JSON object"),
        (b"[1]", "3 bytes that are not a JSON object"),
        (b"\xff\xfe{}", "4 bytes that are not a JSON object"),
        (b"[" * 60_000, "60,000 bytes that are not a JSON object"),
    ],
)
def test_a_5xx_that_is_no_envelope_is_a_502_in_clear_words(status: int, body: bytes, what: str) -> None:
    error = read(status, body)
    assert isinstance(error, UpstreamBroken)
    assert (error.status, error.code, error.charged) == (502, "upstream_broken", True)
    assert f"status {status} with {what}" in error.message
    assert "<" not in error.message


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_4xx_from_something_in_front_of_the_api_is_a_502_that_cost_nothing(status: int) -> None:
    error = read(status, HTML, content_type="text/html")
    assert (error.status, error.charged) == (502, False)
    assert "HTML page" in error.message


@pytest.mark.parametrize(("status", "code"), [(401, "invalid_api_key"), (413, "request_too_large")])
def test_what_is_clear_without_a_body_keeps_its_status(status: int, code: str) -> None:
    for body in (b"", HTML):
        error = read(status, body)
        assert (error.status, error.code, error.charged) == (status, code, False)
        assert error.message


@pytest.mark.parametrize("status", [101, 103, 300, 301, 302, 304, 307, 308])
def test_neither_a_redirect_nor_an_interim_status_proves_anything(status: int) -> None:
    error = read(status, envelope("moved", "model_not_found"), location="https://elsewhere.example/v1")
    assert isinstance(error, UpstreamBroken)
    assert (error.status, error.charged) == (502, True)
    assert "elsewhere" not in error.message


def test_a_429_needs_neither_a_body_nor_a_header() -> None:
    error = read(429)
    assert isinstance(error, UpstreamBusy)
    assert (error.status, error.retry_after, error.charged) == (429, DEFAULT_RETRY_AFTER_SECONDS, False)


def test_a_503_with_retry_after_is_busy_and_keeps_its_status() -> None:
    error = read(503, HTML, retry_after="7")
    assert isinstance(error, UpstreamBusy)
    assert (error.status, error.retry_after, error.charged) == (503, 7, False)


def test_a_503_whose_retry_after_is_nonsense_is_of_unknown_charge() -> None:
    error = read(503, HTML, retry_after="soon")
    assert isinstance(error, UpstreamBroken)
    assert error.charged


def test_a_model_that_is_not_there_is_not_worth_another_try_whatever_the_headers_say() -> None:
    error = read(503, envelope("no channel", "model_not_found"), retry_after="1")
    assert not isinstance(error, UpstreamBusy)
    assert error.headers["x-should-retry"] == "false"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("2", 2.0),
        (" 120 ", 120.0),
        ("Tue, 11 Nov 2025 15:26:40 GMT", 3.0),
        ("Tue, 11 Nov 2025 15:26:40 -0000", 3.0),
        ("Tue, 11 Nov 2025 16:26:40 +0100", 3.0),
        ("Tue, 11 Nov 2025 15:00:00 GMT", 0.0),
        ("-1", None),
        ("1.5", None),
        ("9" * 5000, None),
        ("Tue, 11 Nov " + "9" * 60_000, None),
        ("٣", None),
        ("soon", None),
        ("", None),
        ("Tue, 11 Nov 99999999999999999999 15:26:40 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": value}, NOW) == seconds


def test_a_date_without_a_zone_is_in_utc_wherever_this_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as here:
        here.setenv("TZ", "Asia/Shanghai")
        time.tzset()
        assert retry_after({"retry-after": "Tue, 11 Nov 2025 15:26:40 -0000"}, NOW) == 3.0
    time.tzset()


@given(st.text(max_size=60))
def test_no_retry_after_raises(value: str) -> None:
    seconds = retry_after({"retry-after": value}, NOW)
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize(
    ("headers", "message", "expected"),
    [
        ({"x-oneapi-request-id": "A1", "x-request-id": "B2"}, "(request id: C3)", "A1"),
        ({"x-request-id": "B2"}, "", "B2"),
        (
            {},
            "坏了 (request id: theirs) (request id: 20251111163026817855493SePwkLG8)",
            "20251111163026817855493SePwkLG8",
        ),
        ({"x-request-id": "two words"}, "", None),
        ({"x-request-id": "x" * 129}, "(request id: <b>)", None),
        ({}, "no id", None),
    ],
)
def test_the_upstreams_request_id_is_its_own_and_harmless(
    headers: dict[str, str], message: str, expected: str | None
) -> None:
    assert upstream_request_id(headers, message) == expected


def test_the_request_id_is_found_behind_a_message_that_was_cut() -> None:
    error = read(500, envelope("长" * 5000 + " (request id: last-one)"))
    assert error.headers == {"x-upstream-request-id": "last-one"}
    assert len(error.message) == MESSAGE_CHARACTERS
    assert error.message.endswith("…")


def test_an_html_page_is_told_with_the_request_id_of_its_headers() -> None:
    assert read(524, HTML, x_request_id="ray-1").headers == {"x-upstream-request-id": "ray-1"}


def test_words_are_passed_on_without_what_a_terminal_or_a_log_would_obey() -> None:
    assert read(400, envelope("bad\x1b[31m\r\nmodel\u202e 分")).message == "bad [31m model  分"


def test_a_lone_surrogate_is_not_passed_on() -> None:
    error = read(400, b'{"error":{"message":"a\\ud800b","code":"\\udfff","param":"p\\ud800"}}')
    assert (error.message, error.param, error.code) == ("a b", "p", "upstream_error")


@pytest.mark.parametrize("words", ["Incorrect API key: sk-abcDEF123456", "got Bearer abcdef.123456"])
def test_a_key_that_the_upstream_repeats_is_taken_out(words: str) -> None:
    assert "123456" not in read(401, envelope(words)).message


def test_a_word_that_looks_like_a_key_from_afar_stays() -> None:
    assert read(400, envelope("task-123456789 failed")).message == "task-123456789 failed"


@pytest.mark.parametrize(
    ("body", "message", "code", "param"),
    [
        (b'{"error":"plain words"}', "plain words", "upstream_error", None),
        (b'{"message":"no envelope","code":"bad_thing"}', "no envelope", "bad_thing", None),
        (b'{"error":{"message":"m","code":40003,"param":"size"}}', "m", "40003", "size"),
        (b'{"error":{"message":"m","code":null}}', "m", "upstream_error", None),
        (b'{"error":{"message":["m"],"code":{"a":1},"param":7}}', None, "upstream_error", "7"),
        (b'{"error":{"message":"m","code":true}}', "m", "upstream_error", None),
        (b"{}", None, "upstream_error", None),
    ],
)
def test_an_envelope_may_be_odd(body: bytes, message: str | None, code: str, param: str | None) -> None:
    error = read(400, body)
    assert error.message == message if message else "refused the request with status 400" in error.message
    assert (error.status, error.code, error.param) == (400, code, param)


@given(status=st.integers(100, 999), body=st.binary(max_size=200), name=st.text(max_size=20))
def test_whatever_comes_becomes_an_error_of_ours(status: int, body: bytes, name: str) -> None:
    error = refusal(status, {"retry-after": name, "content-type": name}, body, NOW)
    assert isinstance(error, ReelayError)
    assert error.message
    assert 400 <= error.status <= 999
    json.dumps(error.body(), ensure_ascii=False).encode("utf-8")


@pytest.mark.parametrize(
    ("code", "status", "type", "charged"),
    [
        ("model_not_found", 503, "invalid_request_error", False),
        ("sentinel_block", 400, "invalid_request_error", False),
        ("moderation_blocked", 400, "invalid_request_error", True),
        ("insufficient_user_quota", 403, "insufficient_quota", False),
        ("invalid_api_key", 401, "authentication_error", False),
        ("do_request_failed", 502, "upstream_error", True),
        ("rate_limit_exceeded", 502, "upstream_error", True),
        ("", 502, "upstream_error", True),
    ],
)
def test_an_error_in_the_stream_is_of_unknown_charge_unless_its_code_is_known(
    code: str, status: int, type: str, charged: bool
) -> None:
    payload = json.loads(envelope("生成失败 (request id: R-1)", code, "prompt"))
    error = in_stream_error(payload)
    assert (error.status, error.type, error.charged, error.param) == (status, type, charged, "prompt")
    assert error.code == (code or "upstream_error")
    assert error.message == "生成失败 (request id: R-1)"
    assert error.headers["x-upstream-request-id"] == "R-1"


@pytest.mark.parametrize(
    ("error", "message"), [("words alone", "words alone"), (True, None), ({"code": 5}, None), ([1], None)]
)
def test_an_error_in_the_stream_may_be_odd(error: Any, message: str | None) -> None:
    read = in_stream_error({"id": "chatcmpl-1", "error": error})
    assert read.message == (message or "The upstream failed after it had begun to answer, and did not say why.")
    assert (read.status, read.charged) == (502, True)
