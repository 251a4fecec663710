"""The environment, checked at the cold start."""

from __future__ import annotations

import pytest

from reelay.documents import record_key
from reelay.settings import UPSTREAM_BASE_URL, SettingsError, read


def test_a_bucket_is_all_that_has_to_be_said() -> None:
    settings = read({"BUCKET_NAME": "kept-here"})
    assert (settings.bucket, settings.upstream_base_url) == ("kept-here", UPSTREAM_BASE_URL)
    assert [settings.upstream_plain_http, settings.allow_anonymous, settings.tracing] == [False, False, False]
    assert settings.media_trusted_origins == settings.media_allowed_hosts == frozenset()


def test_what_is_told_bears_the_name_that_is_given_or_the_houses() -> None:
    assert [read({"BUCKET_NAME": "kept-here", **more}).service for more in (
        {}, {"POWERTOOLS_SERVICE_NAME": ""}, {"POWERTOOLS_SERVICE_NAME": "second"},
    )] == ["reelay", "reelay", "second"]  # fmt: skip


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


def test_a_list_of_hosts_that_names_nobody_is_not_taken_for_everybody() -> None:
    with pytest.raises(SettingsError, match="MEDIA_ALLOWED_HOSTS"):
        read({"BUCKET_NAME": "kept-here", "MEDIA_ALLOWED_HOSTS": " , "})


def test_without_a_word_there_is_nobody_to_tell_to_ask_or_to_hand_over_to() -> None:
    settings = read({"BUCKET_NAME": "kept-here"})
    assert [settings.jobs_queue_url, settings.event_bus, settings.service_key_secret, settings.status_url] == [None] * 4
    empty = dict.fromkeys(("JOBS_QUEUE_URL", "EVENT_BUS_NAME", "SERVICE_KEY_SECRET", "STATUS_URL", "EVENTS_TENANT"), "")
    assert read({"BUCKET_NAME": "kept-here", **empty}) == settings


def test_what_jobs_need_is_read_as_it_is() -> None:
    environment = {
        "BUCKET_NAME": "kept-here",
        "JOBS_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/1/jobs",
        "EVENT_BUS_NAME": "reelay",
        "SERVICE_KEY_SECRET": "arn:aws:secretsmanager:us-east-1:1:secret:key",
        "STATUS_URL": "https://v98store.com/v1/video/query?id={model}:{task_id}",
    }
    settings = read(environment)
    read_ = [settings.jobs_queue_url, settings.event_bus, settings.service_key_secret, settings.status_url]
    assert read_ == list(environment.values())[1:]


def test_limits_are_whole_numbers_and_nothing_is_no_limit() -> None:
    limits = {"MAX_JOBS_IN_FLIGHT": "20", "MAX_JOBS_PER_DAY": "1000000"}
    settings = read({"BUCKET_NAME": "kept-here", **limits})
    assert (settings.max_jobs_in_flight, settings.max_jobs_per_day) == (20, 1_000_000)
    settings = read({"BUCKET_NAME": "kept-here", "MAX_JOBS_IN_FLIGHT": "", "MAX_JOBS_PER_DAY": "0"})
    assert (settings.max_jobs_in_flight, settings.max_jobs_per_day) == (0, 0)


@pytest.mark.parametrize("value", ["-1", "1.5", "101", "x", "10000000", "\u0661"])
def test_a_limit_that_is_none_is_not_taken_for_no_limit(value: str) -> None:
    with pytest.raises(SettingsError, match="MAX_JOBS_IN_FLIGHT"):
        read({"BUCKET_NAME": "kept-here", "MAX_JOBS_IN_FLIGHT": value})


@pytest.mark.parametrize("tenant", ["events", "0123456789abcdef" * 2])
def test_the_tenant_of_events_is_one_that_the_store_takes(tenant: str) -> None:
    settings = read({"BUCKET_NAME": "kept-here", "EVENTS_TENANT": tenant})
    assert settings.events_tenant == tenant
    assert record_key(settings.events_tenant, "01k9zzzzzzzzzzzzzzzzzzzzzz")


def test_without_a_word_so_is_the_default() -> None:
    assert record_key(read({"BUCKET_NAME": "kept-here"}).events_tenant, "01k9zzzzzzzzzzzzzzzzzzzzzz")


@pytest.mark.parametrize(
    "tenant", ["anonymous", "sk-0123", "0123456789ABCDEF" * 2, "0" * 31, "0" * 33, "events\n", " events", "../events"]
)
def test_any_other_tenant_is_refused_and_not_repeated(tenant: str) -> None:
    """Whoever puts a key there by mistake does not find it in the log."""
    with pytest.raises(SettingsError, match="EVENTS_TENANT") as caught:
        read({"BUCKET_NAME": "kept-here", "EVENTS_TENANT": tenant})
    assert "sk-0123" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "v98store.com/{task_id}", "ftp://v98store.com/{task_id}", "https://v98store.com/query", "https:///{task_id}",
        "https://user:sk-0123@v98store.com/{task_id}", "https://[bad/{task_id}", "https://{task_id}", "{task_id}",
    ],
)  # fmt: skip
def test_a_status_url_is_an_address_with_a_place_for_the_jobs_name(url: str) -> None:
    with pytest.raises(SettingsError, match="STATUS_URL") as caught:
        read({"BUCKET_NAME": "kept-here", "STATUS_URL": url})
    assert "sk-0123" not in str(caught.value)


def test_an_upstream_url_that_is_none_is_named_as_every_other_fault() -> None:
    with pytest.raises(SettingsError, match="UPSTREAM_BASE_URL"):
        read({"BUCKET_NAME": "kept-here", "UPSTREAM_BASE_URL": "https://[bad/v1"})


def test_nobody_is_asked_over_plain_http_unless_that_is_said_by_name() -> None:
    environment = {"BUCKET_NAME": "kept-here", "STATUS_URL": "http://127.0.0.1/{task_id}"}
    with pytest.raises(SettingsError, match="STATUS_URL"):
        read(environment)
    assert read(environment | {"UPSTREAM_PLAIN_HTTP": "true"}).status_url == environment["STATUS_URL"]
