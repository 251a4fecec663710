"""The environment, checked at the cold start."""

from __future__ import annotations

import pytest

from reelay.settings import UPSTREAM_BASE_URL, SettingsError, read


def test_a_bucket_is_all_that_has_to_be_said() -> None:
    settings = read({"BUCKET_NAME": "kept-here"})
    assert (settings.bucket, settings.upstream_base_url) == ("kept-here", UPSTREAM_BASE_URL)
    assert [settings.upstream_plain_http, settings.allow_anonymous, settings.tracing] == [False, False, False]
    assert settings.media_trusted_origins == settings.media_allowed_hosts == frozenset()


def test_every_wrong_variable_is_named_at_once() -> None:
    wrong = {
        "BUCKET_NAME": "Not A Bucket",
        "UPSTREAM_BASE_URL": "ftp://example.com",
        "ALLOW_ANONYMOUS": "yes",
        "TRACING": "1",
        "RESPONSE_STREAMING": "on",
    }
    with pytest.raises(SettingsError) as caught:
        read(wrong)
    assert all(name in str(caught.value) for name in wrong)


@pytest.mark.parametrize("url", ["https://user:pass@example.com/v1", "https://example.com/v1?key=1", "example.com", ""])
def test_a_base_url_is_a_plain_address_or_the_default(url: str) -> None:
    if url:
        with pytest.raises(SettingsError, match="UPSTREAM_BASE_URL"):
            read({"BUCKET_NAME": "kept-here", "UPSTREAM_BASE_URL": url})
    else:
        assert read({"BUCKET_NAME": "kept-here", "UPSTREAM_BASE_URL": url}).upstream_base_url == UPSTREAM_BASE_URL


def test_plain_http_has_to_be_asked_for_by_name() -> None:
    environment = {"BUCKET_NAME": "kept-here", "UPSTREAM_BASE_URL": "http://v98store.com/v1"}
    with pytest.raises(SettingsError, match="UPSTREAM_PLAIN_HTTP"):
        read(environment)
    assert read(environment | {"UPSTREAM_PLAIN_HTTP": "true"}).upstream_plain_http


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, "127.0.0.1:9001"),
        ({"RESPONSE_STREAMING": "false"}, None),
        ({"AWS_SAM_LOCAL": "true"}, None),
    ],
)
def test_answers_stream_only_where_the_front_end_passes_streams_on(more: dict[str, str], expected: str | None) -> None:
    environment = {"BUCKET_NAME": "kept-here", "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001"}
    assert read(environment | more).runtime_api == expected


def test_lists_are_split_at_commas() -> None:
    settings = read({"BUCKET_NAME": "kept-here", "MEDIA_ALLOWED_HOSTS": " a.example, .b.example ,"})
    assert settings.media_allowed_hosts == {"a.example", ".b.example"}
